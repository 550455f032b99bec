-- +goose Up

-- A callback that told of stays. It is kept when the inbox has forgotten the event of this key;
-- duplicates: how often it came again, brought up to date when the inbox forgets.
CREATE TABLE callback (
  id           INTEGER PRIMARY KEY,
  key          TEXT NOT NULL UNIQUE,
  at           INTEGER NOT NULL,
  received_at  INTEGER NOT NULL,
  duplicates   INTEGER NOT NULL
) STRICT;

-- What the house knew when it wrote a stay down: one row a stay. join_read, leave_read: when the
-- first read began that showed it; versions: the member list's version then. leave_by: callback,
-- nameless, gap, read or group. A stay without a row, or with nothing of its join, is older than this table.
CREATE TABLE evidence (
  stint_id       INTEGER NOT NULL PRIMARY KEY REFERENCES stint (id),
  join_callback  INTEGER REFERENCES callback (id),
  join_read      INTEGER,
  join_version   TEXT NOT NULL,
  invitor        TEXT NOT NULL,
  channel_id     INTEGER,
  channel_name   TEXT NOT NULL,
  contact_at     INTEGER,
  leave_callback INTEGER REFERENCES callback (id),
  leave_read     INTEGER,
  leave_version  TEXT NOT NULL,
  leave_by       TEXT NOT NULL,
  reopened_at    INTEGER
) STRICT;

-- When the run was first postponed: a look succeeded, and what the event tells did not show yet.
ALTER TABLE run ADD COLUMN looked_at INTEGER;
