-- +goose Up

-- Groups that the platform said get no more mass messages: what people send by hand uses the
-- same quota, and nobody tells of it otherwise.
CREATE TABLE quota_full (
  chat_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  until   BIGINT NOT NULL
);

-- What was found wrong with a promotion before its next slot (at). told: what people have been
-- told of. due_at: when it is to be looked at again.
CREATE TABLE preflight (
  promotion_id BIGINT PRIMARY KEY REFERENCES promotion (id),
  at           BIGINT,
  checked_at   BIGINT,
  verdict      TEXT COLLATE "C" NOT NULL,
  findings     TEXT COLLATE "C" NOT NULL,
  told         TEXT COLLATE "C" NOT NULL,
  due_at       BIGINT
);
CREATE INDEX preflight_due ON preflight (due_at) WHERE due_at IS NOT NULL;
INSERT INTO preflight (promotion_id, verdict, findings, told, due_at)
  SELECT id, '', '[]', '[]', updated_at FROM promotion WHERE next_at IS NOT NULL;
