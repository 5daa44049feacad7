-- How far a user has read in a place, as that user's own notes: they are part of no log, and of no chain.
CREATE TABLE marks (
    log   INTEGER NOT NULL,  -- the inbox of whoever reads
    place TEXT    NOT NULL,  -- the log's name: room/ID, or inbox/USER for the conversation with USER
    seq   INTEGER NOT NULL,  -- in the room, or in the reader's own inbox; 0: nothing was read
    PRIMARY KEY (log, place)
) STRICT, WITHOUT ROWID;

-- With the log's number before the peer, the people of one inbox are found one after the other, each with one
-- look-up, however much they wrote and whoever else wrote to them. `sent` spares a count the table.
DROP INDEX events_between;
CREATE INDEX events_between ON events (position >> 36, peer, position, sent) WHERE recipient IS NOT NULL;
