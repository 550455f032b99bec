-- +goose Up

-- Versions of the settings of moderation; never changed. chat_id: whose they are, empty for the
-- company's. data: JSON of what is set, of a group only what differs. dropped: the group goes by
-- the company's settings again.
CREATE TABLE policy (
  version    INTEGER NOT NULL PRIMARY KEY,
  chat_id    TEXT NOT NULL,
  data       TEXT NOT NULL,
  dropped    INTEGER NOT NULL,
  note       TEXT NOT NULL,
  put_by     TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX policy_chat ON policy (chat_id, version);

-- What the checks of the sender weighed together, as log-odds: with the score of the text alone it
-- tells what other settings would have said.
ALTER TABLE message ADD COLUMN about REAL NOT NULL DEFAULT 0;

-- Hosts of links that were posted in any group, by their fingerprints. trusted: staff posted one.
CREATE TABLE link_host (
  host     INTEGER NOT NULL PRIMARY KEY,
  first_at INTEGER NOT NULL,
  trusted  INTEGER NOT NULL
) STRICT;

-- People who said something harmless: on how many local days, and the last of them. It is kept
-- when the messages themselves are forgotten.
CREATE TABLE talker (
  sender   TEXT NOT NULL PRIMARY KEY,
  days     INTEGER NOT NULL,
  last_day TEXT NOT NULL
) STRICT;

-- What is asked about the senders of each batch of messages.
DROP INDEX message_fingerprint;
CREATE INDEX message_copies ON message (fingerprint, sent_at, sender, chat_id) WHERE fingerprint <> 0;
CREATE INDEX mod_case_member ON mod_case (member, created_at);
CREATE INDEX stint_removed ON stint (inviter, joined_at) WHERE left_how = 'removed' AND inviter <> '';
CREATE INDEX stint_removed_guest ON stint (referrer, joined_at) WHERE left_how = 'removed' AND referrer <> '';
CREATE INDEX stint_referrer ON stint (referrer, joined_at) WHERE referrer <> '';
