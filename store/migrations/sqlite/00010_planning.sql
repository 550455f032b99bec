-- +goose Up

-- An occurrence is planned in batches of groups, ordered by owner and group: the cursor is the
-- last one that was looked at. spec: the promotion as it was when the slot came.
ALTER TABLE occurrence ADD COLUMN spec TEXT NOT NULL DEFAULT '{}';
ALTER TABLE occurrence ADD COLUMN cursor_owner TEXT NOT NULL DEFAULT '';
ALTER TABLE occurrence ADD COLUMN cursor_chat_id TEXT NOT NULL DEFAULT '';
CREATE INDEX occurrence_planned ON occurrence (at, id) WHERE status = 'planned';
CREATE INDEX chat_active ON chat (owner, chat_id) WHERE status = 'active';

-- Whoever asks about a task has it to himself until the lease ends.
ALTER TABLE task ADD COLUMN lease_until INTEGER;
DROP INDEX task_poll;
CREATE INDEX task_poll ON task (next_poll_at, id) WHERE next_poll_at IS NOT NULL AND lease_until IS NULL;
CREATE INDEX task_lease ON task (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX task_open ON task (occurrence_id) WHERE status IN ('planned', 'submitted', 'confirmed');
