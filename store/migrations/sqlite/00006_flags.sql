-- +goose Up

-- Versions of what is looked for; never changed. data: JSON.
CREATE TABLE checks (
  version    INTEGER NOT NULL PRIMARY KEY,
  data       TEXT NOT NULL,
  note       TEXT NOT NULL,
  put_by     TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- An entry that waits for somebody to decide. status: open, released, voided. signals: JSON.
CREATE TABLE flag (
  entry_id       INTEGER NOT NULL PRIMARY KEY REFERENCES entry (id),
  status         TEXT NOT NULL,
  weight         REAL NOT NULL,
  threshold      REAL NOT NULL,
  checks_version INTEGER NOT NULL,
  signals        TEXT NOT NULL,
  flagged_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX flag_status ON flag (status, entry_id);

-- What somebody decided; never changed, never deleted. decision: release, void.
CREATE TABLE flag_decision (
  entry_id INTEGER NOT NULL PRIMARY KEY REFERENCES flag (entry_id),
  decision TEXT NOT NULL,
  who      TEXT NOT NULL,
  note     TEXT NOT NULL,
  at       INTEGER NOT NULL
) STRICT;

-- What the checks ask of each join.
DROP INDEX stint_state;
CREATE INDEX stint_state ON stint (state, joined_at) WHERE state <> '';
CREATE INDEX stint_inviter ON stint (inviter, joined_at) WHERE inviter <> '';
CREATE INDEX entry_kept ON entry (staff, due_at) WHERE status <> 'held' AND status <> 'void';
DROP INDEX tally_chat;
CREATE INDEX tally_chat ON tally (period, chat_id, staff, joins);
