//! Random choices that a printed seed repeats.

/// Says from which seed a storm goes on, so that it can be repeated.
const SEED_VARIABLE: &str = "CLAVIGER_TEST_SEED";

/// A generator of choices (`SplitMix64`): for tests, and for nothing that has to be unguessable.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The generator of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of a list, unless it is empty.
    pub(super) fn one_of<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        let place = self.below(u64::try_from(list.len()).unwrap().max(1));
        list.get(usize::try_from(place).unwrap()).copied()
    }
}

/// The seed of this run: the one that somebody wants, or a new one.
pub(super) fn seed() -> u64 {
    number(SEED_VARIABLE).unwrap_or_else(|| {
        let sources = claviger_service::sources::Sources::system().unwrap();
        u64::from_be_bytes(sources.id().unwrap()[..8].try_into().unwrap())
    })
}

/// A number that stands in a variable.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a test goes on, and from which seed, is no argument"
)]
pub(super) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
