-- When the test environment of an account was put back to its start, and for which of the appointed
-- times: an account whose appointed time is older than the last one has it still to come. The row
-- 'demo' stands for the rows of the demo API.
CREATE TABLE sandbox_resets (
    scope TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    appointed_at BIGINT NOT NULL,
    reset_at BIGINT,
    actor TEXT COLLATE "C"
);
