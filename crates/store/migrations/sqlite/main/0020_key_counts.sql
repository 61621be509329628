-- How many keys an account has, of each state and by their end, is asked by every page that lists
-- or counts them.
CREATE INDEX keys_counted ON keys (account_id, environment, state, expires_at);
