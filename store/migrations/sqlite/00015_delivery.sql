-- +goose Up

-- When the platform was last asked about a task.
ALTER TABLE task ADD COLUMN polled_at INTEGER;

-- Which task of an owner may be submitted now, of all whose messages look alike: the platform's
-- list could not tell two of them apart. likeness: a digest of what the list shows.
CREATE TABLE mass_turn (
  owner    TEXT NOT NULL,
  likeness TEXT NOT NULL,
  task_id  INTEGER NOT NULL,
  PRIMARY KEY (owner, likeness)
) STRICT;
CREATE INDEX mass_turn_task ON mass_turn (task_id);

-- What is done so that an occurrence is confirmed in time: a row for each owner who has tasks, and
-- one with an empty owner for the managers of the stores. step: how much is behind it.
CREATE TABLE chase (
  occurrence_id INTEGER NOT NULL REFERENCES occurrence (id),
  owner         TEXT NOT NULL,
  step          INTEGER NOT NULL,
  next_at       INTEGER,
  began_at      INTEGER NOT NULL,
  closes_at     INTEGER NOT NULL,
  declined_at   INTEGER,
  PRIMARY KEY (occurrence_id, owner)
) STRICT;
CREATE INDEX chase_next ON chase (next_at) WHERE next_at IS NOT NULL;

-- Owners who have not confirmed yet are chased from now on, from the middle of their time.
INSERT INTO chase (occurrence_id, owner, step, next_at, began_at, closes_at)
  SELECT occurrence_id, owner, 1, MIN(submitted_at) + (MAX(closes_at) - MIN(submitted_at)) / 2, MIN(submitted_at), MAX(closes_at)
  FROM task WHERE status = 'submitted' GROUP BY occurrence_id, owner;
INSERT INTO chase (occurrence_id, owner, step, next_at, began_at, closes_at)
  SELECT occurrence_id, '', 0, MIN(submitted_at) + (MAX(closes_at) - MIN(submitted_at)) * 2 / 3, MIN(submitted_at), MAX(closes_at)
  FROM task WHERE status = 'submitted' GROUP BY occurrence_id;
