-- +goose Up

-- When the platform was last asked about a task.
ALTER TABLE task ADD COLUMN polled_at BIGINT;

-- Which task of an owner may be submitted now, of all whose messages look alike: the platform's
-- list could not tell two of them apart. likeness: a digest of what the list shows.
CREATE TABLE mass_turn (
  owner    TEXT COLLATE "C" NOT NULL,
  likeness TEXT COLLATE "C" NOT NULL,
  task_id  BIGINT NOT NULL,
  PRIMARY KEY (owner, likeness)
);
CREATE INDEX mass_turn_task ON mass_turn (task_id);

-- What is done so that an occurrence is confirmed in time: a row for each owner who has tasks, and
-- one with an empty owner for the managers of the stores. step: how much is behind it.
CREATE TABLE chase (
  occurrence_id BIGINT NOT NULL REFERENCES occurrence (id),
  owner         TEXT COLLATE "C" NOT NULL,
  step          INTEGER NOT NULL,
  next_at       BIGINT,
  began_at      BIGINT NOT NULL,
  closes_at     BIGINT NOT NULL,
  declined_at   BIGINT,
  PRIMARY KEY (occurrence_id, owner)
);
CREATE INDEX chase_next ON chase (next_at) WHERE next_at IS NOT NULL;
