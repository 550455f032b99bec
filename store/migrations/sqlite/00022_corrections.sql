-- +goose Up

-- What people say about texts: that one is spam, or ham. Rows are added and never changed.
-- seq counts the changes of both tables together (correction_head), in the order of their
-- commits, so that what is new can be asked for. text is what was judged; weight how much the
-- word counts, as it was weighed then; source: api, case or report; case_change: what it did to the
-- case (opened, raised, dismissed; empty: nothing).
CREATE TABLE correction (
  id          INTEGER PRIMARY KEY,
  seq         INTEGER NOT NULL UNIQUE,
  label       TEXT NOT NULL,
  text        TEXT NOT NULL,
  weight      REAL NOT NULL,
  who         TEXT NOT NULL,
  source      TEXT NOT NULL,
  note        TEXT NOT NULL,
  message_id  TEXT NOT NULL,
  case_id     INTEGER,
  case_change TEXT NOT NULL,
  at          INTEGER NOT NULL
) STRICT;
CREATE INDEX correction_who ON correction (who, at);
CREATE INDEX correction_at ON correction (at);
CREATE INDEX correction_case ON correction (case_id) WHERE case_id IS NOT NULL;

-- Corrections that were taken back: by whom, when and why.
CREATE TABLE correction_end (
  correction_id INTEGER NOT NULL PRIMARY KEY REFERENCES correction (id),
  seq           INTEGER NOT NULL,
  who           TEXT NOT NULL,
  note          TEXT NOT NULL,
  at            INTEGER NOT NULL
) STRICT;
CREATE INDEX correction_end_seq ON correction_end (seq);

-- The last seq, in one row. Whoever writes a change holds it until the commit.
CREATE TABLE correction_head (
  id  INTEGER NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT;
