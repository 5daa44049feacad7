-- The store as it was first made. Times are milliseconds since 1970 UTC.

-- What this store is. One row.
CREATE TABLE store (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    epoch         TEXT    NOT NULL,
    ticket_secret BLOB    NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT;

-- Every log there is: a room's or an inbox's. Its head is the seq of its last event, or `floor` when it
-- has none; it is not written down twice.
CREATE TABLE logs (
    number    INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND (1 << 27) - 1),
    name      TEXT    NOT NULL UNIQUE,           -- room/ID or inbox/USER
    floor     INTEGER NOT NULL DEFAULT 0,        -- the events up to this seq were removed by retention
    oldest_ms INTEGER                            -- when the event after `floor` was sent; NULL when there is none
) STRICT;

-- What retention looks at, so that it reads no log it has nothing to take from.
CREATE INDEX logs_by_age ON logs (oldest_ms) WHERE oldest_ms IS NOT NULL;

-- `position` is a log's number and a seq in one integer: number * 2^36 + seq. As the row's own key it keeps
-- each log together and in order, and a post changes one page where a key of two columns and an index of
-- its own would change two.
CREATE TABLE events (
    position   INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL,
    sent       INTEGER NOT NULL CHECK (sent IN (0, 1)),  -- 1: the copy its sender keeps of a direct message
    sender     TEXT    NOT NULL,
    recipient  TEXT,                                     -- NULL in a room
    text       TEXT    NOT NULL,
    key        TEXT,
    sent_at_ms INTEGER NOT NULL,
    peer       TEXT AS (CASE sent WHEN 1 THEN recipient ELSE sender END) VIRTUAL
) STRICT;

CREATE INDEX events_received ON events (position) WHERE recipient IS NOT NULL AND sent = 0;
CREATE INDEX events_between ON events (peer, position) WHERE recipient IS NOT NULL;

-- The idempotency keys ever used, for ever. While the event is stored the rest is read from it; when it is
-- removed, what is needed to answer a retry moves here.
CREATE TABLE keys (
    log        INTEGER NOT NULL,   -- where the message was posted: the room, or the recipient's inbox
    sender     TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    receipt    INTEGER,            -- the seq of the sender's own copy, for a direct message to someone else
    id         TEXT,               -- these three: NULL while the event is stored
    sent_at_ms INTEGER,
    digest     BLOB,               -- BLAKE2b-128 of the text
    PRIMARY KEY (log, sender, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    name           TEXT    PRIMARY KEY,
    password_hash  TEXT    NOT NULL,
    created_at_ms  INTEGER NOT NULL,
    disabled_at_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id            TEXT    PRIMARY KEY,
    token_hash    BLOB    NOT NULL UNIQUE,
    user          TEXT    NOT NULL REFERENCES users (name),
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    agent         TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user, created_at_ms);
CREATE INDEX sessions_by_expiry ON sessions (expires_at_ms);

CREATE TABLE rooms (
    id            TEXT    PRIMARY KEY,
    log           INTEGER NOT NULL UNIQUE REFERENCES logs (number),
    name          TEXT    NOT NULL,
    folded        TEXT    NOT NULL UNIQUE,       -- the name as it is compared and sorted
    created_at_ms INTEGER NOT NULL,
    created_by    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
