-- What an operator said that a client or a key has at most: its account may go below it only.
ALTER TABLE clients ADD COLUMN lifetime_ceiling_seconds INTEGER;
ALTER TABLE clients ADD COLUMN quota_ceiling INTEGER;
ALTER TABLE clients ADD COLUMN quota_mode_ceiling TEXT;
ALTER TABLE keys ADD COLUMN rate_ceiling INTEGER;
ALTER TABLE keys ADD COLUMN rate_ceiling_window_seconds INTEGER;
