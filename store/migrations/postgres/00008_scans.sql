-- +goose Up

-- How often the page of a code was opened on a day (of the configured zone, 2026-11-22): a
-- statistic without anything of whoever opened it.
CREATE TABLE channel_day (
  channel_id BIGINT NOT NULL REFERENCES channel (id),
  day        TEXT COLLATE "C" NOT NULL,
  scans      BIGINT NOT NULL,
  last_at    BIGINT NOT NULL,
  PRIMARY KEY (channel_id, day)
);
CREATE INDEX channel_day_day ON channel_day (day);

-- What the platform's own code of a channel holds, read from its picture at address.
CREATE TABLE channel_picture (
  channel_id BIGINT NOT NULL PRIMARY KEY REFERENCES channel (id),
  address    TEXT COLLATE "C" NOT NULL,
  content    TEXT COLLATE "C" NOT NULL,
  read_at    BIGINT NOT NULL
);
