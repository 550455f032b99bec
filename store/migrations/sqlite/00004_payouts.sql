-- +goose Up

-- status: collected, approved, paid, reversed, discarded. carry_over: it takes what earlier months
-- left over too. total_fen = gross_fen - recovered_fen.
ALTER TABLE payout ADD COLUMN status TEXT NOT NULL DEFAULT 'paid';
ALTER TABLE payout ADD COLUMN carry_over INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payout ADD COLUMN joins INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payout ADD COLUMN gross_fen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payout ADD COLUMN recovered_fen INTEGER NOT NULL DEFAULT 0;
CREATE INDEX payout_period ON payout (period, status);
CREATE INDEX entry_payable ON entry (period, payout_id, staff, amount_fen) WHERE status = 'payable';

-- Who brought a payout to which status, when, and why; never changed.
CREATE TABLE payout_step (
  id        INTEGER PRIMARY KEY,
  payout_id INTEGER NOT NULL REFERENCES payout (id),
  status    TEXT NOT NULL,
  at        INTEGER NOT NULL,
  who       TEXT NOT NULL,
  note      TEXT NOT NULL
) STRICT;
CREATE INDEX payout_step_payout ON payout_step (payout_id);

-- What one member of staff gets in a payout, with the names of that day; never changed once it is paid.
CREATE TABLE payout_line (
  payout_id     INTEGER NOT NULL REFERENCES payout (id),
  staff         TEXT NOT NULL,
  staff_name    TEXT NOT NULL,
  shop_id       TEXT NOT NULL,
  shop_name     TEXT NOT NULL,
  region        TEXT NOT NULL,
  joins         INTEGER NOT NULL,
  gross_fen     INTEGER NOT NULL,
  recovered_fen INTEGER NOT NULL,
  amount_fen    INTEGER NOT NULL,
  PRIMARY KEY (payout_id, staff)
) STRICT;

-- The entries behind the lines, as they were; never changed once it is paid. kind: reward, or
-- recovery of one that payout paid_in had paid and that was clawed back since.
CREATE TABLE payout_item (
  payout_id    INTEGER NOT NULL REFERENCES payout (id),
  entry_id     INTEGER NOT NULL REFERENCES entry (id),
  kind         TEXT NOT NULL,
  staff        TEXT NOT NULL,
  amount_fen   INTEGER NOT NULL,
  earned_at    INTEGER NOT NULL,
  chat_id      TEXT NOT NULL,
  chat_name    TEXT NOT NULL,
  member       TEXT NOT NULL,
  ordinal      INTEGER NOT NULL,
  rule_version INTEGER NOT NULL,
  terms        TEXT NOT NULL,
  paid_in      INTEGER,
  PRIMARY KEY (payout_id, entry_id)
) STRICT;
CREATE INDEX payout_item_entry ON payout_item (entry_id);

-- Payouts of earlier versions were paid when they were made, by whoever asked the API.
INSERT INTO payout_step (payout_id, status, at, who, note) SELECT id, 'collected', created_at, 'api', '' FROM payout ORDER BY id;
INSERT INTO payout_step (payout_id, status, at, who, note) SELECT id, 'approved', created_at, 'api', '' FROM payout ORDER BY id;
INSERT INTO payout_step (payout_id, status, at, who, note) SELECT id, 'paid', created_at, 'api', '' FROM payout ORDER BY id;
INSERT INTO payout_item (payout_id, entry_id, kind, staff, amount_fen, earned_at, chat_id, chat_name, member, ordinal, rule_version, terms)
  SELECT e.payout_id, e.id, 'reward', e.staff, e.amount_fen, e.earned_at, e.chat_id, COALESCE(c.name, ''), e.member, e.ordinal, e.rule_version, e.terms
  FROM entry e JOIN payout p ON p.id = e.payout_id LEFT JOIN chat c ON c.chat_id = e.chat_id;
INSERT INTO payout_line (payout_id, staff, staff_name, shop_id, shop_name, region, joins, gross_fen, recovered_fen, amount_fen)
  SELECT i.payout_id, i.staff, COALESCE(s.name, ''), COALESCE(p.id, ''), COALESCE(p.name, ''), COALESCE(p.region, ''), i.joins, i.fen, 0, i.fen
  FROM (SELECT payout_id, staff, COUNT(*) AS joins, SUM(amount_fen) AS fen,
      (SELECT MIN(id) FROM shop WHERE manager = payout_item.staff OR instr(shop.staff, '"' || payout_item.staff || '"') > 0) AS shop
    FROM payout_item GROUP BY payout_id, staff) i
  LEFT JOIN staff s ON s.user_id = i.staff LEFT JOIN shop p ON p.id = i.shop;
UPDATE payout SET
  joins = (SELECT COUNT(*) FROM payout_item WHERE payout_id = payout.id),
  gross_fen = (SELECT COALESCE(SUM(amount_fen), 0) FROM payout_item WHERE payout_id = payout.id);
