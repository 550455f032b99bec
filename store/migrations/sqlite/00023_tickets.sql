-- +goose Up

-- Something that a customer wants of people. kind: complaint, refund, dissent. status: open,
-- taken, closed. due_at: by when somebody is to have dealt with it. next_at: when to look
-- again. asks: how often people were told. text: what was said first.
CREATE TABLE ticket (
  id          INTEGER PRIMARY KEY,
  kind        TEXT NOT NULL,
  chat_id     TEXT NOT NULL,
  member      TEXT NOT NULL,
  member_name TEXT NOT NULL,
  text        TEXT NOT NULL,
  said        INTEGER NOT NULL,
  status      TEXT NOT NULL,
  who         TEXT NOT NULL,
  note        TEXT NOT NULL,
  case_id     INTEGER,
  asks        INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  due_at      INTEGER NOT NULL,
  next_at     INTEGER,
  closed_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX ticket_open ON ticket (chat_id, member) WHERE status <> 'closed';
CREATE INDEX ticket_status ON ticket (status, id);
CREATE INDEX ticket_next ON ticket (next_at) WHERE next_at IS NOT NULL;

-- What was said in a ticket; the feed forgets its messages earlier.
CREATE TABLE ticket_message (
  ticket_id  INTEGER NOT NULL REFERENCES ticket (id),
  message_id TEXT NOT NULL,
  sent_at    INTEGER NOT NULL,
  text       TEXT NOT NULL,
  PRIMARY KEY (ticket_id, message_id)
) STRICT;

-- What became of a ticket, step by step; never changed.
CREATE TABLE ticket_step (
  id        INTEGER PRIMARY KEY,
  ticket_id INTEGER NOT NULL REFERENCES ticket (id),
  at        INTEGER NOT NULL,
  what      TEXT NOT NULL,
  who       TEXT NOT NULL,
  note      TEXT NOT NULL
) STRICT;
CREATE INDEX ticket_step_ticket ON ticket_step (ticket_id, id);

-- Somebody's word on a member of a group; one a day by a reporter on a member. weight: what
-- the word counted when it was given. outcome: empty, right, wrong.
CREATE TABLE member_report (
  id         INTEGER PRIMARY KEY,
  chat_id    TEXT NOT NULL,
  member     TEXT NOT NULL,
  reporter   TEXT NOT NULL,
  staff      INTEGER NOT NULL,
  day        TEXT NOT NULL,
  message_id TEXT NOT NULL,
  text       TEXT NOT NULL,
  note       TEXT NOT NULL,
  weight     REAL NOT NULL,
  case_id    INTEGER,
  outcome    TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (member, reporter, day)
) STRICT;
CREATE INDEX member_report_member ON member_report (member, created_at);
CREATE INDEX member_report_reporter ON member_report (reporter, id);
CREATE INDEX member_report_open ON member_report (member) WHERE outcome = '';

-- A text that a member of staff sent to the app, with the verdict and whom it may be from.
-- status: open, filed, harmless, closed. choices: JSON.
CREATE TABLE app_ask (
  id         INTEGER PRIMARY KEY,
  user_id    TEXT NOT NULL,
  message_id TEXT NOT NULL UNIQUE,
  text       TEXT NOT NULL,
  status     TEXT NOT NULL,
  choices    TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX app_ask_user ON app_ask (user_id, created_at);
CREATE INDEX app_ask_created ON app_ask (created_at);

-- What followed from the removal, or the blocking, of an inviter. cause: case:<id> or
-- block:<person>. kind: code (ref is a channel) or flag (ref is an entry). state: wanted,
-- done, undone, failed.
CREATE TABLE consequence (
  id         INTEGER PRIMARY KEY,
  cause      TEXT NOT NULL,
  person     TEXT NOT NULL,
  kind       TEXT NOT NULL,
  ref        INTEGER NOT NULL,
  state      TEXT NOT NULL,
  note       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  UNIQUE (cause, kind, ref)
) STRICT;
CREATE INDEX consequence_person ON consequence (person);
CREATE INDEX consequence_ref ON consequence (kind, ref);
