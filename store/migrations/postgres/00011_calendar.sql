-- +goose Up

-- What the company says about days itself, over the calendar that comes with the program.
-- kind: holiday, workday, blackout (nothing is posted).
CREATE TABLE calendar_day (
  date       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  kind       TEXT COLLATE "C" NOT NULL,
  name       TEXT COLLATE "C" NOT NULL,
  updated_at BIGINT NOT NULL
);

-- The hours of every day in which the company posts nothing: at most one row.
CREATE TABLE quiet_hours (
  id         BIGINT PRIMARY KEY,
  begins     TEXT COLLATE "C" NOT NULL,
  ends       TEXT COLLATE "C" NOT NULL,
  updated_at BIGINT NOT NULL
);
