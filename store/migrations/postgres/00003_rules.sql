-- +goose Up

-- What differs for some stores or labels (JSON), a month's cap (JSON, NULL: none), why, and who.
ALTER TABLE rule ADD COLUMN overrides TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE rule ADD COLUMN budget TEXT COLLATE "C";
ALTER TABLE rule ADD COLUMN note TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE rule ADD COLUMN put_by TEXT COLLATE "C" NOT NULL DEFAULT '';

-- The name of the override that an entry was booked under; empty: the rule itself.
ALTER TABLE entry ADD COLUMN terms TEXT COLLATE "C" NOT NULL DEFAULT '';
