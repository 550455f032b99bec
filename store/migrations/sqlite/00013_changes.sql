-- +goose Up

-- Groups that promotions leave alone, such as those that belong to a distributor.
ALTER TABLE chat ADD COLUMN hands_off INTEGER NOT NULL DEFAULT 0;

-- The labels of groups, to find groups by. What a group shows is in chat.
CREATE TABLE chat_label (
  label   TEXT NOT NULL,
  chat_id TEXT NOT NULL,
  PRIMARY KEY (label, chat_id)
) STRICT;
CREATE INDEX chat_label_chat ON chat_label (chat_id);
INSERT INTO chat_label (label, chat_id)
  SELECT DISTINCT l.value, chat.chat_id FROM chat, json_each(chat.labels) AS l WHERE l.type = 'text';

-- Which version of itself a promotion is, who wrote it, and who else agreed to it (empty: nobody).
ALTER TABLE promotion ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE promotion ADD COLUMN put_by TEXT NOT NULL DEFAULT 'api';
ALTER TABLE promotion ADD COLUMN approved_by TEXT NOT NULL DEFAULT '';

-- The version that an occurrence goes by. 0: it was made before versions were counted.
ALTER TABLE occurrence ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

-- What took the group in: all, or chat, store, label or owner with its value. Empty: not kept then.
ALTER TABLE delivery ADD COLUMN via TEXT NOT NULL DEFAULT '';

-- What happened to a promotion, append-only. what: created, copied, edited, approved, rejected,
-- paused, resumed, run, ended. spec: the promotion as it was written; NULL where nothing was.
CREATE TABLE promotion_change (
  id           INTEGER PRIMARY KEY,
  promotion_id INTEGER NOT NULL REFERENCES promotion (id),
  at           INTEGER NOT NULL,
  who          TEXT NOT NULL,
  what         TEXT NOT NULL,
  version      INTEGER NOT NULL,
  note         TEXT NOT NULL,
  spec         TEXT
) STRICT;
CREATE INDEX promotion_change_promotion ON promotion_change (promotion_id, id);
CREATE UNIQUE INDEX promotion_change_version ON promotion_change (promotion_id, version) WHERE spec IS NOT NULL;
INSERT INTO promotion_change (promotion_id, at, who, what, version, note, spec)
  SELECT id, created_at, 'api', 'created', 1, '', spec FROM promotion ORDER BY id;

-- Who is away, on local days, both included, and who stands in.
CREATE TABLE absence (
  user_id    TEXT NOT NULL PRIMARY KEY,
  from_day   TEXT NOT NULL,
  to_day     TEXT NOT NULL,
  stand_in   TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
