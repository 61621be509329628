//! Which shards have keys, so that the nearest one is found in as few steps among few keys as
//! among many.

use std::sync::atomic::{AtomicU64, Ordering};

use super::SHARDS;

const BITS: usize = u64::BITS as usize;
const WORDS: usize = SHARDS / BITS;
const _: () = assert!(WORDS * BITS == SHARDS && WORDS.is_multiple_of(BITS));

/// A bit for each shard, and one for each word of those. It may be behind the shards for a moment:
/// whether a key is there is never asked of it.
#[derive(Debug)]
pub(super) struct Occupied {
    shards: [AtomicU64; WORDS],
    words: [AtomicU64; WORDS / BITS],
}

impl Default for Occupied {
    fn default() -> Self {
        Self {
            shards: [const { AtomicU64::new(0) }; WORDS],
            words: [const { AtomicU64::new(0) }; WORDS / BITS],
        }
    }
}

impl Occupied {
    /// Says whether a shard has keys. Of one caller at a time.
    pub(super) fn say(&self, number: usize, has: bool) {
        let word = number / BITS;
        mark(&self.shards, number, has);
        let any = self.shards[word].load(Ordering::Relaxed) != 0;
        mark(&self.words, word, any);
    }

    /// The first shard with keys from this one on, going round.
    pub(super) fn from(&self, number: usize) -> Option<usize> {
        next(&self.shards[number / BITS..=number / BITS], number % BITS)
            .map(|at| number - number % BITS + at)
            .or_else(|| {
                let after = number / BITS + 1;
                let word = next(&self.words, after).or_else(|| next(&self.words, 0))?;
                Some(word * BITS + next(&self.shards[word..=word], 0)?)
            })
    }
}

fn mark(words: &[AtomicU64], at: usize, set: bool) {
    let bit = 1 << (at % BITS);
    let word = &words[at / BITS];
    if set {
        word.fetch_or(bit, Ordering::Relaxed);
    } else {
        word.fetch_and(!bit, Ordering::Relaxed);
    }
}

/// The first bit that is set from `start` on.
fn next(words: &[AtomicU64], start: usize) -> Option<usize> {
    let (first, skipped) = (start / BITS, start % BITS);
    let mut wanted = u64::MAX << skipped;
    for (at, word) in words.iter().enumerate().skip(first) {
        let found = word.load(Ordering::Relaxed) & wanted;
        if found != 0 {
            return Some(at * BITS + found.trailing_zeros() as usize);
        }
        wanted = u64::MAX;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_nearest_is_found_going_round(
            changes in prop::collection::vec((0..SHARDS, any::<bool>()), 0..40),
            asked in prop::collection::vec(0..SHARDS, 20),
        ) {
            let (occupied, mut model) = (Occupied::default(), BTreeSet::new());
            let said: Vec<usize> = changes.iter().map(|(number, _)| *number).collect();
            for (number, has) in &changes {
                occupied.say(*number, *has);
                if *has { model.insert(*number); } else { model.remove(number); }
            }
            // What was said and its neighbours too, where a step too many would show.
            let near = [0, 1, SHARDS - 1];
            let near = said.iter().flat_map(|at| near.map(|by| (at + by) % SHARDS));
            for number in asked.into_iter().chain(near).chain([0, SHARDS - 1]) {
                let expected = model.range(number..).next().or_else(|| model.first());
                prop_assert_eq!(occupied.from(number), expected.copied());
            }
            for number in said {
                occupied.say(number, false);
            }
            prop_assert_eq!(occupied.from(0), None);
        }
    }
}
