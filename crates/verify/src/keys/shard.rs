//! A small part of the keys, side by side in memory.

use std::sync::Arc;

use claviger_model::ids::{KeyId, SecretId};
use claviger_model::keyring::Mac;
use claviger_model::{Environment, UnixMillis};
use ipnet::IpNet;

use crate::entries::{AccountCell, EntryState, Grant};
use crate::limits::Limiter;

/// Never, as an end.
const NEVER: i64 = i64::MAX;

/// Secrets of keys, ordered by their identifiers. It is never changed: whoever changes a key makes
/// another one in its place.
#[derive(Debug, Default)]
pub(super) struct Shard {
    /// Apart from the rest, so that a search touches few lines of memory.
    pub(super) lookups: Box<[u64]>,
    pub(super) records: Box<[Record]>,
    /// The names of all of them, one after the other.
    names: Box<str>,
}

/// One secret of a key with everything that a decision about it needs. Its size is what a key costs
/// in memory: ids are bytes because numbers of that size would be padded.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) hash: Mac,
    key_id: [u8; 16],
    secret_id: [u8; 16],
    pub(super) grant: Grant,
    pub(super) account: Arc<AccountCell>,
    /// What few keys have.
    pub(super) more: Option<Arc<More>>,
    expires_at: i64,
    /// In the names of its shard; it ends where the next one starts.
    name_start: u32,
    pub(super) pepper_version: u8,
    pub(super) environment: Environment,
    pub(super) state: EntryState,
}

/// What few keys have.
#[derive(Debug)]
pub(super) struct More {
    pub(super) networks: Option<Box<[IpNet]>>,
    pub(super) limiter: Option<Arc<Limiter>>,
}

/// A record on its way into a shard.
#[derive(Clone, Debug)]
pub(super) struct Loose<'a> {
    pub(super) lookup: u64,
    pub(super) record: Record,
    pub(super) name: &'a str,
}

/// What a record is made of beside what it shares.
pub(super) struct Ids {
    pub(super) key_id: KeyId,
    pub(super) secret_id: SecretId,
    pub(super) expires_at: Option<UnixMillis>,
}

impl Record {
    pub(super) fn new(
        ids: &Ids,
        (hash, pepper_version): (Mac, u8),
        (account, grant): (Arc<AccountCell>, Grant),
        (environment, state): (Environment, EntryState),
        more: Option<Arc<More>>,
    ) -> Self {
        Self {
            hash,
            key_id: ids.key_id.0.to_be_bytes(),
            secret_id: ids.secret_id.0.to_be_bytes(),
            grant,
            account,
            more,
            expires_at: ids.expires_at.map_or(NEVER, |end| end.0),
            name_start: 0,
            pepper_version,
            environment,
            state,
        }
    }

    pub(super) fn key_id(&self) -> KeyId {
        KeyId(u128::from_be_bytes(self.key_id))
    }

    pub(super) fn secret_id(&self) -> SecretId {
        SecretId(u128::from_be_bytes(self.secret_id))
    }

    pub(super) fn expires_at(&self) -> Option<UnixMillis> {
        (self.expires_at != NEVER).then_some(UnixMillis(self.expires_at))
    }
}

impl Shard {
    /// A shard of these, in whatever order; of several with the same identifier the last one.
    pub(super) fn of(mut loose: Vec<Loose<'_>>) -> Self {
        loose.sort_by_key(|one| one.lookup);
        // The last one of a run stays.
        loose.reverse();
        loose.dedup_by_key(|one| one.lookup);
        loose.reverse();
        let length = loose.iter().map(|one| one.name.len()).sum();
        let mut names = String::with_capacity(length);
        let mut lookups = Vec::with_capacity(loose.len());
        let mut records = Vec::with_capacity(loose.len());
        for one in loose {
            // Names are short and a shard has few of them: the number is never too large.
            let name_start = u32::try_from(names.len()).unwrap_or(u32::MAX);
            names.push_str(one.name);
            lookups.push(one.lookup);
            records.push(Record {
                name_start,
                ..one.record
            });
        }
        Self {
            lookups: lookups.into_boxed_slice(),
            records: records.into_boxed_slice(),
            names: names.into_boxed_str(),
        }
    }

    /// Where `lookup` is. Identifiers are random numbers, so that its place is near to where it
    /// would be if they were spread evenly over `range`; from there it is looked for in widening
    /// steps, so that numbers which are not random cost a little more and nothing else.
    /// The error is a place beside where it would be.
    pub(super) fn find(&self, lookup: u64, range: std::ops::Range<u64>) -> Result<usize, usize> {
        let count = self.lookups.len();
        let width = u128::from(range.end.saturating_sub(range.start)).max(1);
        let offset = u128::from(lookup.saturating_sub(range.start));
        let guess = offset * count as u128 / width;
        let guess = usize::try_from(guess).unwrap_or(usize::MAX).min(count);
        let (mut low, mut high, mut step) = (guess, guess, 4);
        while low > 0 && self.lookups.get(low).is_none_or(|at| *at > lookup) {
            low = low.saturating_sub(step);
            step *= 2;
        }
        step = 4;
        while high < count && self.lookups.get(high).is_some_and(|at| *at < lookup) {
            high = high.saturating_add(step).min(count);
            step *= 2;
        }
        let near = self.lookups.get(low..count.min(high + 1));
        let found = near.unwrap_or_default().binary_search(&lookup);
        found.map(|at| low + at).map_err(|at| low + at)
    }

    /// The name of the record at this place.
    pub(super) fn name(&self, at: usize) -> &str {
        let start = |at: usize| {
            self.records
                .get(at)
                .map(|record| record.name_start as usize)
        };
        let end = start(at + 1).unwrap_or(self.names.len());
        let name = start(at).and_then(|start| self.names.get(start..end));
        name.unwrap_or_default()
    }

    /// All of them, on their way into another shard.
    pub(super) fn loose(&self) -> impl Iterator<Item = Loose<'_>> {
        let pairs = self.lookups.iter().zip(&self.records);
        pairs.enumerate().map(|(at, (lookup, record))| Loose {
            lookup: *lookup,
            record: record.clone(),
            name: self.name(at),
        })
    }
}

#[cfg(test)]
mod tests {
    use claviger_model::ids::AccountId;
    use claviger_model::scopes::ScopePatterns;
    use proptest::prelude::*;

    use super::*;

    fn loose(lookup: u64, name: &str) -> Loose<'_> {
        let ids = Ids {
            key_id: KeyId(lookup.into()),
            secret_id: SecretId(1),
            expires_at: None,
        };
        let account = Arc::new(AccountCell::inactive(AccountId(1)));
        let grant = Grant::Patterns(Arc::new(ScopePatterns(Vec::new())));
        let state = (Environment::Live, EntryState::Active);
        Loose {
            lookup,
            record: Record::new(&ids, ([0; 32], 1), (account, grant), state, None),
            name,
        }
    }

    #[test]
    fn a_record_is_small() {
        assert_eq!(size_of::<Record>(), 112);
    }

    #[test]
    fn of_two_with_one_identifier_the_last_one_stays() {
        let shard = Shard::of(vec![loose(7, "old"), loose(3, "other"), loose(7, "new")]);
        let name = |lookup| shard.name(shard.find(lookup, 0..10).unwrap());
        assert_eq!((name(3), name(7)), ("other", "new"));
    }

    proptest! {
        #[test]
        fn each_is_found_and_nothing_else(
            mut lookups in prop::collection::btree_set(0u64..1_000, 0..100),
            clumped in prop::collection::btree_set(999_000u64..1_000_000, 0..100),
        ) {
            lookups.extend(clumped);
            let shard = Shard::of(lookups.iter().map(|at| loose(*at, "")).collect());
            for lookup in (0..1_001).chain(998_999..1_000_001) {
                let found = shard.find(lookup, 0..1_000_000);
                let found = found.ok().map(|at| shard.lookups[at]);
                prop_assert_eq!(found, lookups.contains(&lookup).then_some(lookup));
            }
        }
    }
}
