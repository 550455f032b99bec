-- +goose Up

-- How often the page of a code was opened on a day (of the configured zone, 2026-11-22): a
-- statistic without anything of whoever opened it.
CREATE TABLE channel_day (
  channel_id INTEGER NOT NULL REFERENCES channel (id),
  day        TEXT NOT NULL,
  scans      INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  PRIMARY KEY (channel_id, day)
) STRICT;
CREATE INDEX channel_day_day ON channel_day (day);

-- What the platform's own code of a channel holds, read from its picture at address.
CREATE TABLE channel_picture (
  channel_id INTEGER NOT NULL PRIMARY KEY REFERENCES channel (id),
  address    TEXT NOT NULL,
  content    TEXT NOT NULL,
  read_at    INTEGER NOT NULL
) STRICT;
