-- The chain: see domain/chain.py. 56 bytes an event, and one more for each column.
--
-- The code that goes with this step fills them in for the events there are. What is there must have a digest
-- and a link; the salt is random, and goes when the text is erased.
ALTER TABLE events ADD COLUMN salt   BLOB;                       -- 16 bytes
ALTER TABLE events ADD COLUMN digest BLOB NOT NULL DEFAULT x'';  -- 20 bytes, of what the event says
ALTER TABLE events ADD COLUMN link   BLOB NOT NULL DEFAULT x'';  -- 20 bytes, of the link before and the digest

-- The link of the event at `floor`, which was removed, so that those after it can still be followed. NULL: the
-- chain begins here, with the log's name.
ALTER TABLE logs ADD COLUMN link BLOB;
