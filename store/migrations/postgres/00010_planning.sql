-- +goose Up

-- An occurrence is planned in batches of groups, ordered by owner and group: the cursor is the
-- last one that was looked at. spec: the promotion as it was when the slot came.
ALTER TABLE occurrence ADD COLUMN spec TEXT COLLATE "C" NOT NULL DEFAULT '{}';
ALTER TABLE occurrence ADD COLUMN cursor_owner TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE occurrence ADD COLUMN cursor_chat_id TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX occurrence_planned ON occurrence (at, id) WHERE status = 'planned';
-- stopping_at: since when tasks that are not submitted are being cancelled.
ALTER TABLE occurrence ADD COLUMN stopping_at BIGINT;
CREATE INDEX occurrence_stopping ON occurrence (at, id) WHERE stopping_at IS NOT NULL;
CREATE INDEX chat_active ON chat (owner, chat_id) WHERE status = 'active';

-- Whoever asks about a task has it to himself until the lease ends.
ALTER TABLE task ADD COLUMN lease_until BIGINT;
DROP INDEX task_poll;
CREATE INDEX task_poll ON task (next_poll_at, id) WHERE next_poll_at IS NOT NULL AND lease_until IS NULL;
CREATE INDEX task_lease ON task (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX task_open ON task (occurrence_id) WHERE status IN ('planned', 'submitted', 'confirmed');

-- What keeps a group from being reached twice also tells what a group got lately: one index in
-- the order of groups, which names come in no order, costs half of two. The time belongs to the
-- occurrence, so that the three columns are unique as the two are.
CREATE UNIQUE INDEX occurrence_time ON occurrence (id, at);
ALTER TABLE delivery ADD FOREIGN KEY (occurrence_id, at) REFERENCES occurrence (id, at);
ALTER TABLE delivery DROP CONSTRAINT delivery_occurrence_id_fkey;
ALTER TABLE delivery DROP CONSTRAINT delivery_occurrence_id_chat_id_key;
ALTER TABLE delivery ADD UNIQUE (chat_id, at, occurrence_id);
DROP INDEX delivery_chat;
DROP INDEX delivery_task;
DROP INDEX delivery_promotion;
CREATE INDEX delivery_task ON delivery (task_id, chat_id);
CREATE INDEX delivery_promotion ON delivery (promotion_id, id);
CREATE INDEX delivery_occurrence ON delivery (occurrence_id, id);
