-- What an operator said that a client or a key has at most: its account may go below it only.
ALTER TABLE clients ADD COLUMN lifetime_ceiling_seconds BIGINT;
ALTER TABLE clients ADD COLUMN quota_ceiling BIGINT;
ALTER TABLE clients ADD COLUMN quota_mode_ceiling TEXT COLLATE "C";
ALTER TABLE keys ADD COLUMN rate_ceiling BIGINT;
ALTER TABLE keys ADD COLUMN rate_ceiling_window_seconds BIGINT;
