-- +goose Up

-- period: the month of earned_at in the configured zone, written at booking. Entries that
-- were booked before this column are given the month they have in Asia/Shanghai, the default
-- zone (UTC+8, no summer time); where another zone was set, those of the last hours of a
-- month may stand under its neighbour.
ALTER TABLE entry ADD COLUMN period TEXT NOT NULL DEFAULT '';
ALTER TABLE entry ADD COLUMN recovered_by INTEGER;
UPDATE entry SET period = strftime('%Y-%m', earned_at / 1000 + 28800, 'unixepoch');

-- What was paid and clawed back went straight back to the company; from now on it is a debt
-- of its staff until a payout recovers it.
INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason)
SELECT key || ':0:clawed_back:debt', id, settled_at, 'payable:' || staff, 'paid:' || staff, amount_fen, 'debt'
FROM entry WHERE status = 'clawed_back' AND payout_id IS NOT NULL AND amount_fen > 0;
UPDATE entry SET payout_id = NULL WHERE payout_id IS NOT NULL AND status NOT IN ('paid', 'clawed_back');

DROP INDEX entry_earned;
CREATE INDEX entry_earned ON entry (earned_at, staff, chat_id, status, reason, amount_fen);
CREATE INDEX entry_member ON entry (member);
CREATE INDEX entry_period ON entry (period, status);
CREATE INDEX entry_debt ON entry (staff, id) WHERE status = 'clawed_back' AND payout_id IS NOT NULL AND recovered_by IS NULL;
CREATE INDEX entry_recovered ON entry (recovered_by) WHERE recovered_by IS NOT NULL;
DROP INDEX transfer_debit;
DROP INDEX transfer_credit;
CREATE INDEX transfer_debit ON transfer (debit, at, amount_fen);
CREATE INDEX transfer_credit ON transfer (credit, at, amount_fen);
CREATE INDEX transfer_at ON transfer (at, id);
CREATE INDEX stint_joined ON stint (joined_at, id);

-- Cached figures of the entries: one row per month, staff and group, kept in the same
-- transaction as each entry's step. joins: entries but those that a budget refused; kept:
-- those that are held, payable or paid.
CREATE TABLE tally (
  period          TEXT NOT NULL,
  staff           TEXT NOT NULL,
  chat_id         TEXT NOT NULL,
  joins           INTEGER NOT NULL,
  kept            INTEGER NOT NULL,
  held_fen        INTEGER NOT NULL,
  payable_fen     INTEGER NOT NULL,
  void_fen        INTEGER NOT NULL,
  clawed_back_fen INTEGER NOT NULL,
  paid_fen        INTEGER NOT NULL,
  PRIMARY KEY (period, staff, chat_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tally_chat ON tally (period, chat_id);
INSERT INTO tally (period, staff, chat_id, joins, kept, held_fen, payable_fen, void_fen, clawed_back_fen, paid_fen)
SELECT period, staff, chat_id, COUNT(*), SUM(CASE WHEN status IN ('held', 'payable', 'paid') THEN 1 ELSE 0 END),
  SUM(CASE status WHEN 'held' THEN amount_fen ELSE 0 END), SUM(CASE status WHEN 'payable' THEN amount_fen ELSE 0 END),
  SUM(CASE status WHEN 'void' THEN amount_fen ELSE 0 END), SUM(CASE status WHEN 'clawed_back' THEN amount_fen ELSE 0 END),
  SUM(CASE status WHEN 'paid' THEN amount_fen ELSE 0 END)
FROM entry GROUP BY period, staff, chat_id;

-- One look at the books as a whole, and what did not agree. repaired: rows of the tally that
-- were rebuilt, on demand only.
CREATE TABLE audit (
  id          INTEGER PRIMARY KEY,
  at          INTEGER NOT NULL,
  entries     INTEGER NOT NULL,
  transfers   INTEGER NOT NULL,
  differences INTEGER NOT NULL,
  repaired    INTEGER NOT NULL
) STRICT;
CREATE TABLE difference (
  id       INTEGER PRIMARY KEY,
  audit_id INTEGER NOT NULL REFERENCES audit (id) ON DELETE CASCADE,
  what     TEXT NOT NULL,
  subject  TEXT NOT NULL,
  field    TEXT NOT NULL,
  want     INTEGER NOT NULL,
  have     INTEGER NOT NULL,
  repaired INTEGER NOT NULL
) STRICT;
CREATE INDEX difference_audit ON difference (audit_id, id);

-- Joins to be judged again because a rule reaches into the past. phase: retract, judge, done;
-- joined_at and stint_id are the last stay that was done in the phase; stays is how many there
-- were when it was asked for.
CREATE TABLE rejudge (
  id        INTEGER PRIMARY KEY,
  from_at   INTEGER NOT NULL,
  phase     TEXT NOT NULL,
  joined_at INTEGER,
  stint_id  INTEGER NOT NULL,
  stays     INTEGER NOT NULL,
  judged    INTEGER NOT NULL,
  asked_at  INTEGER NOT NULL,
  done_at   INTEGER
) STRICT;
CREATE INDEX rejudge_open ON rejudge (id) WHERE done_at IS NULL;
