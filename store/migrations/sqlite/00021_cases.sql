-- +goose Up

-- app_chat: it is about a chat of the app, where a program may remove. union_id: of the person, where
-- known. rung: what of the ladder the worst message took. owner: who owned the group when people were
-- last asked, asked_to whom; level: how much of asking (owner, reminder, manager, others) is behind it.
-- claims: how often somebody said "removed", false_claims: how often the list did not agree.
ALTER TABLE mod_case ADD COLUMN app_chat INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mod_case ADD COLUMN union_id TEXT NOT NULL DEFAULT '';
ALTER TABLE mod_case ADD COLUMN rung TEXT NOT NULL DEFAULT '';
ALTER TABLE mod_case ADD COLUMN opened_by TEXT NOT NULL DEFAULT '';
ALTER TABLE mod_case ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE mod_case ADD COLUMN asked_to TEXT NOT NULL DEFAULT '';
ALTER TABLE mod_case ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mod_case ADD COLUMN claims INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mod_case ADD COLUMN false_claims INTEGER NOT NULL DEFAULT 0;
-- lead: the case on whose card this one stands as well, which the same owner got about the same person.
ALTER TABLE mod_case ADD COLUMN lead INTEGER;
UPDATE mod_case SET level = asks;

-- One case at a time about a person in a group, also where several processes write.
UPDATE mod_case SET status = 'expired', note = 'another case about the same person was open', next_at = NULL
  WHERE status IN ('open', 'asked_owner') AND id NOT IN (SELECT MIN(id) FROM mod_case WHERE status IN ('open', 'asked_owner') GROUP BY chat_id, member);
DROP INDEX mod_case_open;
CREATE UNIQUE INDEX mod_case_open ON mod_case (chat_id, member) WHERE status IN ('open', 'asked_owner');
CREATE INDEX mod_case_chat ON mod_case (chat_id, id);
CREATE INDEX mod_case_created ON mod_case (created_at);
CREATE INDEX message_case ON message (case_id) WHERE case_id IS NOT NULL;

-- What was done about a case, and by whom; never changed.
CREATE TABLE case_step (
  id      INTEGER PRIMARY KEY,
  case_id INTEGER NOT NULL REFERENCES mod_case (id),
  at      INTEGER NOT NULL,
  what    TEXT NOT NULL,
  who     TEXT NOT NULL,
  detail  TEXT NOT NULL
) STRICT;
CREATE INDEX case_step_case ON case_step (case_id, id);
CREATE INDEX case_step_what ON case_step (what, at);
INSERT INTO case_step (case_id, at, what, who, detail) SELECT id, created_at, 'opened', '', '' FROM mod_case;
INSERT INTO case_step (case_id, at, what, who, detail) SELECT id, closed_at, status, closed_by, note FROM mod_case WHERE closed_at IS NOT NULL;

-- A message that counts against a person until expires_at, unless it was taken back.
CREATE TABLE strike (
  id         INTEGER PRIMARY KEY,
  member     TEXT NOT NULL,
  chat_id    TEXT NOT NULL,
  message_id TEXT NOT NULL,
  case_id    INTEGER,
  verdict    TEXT NOT NULL,
  rung       TEXT NOT NULL,
  at         INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  taken_at   INTEGER,
  taken_by   TEXT NOT NULL
) STRICT;
CREATE INDEX strike_member ON strike (member, verdict, expires_at);
CREATE INDEX strike_case ON strike (case_id) WHERE case_id IS NOT NULL;

-- Warnings that were asked of an owner or posted by the app: one a person and day, some an owner and day.
CREATE TABLE warning (
  member  TEXT NOT NULL,
  day     TEXT NOT NULL,
  owner   TEXT NOT NULL,
  case_id INTEGER NOT NULL,
  PRIMARY KEY (member, day)
) STRICT;
CREATE INDEX warning_owner ON warning (owner, day);

-- by_user: who put them on the list.
ALTER TABLE blocked ADD COLUMN by_user TEXT NOT NULL DEFAULT '';
ALTER TABLE blocked ADD COLUMN expires_at INTEGER;
CREATE INDEX blocked_expires ON blocked (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX blocked_case ON blocked (case_id) WHERE case_id IS NOT NULL;

-- Chats of the app that are looked after, as they were last read.
CREATE TABLE app_chat (
  chat_id    TEXT NOT NULL PRIMARY KEY,
  name       TEXT NOT NULL,
  owner      TEXT NOT NULL,
  members    TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  looked_at  INTEGER NOT NULL,
  next_at    INTEGER NOT NULL,
  problem    TEXT NOT NULL
) STRICT;
CREATE INDEX app_chat_next ON app_chat (next_at);
