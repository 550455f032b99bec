-- +goose Up

-- What an owner's account was when it was last looked at: active, disabled, not_activated or
-- left; empty: not known. looked_at: when.
ALTER TABLE staff ADD COLUMN status TEXT NOT NULL DEFAULT '';
ALTER TABLE staff ADD COLUMN looked_at INTEGER;
