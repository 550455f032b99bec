-- +goose Up

-- What people are told every day. kind: cashier, store, chain, manager. at: local time;
-- next_day: the local day that is told next, empty: not decided yet.
CREATE TABLE report (
  kind       TEXT NOT NULL PRIMARY KEY,
  enabled    INTEGER NOT NULL,
  at         TEXT NOT NULL,
  weekdays   TEXT NOT NULL,
  lang       TEXT NOT NULL,
  text       TEXT NOT NULL,
  next_day   TEXT NOT NULL,
  updated_at INTEGER
) STRICT;

-- Where a leaderboard goes: an app chat or a group robot. shop_id: empty for the chain.
CREATE TABLE report_target (
  kind       TEXT NOT NULL,
  shop_id    TEXT NOT NULL,
  app_chat   TEXT NOT NULL,
  robot_key  TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (kind, shop_id)
) STRICT;

-- One day of one report: whoever inserts the row tells it. status: planning, done, missed.
CREATE TABLE report_run (
  id          INTEGER PRIMARY KEY,
  kind        TEXT NOT NULL,
  day         TEXT NOT NULL,
  at          INTEGER NOT NULL,
  status      TEXT NOT NULL,
  since       INTEGER NOT NULL,
  until       INTEGER NOT NULL,
  after_entry INTEGER NOT NULL,
  last_entry  INTEGER NOT NULL,
  cursor      TEXT NOT NULL,
  planned     INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  done_at     INTEGER,
  UNIQUE (kind, day)
) STRICT;
CREATE INDEX report_run_planning ON report_run (kind, day) WHERE status = 'planning';

-- Who had something taken back or paid today.
CREATE INDEX entry_settled ON entry (settled_at) WHERE settled_at IS NOT NULL;
