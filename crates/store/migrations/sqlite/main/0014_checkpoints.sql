-- Every event carries a random salt that its hash covers, so that the hashes of others' events, which
-- proofs have to show, tell nothing. Events that were written without cannot be given one afterwards:
-- their hashes would not be those that were seen. The log begins anew; no release wrote the old one.
DELETE FROM audit;
UPDATE ledger SET audit_seq = 0, audit_hash = zeroblob(32);
ALTER TABLE audit ADD COLUMN salt BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
CREATE UNIQUE INDEX audit_id ON audit (id);

-- Signed heads of the tree over the log, by their last event, with what it takes to go on from there.
CREATE TABLE audit_checkpoints (
    seq INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    peaks BLOB NOT NULL,
    note TEXT NOT NULL
) STRICT;
