-- When a session was ended by somebody, not by time. It is remembered until no
-- access token of it can be valid any more.
ALTER TABLE sessions ADD COLUMN ended_at INTEGER;

-- Refreshes never touch it: only ended sessions are in it.
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;
