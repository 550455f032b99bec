-- +goose Up

-- Small facts about the database itself.
CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- What came in. state: new (not yet handed to handlers), open, done, dead.
CREATE TABLE inbox (
  id          INTEGER PRIMARY KEY,
  key         TEXT NOT NULL UNIQUE,
  kind        TEXT NOT NULL,
  lane        TEXT NOT NULL,
  chat_id     TEXT NOT NULL,
  at          INTEGER NOT NULL,
  deadline    INTEGER,
  derived     INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  duplicates  INTEGER NOT NULL,
  state       TEXT NOT NULL,
  open_runs   INTEGER NOT NULL,
  data        TEXT NOT NULL
) STRICT;
CREATE INDEX inbox_state ON inbox (state, id) WHERE state <> 'done';
CREATE INDEX inbox_received ON inbox (received_at) WHERE state = 'done';

-- One handler's work on one event. state: pending, done, dead.
CREATE TABLE run (
  id          INTEGER PRIMARY KEY,
  event_id    INTEGER NOT NULL REFERENCES inbox (id) ON DELETE CASCADE,
  handler     TEXT NOT NULL,
  lane        TEXT NOT NULL,
  state       TEXT NOT NULL,
  not_before  INTEGER NOT NULL,
  deadline    INTEGER NOT NULL,
  attempts    INTEGER NOT NULL,
  error       TEXT NOT NULL,
  finished_at INTEGER,
  UNIQUE (event_id, handler)
) STRICT;
CREATE INDEX run_pending ON run (handler, lane, id) WHERE state = 'pending';

-- A lane with waiting runs. Whoever holds the lease works in it alone; owner is the fence.
CREATE TABLE lane (
  handler     TEXT NOT NULL,
  lane        TEXT NOT NULL,
  due_at      INTEGER NOT NULL,
  deadline    INTEGER NOT NULL,
  owner       TEXT NOT NULL,
  lease_until INTEGER NOT NULL,
  PRIMARY KEY (handler, lane)
) STRICT;
CREATE INDEX lane_due ON lane (handler, deadline, due_at);

-- What is to go out. state: pending, sending, sent, failed, unknown, expired, cancelled.
CREATE TABLE outbox (
  id          INTEGER PRIMARY KEY,
  key         TEXT NOT NULL UNIQUE,
  kind        TEXT NOT NULL,
  retry       TEXT NOT NULL,
  state       TEXT NOT NULL,
  due_at      INTEGER NOT NULL,
  deadline    INTEGER NOT NULL,
  attempts    INTEGER NOT NULL,
  asked       INTEGER NOT NULL,
  owner       TEXT NOT NULL,
  lease_until INTEGER NOT NULL,
  tried_at    INTEGER,
  event_id    INTEGER,
  created_at  INTEGER NOT NULL,
  done_at     INTEGER,
  code        INTEGER NOT NULL,
  error       TEXT NOT NULL,
  result      TEXT NOT NULL,
  data        TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (kind, deadline, due_at) WHERE state IN ('pending', 'unknown');
CREATE INDEX outbox_sending ON outbox (lease_until) WHERE state = 'sending';
CREATE INDEX outbox_event ON outbox (event_id);
CREATE INDEX outbox_state ON outbox (kind, state);

-- A job's appointment: claimed once by whoever inserts the row. state: running, done, failed, missed.
CREATE TABLE slot (
  job         TEXT NOT NULL,
  at          INTEGER NOT NULL,
  local       TEXT NOT NULL,
  state       TEXT NOT NULL,
  owner       TEXT NOT NULL,
  lease_until INTEGER NOT NULL,
  attempts    INTEGER NOT NULL,
  error       TEXT NOT NULL,
  done_at     INTEGER,
  PRIMARY KEY (job, at)
) STRICT;
CREATE INDEX slot_open ON slot (job, lease_until) WHERE state = 'running';

-- A retail store (a shop, to keep it apart from this package).
CREATE TABLE shop (
  id         TEXT NOT NULL PRIMARY KEY,
  name       TEXT NOT NULL,
  region     TEXT NOT NULL,
  manager    TEXT NOT NULL,
  staff      TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- The company's people as far as they were seen. follows: may have customers.
CREATE TABLE staff (
  user_id   TEXT NOT NULL PRIMARY KEY,
  name      TEXT NOT NULL,
  follows   INTEGER NOT NULL,
  synced_at INTEGER
) STRICT;

-- A customer group. versions: the member list's last versions, newest first.
CREATE TABLE chat (
  chat_id    TEXT NOT NULL PRIMARY KEY,
  name       TEXT NOT NULL,
  owner      TEXT NOT NULL,
  status     TEXT NOT NULL,
  shop_id    TEXT NOT NULL,
  labels     TEXT NOT NULL,
  version    TEXT NOT NULL,
  versions   TEXT NOT NULL,
  customers  INTEGER NOT NULL,
  staff      INTEGER NOT NULL,
  created_at INTEGER,
  synced_at  INTEGER,
  first_seen INTEGER NOT NULL
) STRICT;
CREATE INDEX chat_owner ON chat (owner);
CREATE INDEX chat_shop ON chat (shop_id);

-- One stay of one person in one group.
CREATE TABLE stint (
  id         INTEGER PRIMARY KEY,
  chat_id    TEXT NOT NULL,
  user_id    TEXT NOT NULL,
  kind       TEXT NOT NULL,
  name       TEXT NOT NULL,
  nickname   TEXT NOT NULL,
  union_id   TEXT NOT NULL,
  joined_at  INTEGER NOT NULL,
  join_scene TEXT NOT NULL,
  state      TEXT NOT NULL,
  inviter    TEXT NOT NULL,
  inviter_by TEXT NOT NULL,
  ordinal    INTEGER,
  seen_at    INTEGER NOT NULL,
  left_at    INTEGER,
  left_how   TEXT NOT NULL,
  UNIQUE (chat_id, user_id, joined_at)
) STRICT;
CREATE INDEX stint_chat ON stint (chat_id, joined_at, user_id);
CREATE INDEX stint_present ON stint (chat_id, kind) WHERE left_at IS NULL;
CREATE INDEX stint_user ON stint (user_id);
CREATE INDEX stint_union ON stint (union_id) WHERE union_id <> '';
CREATE INDEX stint_state ON stint (state) WHERE state <> '';

-- One time that a customer and a member of staff became contacts.
CREATE TABLE contact (
  customer   TEXT NOT NULL,
  user_id    TEXT NOT NULL,
  added_at   INTEGER NOT NULL,
  state      TEXT NOT NULL,
  removed_at INTEGER,
  PRIMARY KEY (customer, user_id, added_at)
) STRICT;
CREATE INDEX contact_state ON contact (state) WHERE state <> '';

-- A QR code with an owner. status: making, active, deleted.
CREATE TABLE channel (
  id          INTEGER PRIMARY KEY,
  name        TEXT NOT NULL,
  kind        TEXT NOT NULL,
  staff       TEXT NOT NULL,
  state       TEXT NOT NULL UNIQUE,
  chat_ids    TEXT NOT NULL,
  auto_create INTEGER NOT NULL,
  base_name   TEXT NOT NULL,
  config_id   TEXT NOT NULL,
  qr_code     TEXT NOT NULL,
  status      TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  deleted_at  INTEGER
) STRICT;

-- Greetings. id: default, group, or a channel's id.
CREATE TABLE welcome (
  id          TEXT NOT NULL PRIMARY KEY,
  text        TEXT NOT NULL,
  attachments TEXT NOT NULL,
  template_id TEXT NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;

-- Versions of the reward rule; never changed.
CREATE TABLE rule (
  version        INTEGER NOT NULL PRIMARY KEY,
  effective_from INTEGER NOT NULL,
  tiers          TEXT NOT NULL,
  hold_ms        INTEGER NOT NULL,
  clawback_ms    INTEGER NOT NULL,
  once_per       TEXT NOT NULL,
  created_at     INTEGER NOT NULL
) STRICT;

-- One join that earned. status: held, payable, void, clawed_back, paid.
CREATE TABLE entry (
  id           INTEGER PRIMARY KEY,
  key          TEXT NOT NULL UNIQUE,
  stint_id     INTEGER NOT NULL UNIQUE REFERENCES stint (id),
  staff        TEXT NOT NULL,
  chat_id      TEXT NOT NULL,
  member       TEXT NOT NULL,
  union_id     TEXT NOT NULL,
  ordinal      INTEGER NOT NULL,
  amount_fen   INTEGER NOT NULL,
  rule_version INTEGER NOT NULL REFERENCES rule (version),
  status       TEXT NOT NULL,
  earned_at    INTEGER NOT NULL,
  due_at       INTEGER NOT NULL,
  settled_at   INTEGER,
  reason       TEXT NOT NULL,
  payout_id    INTEGER
) STRICT;
CREATE INDEX entry_held ON entry (due_at) WHERE status = 'held';
CREATE INDEX entry_staff ON entry (staff, earned_at);
CREATE INDEX entry_earned ON entry (earned_at);
CREATE INDEX entry_chat ON entry (chat_id, member);
CREATE INDEX entry_payout ON entry (payout_id) WHERE payout_id IS NOT NULL;

-- Money moved between two accounts; never changed, never deleted.
CREATE TABLE transfer (
  id         INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  entry_id   INTEGER NOT NULL REFERENCES entry (id),
  at         INTEGER NOT NULL,
  debit      TEXT NOT NULL,
  credit     TEXT NOT NULL,
  amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
  reason     TEXT NOT NULL
) STRICT;
CREATE INDEX transfer_entry ON transfer (entry_id);
CREATE INDEX transfer_debit ON transfer (debit, at);
CREATE INDEX transfer_credit ON transfer (credit, at);

-- Entries paid together.
CREATE TABLE payout (
  id         INTEGER PRIMARY KEY,
  period     TEXT NOT NULL,
  total_fen  INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- A plan to post something again and again. spec: as it was posted to the API.
CREATE TABLE promotion (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  status     TEXT NOT NULL,
  spec       TEXT NOT NULL,
  next_at    INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX promotion_next ON promotion (next_at) WHERE next_at IS NOT NULL;

-- One slot of a promotion. status: planned, running, done, missed, skipped.
CREATE TABLE occurrence (
  id           INTEGER PRIMARY KEY,
  promotion_id INTEGER NOT NULL REFERENCES promotion (id),
  at           INTEGER NOT NULL,
  status       TEXT NOT NULL,
  reason       TEXT NOT NULL,
  message      TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  done_at      INTEGER,
  UNIQUE (promotion_id, at)
) STRICT;

-- One owner's task for one occurrence. status: planned, submitted, confirmed, closed, failed, cancelled.
CREATE TABLE task (
  id            INTEGER PRIMARY KEY,
  occurrence_id INTEGER NOT NULL REFERENCES occurrence (id),
  owner         TEXT NOT NULL,
  part          INTEGER NOT NULL,
  status        TEXT NOT NULL,
  msgid         TEXT NOT NULL,
  submitted_at  INTEGER,
  confirmed_at  INTEGER,
  next_poll_at  INTEGER,
  polls         INTEGER NOT NULL,
  reminders     INTEGER NOT NULL,
  closes_at     INTEGER NOT NULL,
  UNIQUE (occurrence_id, owner, part)
) STRICT;
CREATE INDEX task_poll ON task (next_poll_at) WHERE next_poll_at IS NOT NULL;
CREATE INDEX task_msgid ON task (msgid) WHERE msgid <> '';

-- One group of one occurrence. status: planned, submitted, sent, failed, unsent, cancelled, blocked.
CREATE TABLE delivery (
  id            INTEGER PRIMARY KEY,
  occurrence_id INTEGER NOT NULL REFERENCES occurrence (id),
  promotion_id  INTEGER NOT NULL REFERENCES promotion (id),
  task_id       INTEGER,
  at            INTEGER NOT NULL,
  chat_id       TEXT NOT NULL,
  owner         TEXT NOT NULL,
  status        TEXT NOT NULL,
  code          INTEGER NOT NULL,
  reason        TEXT NOT NULL,
  submitted_at  INTEGER,
  sent_at       INTEGER,
  UNIQUE (occurrence_id, chat_id)
) STRICT;
CREATE INDEX delivery_chat ON delivery (chat_id, at);
CREATE INDEX delivery_task ON delivery (task_id);
CREATE INDEX delivery_promotion ON delivery (promotion_id, at);

-- A message of the feed with the verdict that was answered.
CREATE TABLE message (
  message_id  TEXT NOT NULL PRIMARY KEY,
  chat_id     TEXT NOT NULL,
  sender      TEXT NOT NULL,
  sent_at     INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  text        TEXT NOT NULL,
  case_id     INTEGER,
  verdict     TEXT NOT NULL,
  score       REAL NOT NULL,
  reasons     TEXT NOT NULL,
  action      TEXT NOT NULL
) STRICT;
CREATE INDEX message_sender ON message (sender, sent_at);

-- Something to decide about a person in a group. status: open, asked_owner, removed, dismissed, expired.
CREATE TABLE mod_case (
  id          INTEGER PRIMARY KEY,
  chat_id     TEXT NOT NULL,
  member      TEXT NOT NULL,
  member_name TEXT NOT NULL,
  message_id  TEXT NOT NULL,
  text        TEXT NOT NULL,
  verdict     TEXT NOT NULL,
  score       REAL NOT NULL,
  reasons     TEXT NOT NULL,
  action      TEXT NOT NULL,
  status      TEXT NOT NULL,
  claimed_by  TEXT NOT NULL,
  note        TEXT NOT NULL,
  asks        INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  asked_at    INTEGER,
  next_at     INTEGER,
  closed_at   INTEGER,
  closed_by   TEXT NOT NULL
) STRICT;
CREATE INDEX mod_case_open ON mod_case (chat_id, member) WHERE status IN ('open', 'asked_owner');
CREATE INDEX mod_case_status ON mod_case (status, id);
CREATE INDEX mod_case_next ON mod_case (next_at) WHERE next_at IS NOT NULL;

-- People who must not be in any group. person: a user id or a union id.
CREATE TABLE blocked (
  person     TEXT NOT NULL PRIMARY KEY,
  reason     TEXT NOT NULL,
  case_id    INTEGER,
  created_at INTEGER NOT NULL
) STRICT;

-- First answers to POSTs that carried an Idempotency-Key.
CREATE TABLE idempotency (
  route      TEXT NOT NULL,
  key        TEXT NOT NULL,
  body_hash  TEXT NOT NULL,
  resource   TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (route, key)
) STRICT;
CREATE INDEX idempotency_created ON idempotency (created_at);
