-- +goose Up
-- What checks of a person, replays and corrections ask of the messages. text_score is what the
-- text alone was given, fingerprint what copies of it have in common (0: too short to say, or a
-- message of staff), would the action that the verdict asked for, whatever the mode let happen.
ALTER TABLE message ADD COLUMN kind TEXT NOT NULL DEFAULT 'text';
ALTER TABLE message ADD COLUMN sender_name TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN text_score REAL NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN fingerprint INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN would TEXT NOT NULL DEFAULT 'none';
ALTER TABLE message ADD COLUMN revoked_at INTEGER;
UPDATE message SET text_score = score, would = action;
CREATE INDEX message_received ON message (received_at);
CREATE INDEX message_fingerprint ON message (fingerprint, sent_at) WHERE fingerprint <> 0;

-- Links, accounts and the content of QR codes in messages, by their fingerprints.
CREATE TABLE message_token (
  token       INTEGER NOT NULL,
  sent_at     INTEGER NOT NULL,
  message_id  TEXT NOT NULL,
  chat_id     TEXT NOT NULL,
  sender      TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  PRIMARY KEY (token, sent_at, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_token_received ON message_token (received_at);

-- A picture that a customer passes on may show a code of the company's own.
CREATE INDEX channel_picture_content ON channel_picture (content);
