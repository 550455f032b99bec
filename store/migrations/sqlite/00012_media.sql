-- +goose Up

-- Files that promotions post. type: image, video or file; mime: found out from the bytes;
-- width, height: of an image, else 0.
CREATE TABLE media (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  type       TEXT NOT NULL,
  mime       TEXT NOT NULL,
  size       INTEGER NOT NULL,
  width      INTEGER NOT NULL,
  height     INTEGER NOT NULL,
  sha256     TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- What is in them.
CREATE TABLE media_content (
  media_id INTEGER NOT NULL PRIMARY KEY REFERENCES media (id),
  data     BLOB NOT NULL
) STRICT;

-- What the platform gave for a file, and until when it stands for it.
CREATE TABLE media_upload (
  media_id    INTEGER NOT NULL PRIMARY KEY REFERENCES media (id),
  platform_id TEXT NOT NULL,
  uploaded_at INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL
) STRICT;

-- Texts to be used again. attachments: JSON.
CREATE TABLE phrase (
  id          INTEGER PRIMARY KEY,
  name        TEXT NOT NULL,
  category    TEXT NOT NULL,
  text        TEXT NOT NULL,
  attachments TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX phrase_category ON phrase (category, id);
