-- needs: 1
--
-- The store as it was first made. Times are milliseconds since 1970 UTC. Names are compared and sorted by code
-- point, as everywhere in hubbub. Everything lies in the schema `hubbub`, which is the search path.

-- What this store is. One row.
CREATE TABLE store (
    one           boolean PRIMARY KEY CHECK (one),
    epoch         text    NOT NULL,
    ticket_secret bytea   NOT NULL,
    created_at_ms bigint  NOT NULL
);

-- Which steps were taken. One row. `needs` is what code has to know at least to use what they left.
CREATE TABLE form (
    one   boolean PRIMARY KEY CHECK (one),
    form  integer NOT NULL,
    needs integer NOT NULL
);

-- Every log there is: a room's or an inbox's. This row is what a post locks: who holds it says which seq comes
-- next. `link` is that of the event at `head`, which the next is tied to; NULL: the log has never had any.
CREATE TABLE logs (
    number     bigint  PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name       text    COLLATE "C" NOT NULL UNIQUE,  -- room/ID or inbox/USER
    head       bigint  NOT NULL DEFAULT 0,
    link       bytea,
    floor      bigint  NOT NULL DEFAULT 0,           -- the events up to this seq were removed by retention
    floor_link bytea,                                -- of the event at `floor`; NULL: the chain begins with the name
    oldest_ms  bigint                                -- when the event after `floor` was sent; NULL: there is none
) WITH (fillfactor = 50);                            -- room for the next version of a row on the same page

CREATE INDEX logs_by_age ON logs (oldest_ms) WHERE oldest_ms IS NOT NULL;

-- The log comes first in every key, so that the table can be divided by it.
CREATE TABLE events (
    log        bigint  NOT NULL,
    seq        bigint  NOT NULL,
    id         text    NOT NULL,
    sent       boolean NOT NULL,                     -- the copy its sender keeps of a direct message
    sender     text    COLLATE "C" NOT NULL,
    recipient  text    COLLATE "C",                  -- NULL in a room
    text       text    NOT NULL,
    key        text    COLLATE "C",
    sent_at_ms bigint  NOT NULL,
    salt       bytea,
    digest     bytea   NOT NULL,
    link       bytea   NOT NULL,
    PRIMARY KEY (log, seq)
);

CREATE INDEX events_received ON events (log, seq) WHERE recipient IS NOT NULL AND NOT sent;
CREATE INDEX events_between ON events (log, (CASE WHEN sent THEN recipient ELSE sender END), seq) INCLUDE (sent)
    WHERE recipient IS NOT NULL;

-- The idempotency keys ever used, for ever. While the event is stored the rest is read from it; when it is
-- removed, what is needed to answer a retry moves here.
CREATE TABLE keys (
    log        bigint NOT NULL,               -- where the message was posted: the room, or the recipient's inbox
    sender     text   COLLATE "C" NOT NULL,
    key        text   COLLATE "C" NOT NULL,
    seq        bigint NOT NULL,
    receipt    bigint,                        -- the seq of the sender's own copy, for a message to someone else
    id         text,                          -- these three: NULL while the event is stored
    sent_at_ms bigint,
    digest     bytea,
    PRIMARY KEY (log, sender, key)
);

CREATE TABLE users (
    name           text   COLLATE "C" PRIMARY KEY,
    password_hash  text   NOT NULL,
    created_at_ms  bigint NOT NULL,
    disabled_at_ms bigint
);

CREATE TABLE sessions (
    id            text   COLLATE "C" PRIMARY KEY,
    token_hash    bytea  NOT NULL UNIQUE,
    "user"        text   COLLATE "C" NOT NULL REFERENCES users (name),
    created_at_ms bigint NOT NULL,
    expires_at_ms bigint NOT NULL,
    agent         text   NOT NULL
);

CREATE INDEX sessions_by_user ON sessions ("user", created_at_ms);
CREATE INDEX sessions_by_expiry ON sessions (expires_at_ms);

-- Sessions that were ended before their time, for the other nodes to hear of. `number` is given under the lock of
-- the one row in `ended`, so that who has read up to one number has missed none below it.
CREATE TABLE endings (
    number      bigint PRIMARY KEY,
    session     text   NOT NULL,
    ended_at_ms bigint NOT NULL
);
CREATE TABLE ended (
    one  boolean PRIMARY KEY CHECK (one),
    upto bigint  NOT NULL                     -- the last number given
);

CREATE TABLE rooms (
    id            text   COLLATE "C" PRIMARY KEY,
    log           bigint NOT NULL UNIQUE REFERENCES logs (number),
    name          text   NOT NULL,
    folded        text   COLLATE "C" NOT NULL UNIQUE,  -- the name as it is compared and sorted
    created_at_ms bigint NOT NULL,
    created_by    text   COLLATE "C" NOT NULL
);

-- How far a user has read in a place, as that user's own notes.
CREATE TABLE marks (
    log   bigint NOT NULL,                    -- the inbox of whoever reads
    place text   COLLATE "C" NOT NULL,        -- room/ID, or inbox/USER for the conversation with USER
    seq   bigint NOT NULL,                    -- in the room, or in the reader's own inbox; 0: nothing was read
    PRIMARY KEY (log, place)
);

INSERT INTO form (one, form, needs) VALUES (true, 0, 0);
INSERT INTO ended (one, upto) VALUES (true, 0);
