-- Every event carries a random salt that its hash covers, so that the hashes of others' events, which
-- proofs have to show, tell nothing. Events that were written without cannot be given one afterwards:
-- their hashes would not be those that were seen. The log begins anew; no release wrote the old one.
DELETE FROM audit;
UPDATE ledger SET audit_seq = 0, audit_hash = decode(repeat('00', 32), 'hex');
ALTER TABLE audit ADD COLUMN salt BYTEA NOT NULL DEFAULT decode(repeat('00', 16), 'hex');
CREATE UNIQUE INDEX audit_id ON audit (id);

-- Signed heads of the tree over the log, by their last event, with what it takes to go on from there.
CREATE TABLE audit_checkpoints (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    peaks BYTEA NOT NULL,
    note TEXT COLLATE "C" NOT NULL
);
