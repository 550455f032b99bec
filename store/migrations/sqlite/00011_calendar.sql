-- +goose Up

-- What the company says about days itself, over the calendar that comes with the program.
-- kind: holiday, workday, blackout (nothing is posted).
CREATE TABLE calendar_day (
  date       TEXT NOT NULL PRIMARY KEY,
  kind       TEXT NOT NULL,
  name       TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- The hours of every day in which the company posts nothing: at most one row.
CREATE TABLE quiet_hours (
  id         INTEGER PRIMARY KEY,
  begins     TEXT NOT NULL,
  ends       TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
