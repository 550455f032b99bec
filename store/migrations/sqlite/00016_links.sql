-- +goose Up

-- A code behind {link} in one occurrence of a promotion. scope: what it was made for, an owner,
-- a store or a group, empty for the whole occurrence. url: where it leads, for ever.
-- chat_id, owner, shop_id: what the groups that it was posted in have in common, empty where
-- they differ or it is not known. clicks, orders, amount_fen: sums; used_at: the last of them.
CREATE TABLE link (
  id            INTEGER PRIMARY KEY,
  code          TEXT NOT NULL UNIQUE,
  promotion_id  INTEGER NOT NULL REFERENCES promotion (id),
  occurrence_id INTEGER NOT NULL REFERENCES occurrence (id),
  scope         TEXT NOT NULL,
  url           TEXT NOT NULL,
  chat_id       TEXT NOT NULL,
  owner         TEXT NOT NULL,
  shop_id       TEXT NOT NULL,
  clicks        INTEGER NOT NULL,
  orders        INTEGER NOT NULL,
  amount_fen    INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  used_at       INTEGER,
  UNIQUE (occurrence_id, scope)
) STRICT;
-- Sums ask for links that were used, so that one that is not costs them nothing.
CREATE INDEX link_chat ON link (promotion_id, chat_id) WHERE used_at IS NOT NULL;
CREATE INDEX link_owner ON link (promotion_id, owner) WHERE used_at IS NOT NULL;
CREATE INDEX link_shop ON link (promotion_id, shop_id) WHERE used_at IS NOT NULL;
CREATE INDEX link_occurrence ON link (promotion_id, occurrence_id) WHERE used_at IS NOT NULL;
CREATE INDEX link_unused ON link (created_at) WHERE used_at IS NULL;

-- How often a link was followed in an hour (its first moment): a statistic without anything of
-- whoever followed it. The link may have been forgotten in the meantime.
CREATE TABLE link_hour (
  link_id INTEGER NOT NULL,
  hour    INTEGER NOT NULL,
  clicks  INTEGER NOT NULL,
  PRIMARY KEY (link_id, hour)
) STRICT;
CREATE INDEX link_hour_hour ON link_hour (hour);

-- An order that a shop reported with the code it came by. order_id is the shop's own; the rest
-- is of the link at that moment.
CREATE TABLE order_report (
  id            INTEGER PRIMARY KEY,
  order_id      TEXT NOT NULL UNIQUE,
  code          TEXT NOT NULL,
  amount_fen    INTEGER NOT NULL,
  at            INTEGER NOT NULL,
  promotion_id  INTEGER NOT NULL REFERENCES promotion (id),
  occurrence_id INTEGER NOT NULL REFERENCES occurrence (id),
  chat_id       TEXT NOT NULL,
  owner         TEXT NOT NULL,
  shop_id       TEXT NOT NULL,
  reported_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX order_report_promotion ON order_report (promotion_id, id);
CREATE INDEX order_report_chat ON order_report (chat_id, id);
