//! Many keys at once, before anybody looks for them.

use std::sync::Arc;

use claviger_model::credentials::KeySecret;
use claviger_model::keys::ApiKey;

use super::shard::{Loose, Record, Shard};
use super::{KeyTable, SHARDS, Shared, mark, shard_of};
use crate::entries::AccountCell;
use crate::scopes::Scopes;

/// Secrets of a portion.
const PORTION: usize = 65_536;

/// Parts that become shards at the same time.
const PARTS: usize = 4;
const SHARDS_OF_PART: usize = SHARDS / PARTS;

/// Collects keys for an index that is empty, and makes the shards of them when all are there.
///
/// They are kept in the order in which they come, in portions that are large enough to be given
/// back to the system whole. Shards that grew with each key would leave memory behind that is in
/// use here and there.
pub(crate) struct Filling<'a> {
    table: &'a KeyTable,
    parts: Box<[Part]>,
}

/// The secrets of some of the shards, which stand beside each other.
struct Part {
    first_shard: usize,
    /// By portions; none where a shard has taken it.
    records: Vec<Vec<Option<Record>>>,
    labels: Vec<Labels>,
    /// How many secrets each shard will have.
    counts: Box<[usize]>,
    secrets: usize,
}

/// What goes with the records of a portion.
struct Labels {
    lookups: Vec<u64>,
    /// Where the name of each ends.
    name_ends: Vec<u32>,
    names: String,
}

impl<'a> Filling<'a> {
    /// One for `table`, which has to be empty.
    pub(crate) fn of(table: &'a KeyTable) -> Self {
        let parts = (0..PARTS).map(|number| Part::of(number * SHARDS_OF_PART));
        Self {
            table,
            parts: parts.collect(),
        }
    }

    /// Adds a key by these secrets. Each key comes once.
    pub(crate) fn put(
        &mut self,
        key: &ApiKey,
        secrets: &[KeySecret],
        account: &Arc<AccountCell>,
        scopes: &Scopes,
    ) {
        let shared = Shared::new(key, account, scopes, None);
        for secret in secrets {
            self.push(shared.loose(key, secret));
        }
    }

    fn push(&mut self, loose: Loose<'_>) {
        let shard = shard_of(loose.lookup);
        if let Some(part) = self.parts.get_mut(shard / SHARDS_OF_PART) {
            part.push(shard, loose);
        }
    }

    /// Makes the shards.
    pub(crate) fn finish(self) {
        let table = self.table;
        let secrets = self.parts.iter().map(|part| part.secrets).sum();
        table.places().reserve(secrets);
        std::thread::scope(|scope| {
            for part in self.parts {
                scope.spawn(move || part.finish(table));
            }
        });
    }
}

impl Part {
    fn of(first_shard: usize) -> Self {
        Self {
            first_shard,
            records: Vec::new(),
            labels: Vec::new(),
            counts: vec![0; SHARDS_OF_PART].into_boxed_slice(),
            secrets: 0,
        }
    }

    fn push(&mut self, shard: usize, loose: Loose<'_>) {
        if self.secrets.is_multiple_of(PORTION) {
            self.records.push(Vec::with_capacity(PORTION));
            self.labels.push(Labels::default());
        }
        let Some(count) = self.counts.get_mut(shard - self.first_shard) else {
            return;
        };
        if let (Some(records), Some(labels)) = (self.records.last_mut(), self.labels.last_mut()) {
            *count += 1;
            self.secrets += 1;
            labels.push(loose.lookup, loose.name);
            records.push(Some(loose.record));
        }
    }

    /// Makes its shards.
    fn finish(mut self, table: &KeyTable) {
        let order = self.by_shard();
        let mut rest = &order[..];
        for (number, count) in (self.first_shard..).zip(&self.counts) {
            let (here, others) = rest.split_at(*count);
            rest = others;
            if here.is_empty() {
                continue;
            }
            let records = &mut self.records;
            let loose = here.iter().filter_map(|at| {
                let (portion, at) = (*at as usize / PORTION, *at as usize % PORTION);
                let record = records.get_mut(portion)?.get_mut(at)?.take()?;
                let (lookup, name) = self.labels.get(portion)?.get(at)?;
                Some(Loose {
                    lookup,
                    record,
                    name,
                })
            });
            let shard = Shard::of(loose.collect());
            let mut places = table.places();
            for record in &shard.records {
                places.say(mark(record.key_id()), number, true);
            }
            table.store(number, shard);
        }
    }

    /// The places of all of them, the first shard's first (a counting sort).
    fn by_shard(&self) -> Vec<u32> {
        let mut next: Vec<usize> = self
            .counts
            .iter()
            .scan(0, |sum, count| {
                let start = *sum;
                *sum += count;
                Some(start)
            })
            .collect();
        let mut order = vec![0; self.secrets];
        let lookups = self.labels.iter().flat_map(|labels| &labels.lookups);
        for (at, lookup) in (0u32..).zip(lookups) {
            if let Some(place) = next.get_mut(shard_of(*lookup) - self.first_shard) {
                if let Some(slot) = order.get_mut(*place) {
                    *slot = at;
                }
                *place += 1;
            }
        }
        order
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            lookups: Vec::with_capacity(PORTION),
            name_ends: Vec::with_capacity(PORTION),
            names: String::new(),
        }
    }
}

impl Labels {
    fn push(&mut self, lookup: u64, name: &str) {
        self.lookups.push(lookup);
        self.names.push_str(name);
        let end = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.name_ends.push(end);
    }

    /// The identifier and the name at this place.
    fn get(&self, at: usize) -> Option<(u64, &str)> {
        let start = match at.checked_sub(1) {
            Some(before) => *self.name_ends.get(before)?,
            None => 0,
        };
        let end = *self.name_ends.get(at)?;
        let name = self.names.get(start as usize..end as usize)?;
        Some((*self.lookups.get(at)?, name))
    }
}
