-- +goose Up

-- What customers last said about the message archive: to a member of staff (user_id) or in a group
-- (chat_id). source: callback or archive.
CREATE TABLE consent (
  customer TEXT COLLATE "C" NOT NULL,
  user_id  TEXT COLLATE "C" NOT NULL,
  chat_id  TEXT COLLATE "C" NOT NULL,
  agreed   BOOLEAN NOT NULL,
  source   TEXT COLLATE "C" NOT NULL,
  at       BIGINT NOT NULL,
  PRIMARY KEY (customer, user_id, chat_id)
);
