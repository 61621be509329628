//! How much is measured.

use std::time::Duration;

/// How much is measured: all of it, or so little that it takes seconds.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Alternating runs of each side.
    pub(crate) runs: usize,
    /// How long each run is.
    pub(crate) run: Duration,
    /// Connections of the load.
    pub(crate) connections: usize,
    /// Decisions timed in process.
    pub(crate) decisions: usize,
    /// Keys in the account whose pages are measured, and beside which others have to work.
    pub(crate) page_keys: u64,
    /// Verifications that are counted.
    pub(crate) counted: u64,
    /// Sizes of the index for decisions.
    pub(crate) decided_keys: [u64; 2],
    /// Sizes of the index for refusals: among few keys most places are empty, among many none.
    pub(crate) refused_keys: &'static [u64],
    /// Tokens that were seen before.
    pub(crate) decided_tokens: u64,
    /// Sizes of the index whose memory is measured.
    pub(crate) resident_keys: [u64; 2],
    /// Keys of the database that a server starts with.
    pub(crate) start_keys: u64,
    /// Sizes of the database between which the throughput is compared.
    pub(crate) small_keys: u64,
    pub(crate) large_keys: u64,
    /// Whether the large one has ten million keys, as its bar is for.
    pub(crate) is_ten_million: bool,
    /// Sizes that grow.
    pub(crate) grown_keys: [u64; 3],
    pub(crate) grown_connections: [usize; 3],
    pub(crate) grown_accounts: [u64; 3],
    /// Changes of keys a second.
    pub(crate) grown_changes: [u32; 3],
    /// Connections that create keys at once.
    pub(crate) writers: usize,
    /// Verifications a second, beside which others have to work.
    pub(crate) paced: u32,
    /// Lines of the file that is imported again and again, with other keys each time.
    pub(crate) import_lines: u64,
    /// Rounds of what instructions are counted of.
    pub(crate) counted_rounds: u64,
    /// Whether figures mean something.
    pub(crate) is_short: bool,
}

impl Plan {
    /// What the table is made of.
    pub(crate) const fn full() -> Self {
        Self {
            runs: 5,
            run: Duration::from_secs(4),
            connections: 32,
            decisions: 2_000_000,
            page_keys: 10_000,
            counted: 1_000_000,
            decided_keys: [10_000, 10_000_000],
            refused_keys: &[100, 1_000, 10_000, 1_000_000],
            decided_tokens: 10_000,
            resident_keys: [1_000_000, 10_000_000],
            start_keys: 1_000_000,
            small_keys: 1_000,
            large_keys: 1_000_000,
            is_ten_million: false,
            grown_keys: [1_000, 100_000, 1_000_000],
            grown_connections: [8, 64, 512],
            grown_accounts: [10, 1_000, 10_000],
            grown_changes: [0, 10, 100],
            writers: 64,
            paced: 1_000,
            import_lines: 2_000,
            counted_rounds: 2_000,
            is_short: false,
        }
    }

    /// To see that nothing broke; its figures mean nothing.
    pub(crate) const fn short() -> Self {
        Self {
            runs: 1,
            run: Duration::from_millis(200),
            connections: 8,
            decisions: 5_000,
            page_keys: 100,
            counted: 1_000,
            decided_keys: [100, 1_000],
            refused_keys: &[10, 100, 500, 1_000],
            decided_tokens: 20,
            resident_keys: [1_000, 2_000],
            start_keys: 1_000,
            small_keys: 100,
            large_keys: 1_000,
            is_ten_million: false,
            grown_keys: [10, 100, 1_000],
            grown_connections: [2, 4, 8],
            grown_accounts: [1, 5, 10],
            grown_changes: [0, 10, 20],
            writers: 8,
            paced: 50,
            import_lines: 20,
            counted_rounds: 50,
            is_short: true,
        }
    }
}
