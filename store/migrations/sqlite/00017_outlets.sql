-- +goose Up

-- A robot that people put into an internal group. Its key is a secret: whoever has it can
-- speak in that group.
CREATE TABLE robot (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  key        TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
) STRICT;

-- Reports name the robots that they speak by; the keys are kept in one place.
INSERT INTO robot (name, key, created_at) SELECT '', robot_key, MIN(updated_at) FROM report_target WHERE robot_key <> '' GROUP BY robot_key ORDER BY robot_key;
ALTER TABLE report_target ADD COLUMN robot_id INTEGER REFERENCES robot (id);
UPDATE report_target SET robot_id = (SELECT id FROM robot WHERE robot.key = report_target.robot_key) WHERE robot_key <> '';
ALTER TABLE report_target DROP COLUMN robot_key;

-- What a delivery goes to beside a group: app_chat or robot; empty for a group.
ALTER TABLE delivery ADD COLUMN outlet TEXT NOT NULL DEFAULT '';
CREATE INDEX delivery_outlet ON delivery (occurrence_id) WHERE outlet <> '';

-- What became of a promotion's old occurrences: all together (kind empty), by store and by
-- owner. summed_at: since when an occurrence is in these sums.
CREATE TABLE funnel (
  promotion_id INTEGER NOT NULL REFERENCES promotion (id),
  kind         TEXT NOT NULL,
  id           TEXT NOT NULL,
  "groups"     INTEGER NOT NULL,
  blocked      INTEGER NOT NULL,
  tasks        INTEGER NOT NULL,
  owners       INTEGER NOT NULL,
  confirmed    INTEGER NOT NULL,
  sent         INTEGER NOT NULL,
  failed       INTEGER NOT NULL,
  unsent       INTEGER NOT NULL,
  cancelled    INTEGER NOT NULL,
  waiting      INTEGER NOT NULL,
  joins        INTEGER NOT NULL,
  leaves       INTEGER NOT NULL,
  outlets      INTEGER NOT NULL,
  outlets_sent INTEGER NOT NULL,
  PRIMARY KEY (promotion_id, kind, id)
) STRICT, WITHOUT ROWID;
ALTER TABLE occurrence ADD COLUMN summed_at INTEGER;
CREATE INDEX occurrence_unsummed ON occurrence (at, id) WHERE summed_at IS NULL;
CREATE INDEX occurrence_live ON occurrence (promotion_id) WHERE summed_at IS NULL;
CREATE INDEX occurrence_at ON occurrence (at);

-- Who left in the day after something was posted.
CREATE INDEX stint_left ON stint (chat_id, left_at) WHERE left_at IS NOT NULL;
