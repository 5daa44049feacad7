-- How far a user has read in a place, as that user's own notes: they are part of no log, and of no chain.
--
-- A row for a room says that it is followed. A row for a person is there from the first direct message between
-- the two on, so that these rows are also the list of conversations, in the order of names.
CREATE TABLE marks (
    log   INTEGER NOT NULL,  -- the inbox of whoever reads
    place TEXT    NOT NULL,  -- the log's name: room/ID, or inbox/USER for the conversation with USER
    seq   INTEGER NOT NULL,  -- in the room, or in the reader's own inbox; 0: nothing was read
    PRIMARY KEY (log, place)
) STRICT, WITHOUT ROWID;

INSERT INTO marks (log, place, seq)
SELECT DISTINCT position >> 36, 'inbox/' || peer, 0 FROM events WHERE recipient IS NOT NULL;
