-- +goose Up

-- Versions of what is looked for; never changed. data: JSON.
CREATE TABLE checks (
  version    BIGINT NOT NULL PRIMARY KEY,
  data       TEXT COLLATE "C" NOT NULL,
  note       TEXT COLLATE "C" NOT NULL,
  put_by     TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL
);

-- An entry that waits for somebody to decide. status: open, released, voided. signals: JSON.
CREATE TABLE flag (
  entry_id       BIGINT NOT NULL PRIMARY KEY REFERENCES entry (id),
  status         TEXT COLLATE "C" NOT NULL,
  weight         DOUBLE PRECISION NOT NULL,
  threshold      DOUBLE PRECISION NOT NULL,
  checks_version BIGINT NOT NULL,
  signals        TEXT COLLATE "C" NOT NULL,
  flagged_at     BIGINT NOT NULL
);
CREATE INDEX flag_status ON flag (status, entry_id);

-- What somebody decided; never changed, never deleted. decision: release, void.
CREATE TABLE flag_decision (
  entry_id BIGINT NOT NULL PRIMARY KEY REFERENCES flag (entry_id),
  decision TEXT COLLATE "C" NOT NULL,
  who      TEXT COLLATE "C" NOT NULL,
  note     TEXT COLLATE "C" NOT NULL,
  at       BIGINT NOT NULL
);

-- What the checks ask of each join.
DROP INDEX stint_state;
CREATE INDEX stint_state ON stint (state, joined_at) WHERE state <> '';
CREATE INDEX stint_inviter ON stint (inviter, joined_at) WHERE inviter <> '';
CREATE INDEX entry_kept ON entry (staff, due_at) WHERE status <> 'held' AND status <> 'void';
DROP INDEX tally_chat;
CREATE INDEX tally_chat ON tally (period, chat_id, staff, joins);
