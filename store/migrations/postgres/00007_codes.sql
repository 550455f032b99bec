-- +goose Up

-- Where a code hangs and what it is for. code: the slug of its public page. threshold: people
-- from whom on a group counts as nearly full. next_chat_ids: groups in reserve (JSON).
-- referrer: the customer whose personal code it is, home_chat: the group it was asked for.
-- condition: live, nearly_full, full or dead; alarm: why, in words for people. look_at: when
-- the duty is to look at it. asked_at, asked_key: when a person was asked for a new group, and
-- by which action. lease_owner, lease_until: who is changing it at the platform, till when.
ALTER TABLE channel ADD COLUMN shop_id TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN place TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN purpose TEXT COLLATE "C" NOT NULL DEFAULT 'cashier';
ALTER TABLE channel ADD COLUMN code TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN threshold BIGINT NOT NULL DEFAULT 190;
ALTER TABLE channel ADD COLUMN next_chat_ids TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE channel ADD COLUMN referrer TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN home_chat TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN condition TEXT COLLATE "C" NOT NULL DEFAULT 'live';
ALTER TABLE channel ADD COLUMN alarm TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN look_at BIGINT;
ALTER TABLE channel ADD COLUMN asked_at BIGINT;
ALTER TABLE channel ADD COLUMN asked_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN lease_owner TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channel ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0;
UPDATE channel SET code = substr(replace(gen_random_uuid()::text, '-', ''), 1, 12);
CREATE UNIQUE INDEX channel_code ON channel (code) WHERE code <> '';
CREATE UNIQUE INDEX channel_referrer ON channel (referrer, home_chat) WHERE referrer <> '' AND status <> 'deleted';
CREATE INDEX channel_referrals ON channel (referrer, id) WHERE referrer <> '';
CREATE INDEX channel_home ON channel (home_chat, id) WHERE home_chat <> '';
CREATE INDEX channel_status ON channel (status, purpose);
CREATE INDEX channel_shop ON channel (shop_id) WHERE shop_id <> '';
CREATE INDEX channel_look ON channel (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX channel_waiting ON channel (id) WHERE condition <> 'live' AND status = 'active';

-- Whom the joins of a code count for from a moment on.
CREATE TABLE channel_owner (
  channel_id BIGINT NOT NULL REFERENCES channel (id),
  from_at    BIGINT NOT NULL,
  staff      TEXT COLLATE "C" NOT NULL,
  shop_id    TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (channel_id, from_at)
);
INSERT INTO channel_owner (channel_id, from_at, staff, shop_id) SELECT id, 0, staff, '' FROM channel;

-- The groups that a code leads to, by group.
CREATE TABLE channel_chat (
  chat_id    TEXT COLLATE "C" NOT NULL,
  channel_id BIGINT NOT NULL REFERENCES channel (id),
  PRIMARY KEY (chat_id, channel_id)
);
CREATE INDEX channel_chat_channel ON channel_chat (channel_id);
INSERT INTO channel_chat (chat_id, channel_id)
  SELECT DISTINCT j.value, channel.id FROM channel, jsonb_array_elements_text(channel.chat_ids::jsonb) AS j (value) WHERE channel.status = 'active';
UPDATE channel SET look_at = 0 WHERE status = 'active' AND kind = 'group_qr';

-- The customer whose personal code led to a stay; empty: none.
ALTER TABLE stint ADD COLUMN referrer TEXT COLLATE "C" NOT NULL DEFAULT '';
DROP INDEX stint_state;
CREATE INDEX stint_state ON stint (state, joined_at, kind) WHERE state <> '';
CREATE INDEX stint_qr ON stint (chat_id) WHERE join_scene = 'qr';
DROP INDEX contact_state;
CREATE INDEX contact_state ON contact (state, added_at) WHERE state <> '';
