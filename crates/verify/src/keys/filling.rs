//! Many keys at once, before anybody looks for them.

use std::sync::Arc;

use claviger_model::credentials::KeySecret;
use claviger_model::keys::ApiKey;

use super::shard::{Loose, Record, Shard};
use super::{KeyTable, SHARDS, Shared, mark, shard_of};
use crate::entries::AccountCell;
use crate::scopes::Scopes;

/// Collects keys for an index that is empty, and makes the shards of them when all are there.
pub(crate) struct Filling<'a> {
    table: &'a KeyTable,
    growing: Box<[Growing]>,
    secrets: usize,
}

/// What a shard will be made of.
#[derive(Clone, Default)]
struct Growing {
    lookups: Vec<u64>,
    records: Vec<Record>,
    /// Where the name of each ends.
    name_ends: Vec<u32>,
    names: String,
}

impl<'a> Filling<'a> {
    /// One for `table`, which has to be empty.
    pub(crate) fn of(table: &'a KeyTable) -> Self {
        Self {
            table,
            growing: vec![Growing::default(); SHARDS].into_boxed_slice(),
            secrets: 0,
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
            let loose = shared.loose(key, secret);
            if let Some(growing) = self.growing.get_mut(shard_of(loose.lookup)) {
                growing.push(loose);
                self.secrets += 1;
            }
        }
    }

    /// Makes the shards.
    pub(crate) fn finish(self) {
        let mut places = self.table.places();
        places.reserve(self.secrets);
        for (number, growing) in self.growing.into_iter().enumerate() {
            if growing.lookups.is_empty() {
                continue;
            }
            let shard = growing.into_shard();
            for record in &shard.records {
                places.say(mark(record.key_id()), number, true);
            }
            self.table.store(number, shard);
        }
    }
}

impl Growing {
    fn push(&mut self, loose: Loose<'_>) {
        // A quarter more each time: twice as much would be room for as many keys again, unused.
        let room = self.lookups.len() / 4 + 4;
        if self.lookups.len() == self.lookups.capacity() {
            self.lookups.reserve_exact(room);
            self.records.reserve_exact(room);
            self.name_ends.reserve_exact(room);
        }
        let name_room = self.names.capacity() - self.names.len();
        if name_room < loose.name.len() {
            self.names
                .reserve_exact(self.names.len() / 4 + loose.name.len());
        }
        self.lookups.push(loose.lookup);
        self.records.push(loose.record);
        self.names.push_str(loose.name);
        let end = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.name_ends.push(end);
    }

    fn into_shard(self) -> Shard {
        let mut start = 0;
        let names = self.name_ends.iter().map(|end| {
            let name = self.names.get(start..*end as usize).unwrap_or_default();
            start = *end as usize;
            name
        });
        let loose = self.lookups.iter().zip(self.records).zip(names);
        let loose = loose.map(|((lookup, record), name)| Loose {
            lookup: *lookup,
            record,
            name,
        });
        Shard::of(loose.collect())
    }
}
