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
