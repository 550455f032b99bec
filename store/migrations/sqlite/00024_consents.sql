-- +goose Up

-- What customers last said about the message archive: to a member of staff (user_id) or in a group
-- (chat_id). source: callback or archive.
CREATE TABLE consent (
  customer TEXT NOT NULL,
  user_id  TEXT NOT NULL,
  chat_id  TEXT NOT NULL,
  agreed   INTEGER NOT NULL,
  source   TEXT NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (customer, user_id, chat_id)
) STRICT;
