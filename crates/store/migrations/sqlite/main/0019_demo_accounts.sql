-- Which account added a record: a reset of its sandbox clears those and no other account's. Null of the
-- first records, which are everybody's, and of what was added before this was known.
ALTER TABLE demo_records ADD COLUMN account_id TEXT;
