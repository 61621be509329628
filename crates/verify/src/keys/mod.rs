//! API keys in memory: millions of them, each as small as can be, read without a lock.
//!
//! 1. Secrets lie in a fixed number of shards by their identifiers, each a few arrays side by side:
//!    no allocation of its own for any key.
//! 2. A shard is never changed. Whoever puts a key makes another shard in its place, so that a
//!    reader goes on with the one that it found.
//! 3. Many keys at once, as at the start, are collected first and made into shards once.

mod filling;
mod occupied;
mod shard;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use claviger_model::credentials::KeySecret;
use claviger_model::ids::KeyId;
use claviger_model::keyring::Mac;
use claviger_model::keys::ApiKey;
use claviger_model::secret::{LOOKUPS, Lookup};
use claviger_model::{Environment, UnixMillis};
use hashbrown::HashTable;
use ipnet::IpNet;

use crate::entries::{AccountCell, Entry, EntryState, Grant, Identity};
use crate::limits::Limiter;
use crate::scopes::Scopes;
pub(crate) use filling::Filling;
use occupied::Occupied;
use shard::{Ids, Loose, More, Record, Shard};

/// How many shards there are: at ten million keys each has some six hundred, which is what one
/// change of a key copies, and what an empty index costs is an address each.
const SHARDS: usize = 16_384;
/// Bits of a key's number in [`Places`], beside which the shard's number has room.
const SHARD_BITS: u32 = SHARDS.trailing_zeros();

/// The keys.
#[derive(Debug)]
pub(crate) struct KeyTable {
    shards: Box<[ArcSwap<Shard>]>,
    occupied: Box<Occupied>,
    /// Whose secrets are in which shards, for whoever changes keys. Also keeps changes apart.
    places: Mutex<Places>,
    secrets: AtomicUsize,
}

/// A part of each key's number with the number of a shard that has a secret of it. Two keys may
/// have the same one: then a shard is looked at that has nothing of a key.
#[derive(Debug, Default)]
struct Places(HashTable<u64>);

/// A key by one of its secrets, as it was when it was found.
#[derive(Clone, Debug)]
pub struct ResidentKey {
    shard: Arc<Shard>,
    at: usize,
}

impl Default for KeyTable {
    fn default() -> Self {
        let empty = Arc::new(Shard::default());
        let shard = || ArcSwap::new(Arc::clone(&empty));
        Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            occupied: Box::default(),
            places: Mutex::default(),
            secrets: AtomicUsize::new(0),
        }
    }
}

impl KeyTable {
    /// The key whose secret has this identifier; the error is another one, if there is any, for
    /// whom the time must not tell that it is another one. Does not allocate.
    pub(crate) fn find(&self, lookup: Lookup) -> Result<ResidentKey, Option<ResidentKey>> {
        let mut number = shard_of(lookup.0);
        let mut shard = self.shards.get(number).ok_or(None)?.load();
        if shard.records.is_empty() {
            // The next one that has keys is searched all the same.
            number = self.occupied.from(number).ok_or(None)?;
            shard = self.shards.get(number).ok_or(None)?.load();
        }
        let resident = |at| ResidentKey {
            shard: Arc::clone(&shard),
            at,
        };
        let found = shard.find(lookup.0, range(number));
        found.map(resident).map_err(|beside| {
            let last = shard.records.len().checked_sub(1)?;
            Some(resident(beside.min(last)))
        })
    }

    /// How many secrets there are.
    pub(crate) fn len(&self) -> usize {
        self.secrets.load(Ordering::Relaxed)
    }

    /// What people call a key, in whatever state.
    pub(crate) fn name_of(&self, id: KeyId) -> Option<Arc<str>> {
        let places = self.places();
        places
            .of(id)
            .find_map(|number| Some(self.in_shard(number, id)?.name().into()))
    }

    /// Holds a key by these secrets, in place of whatever it was held by. A running limit goes on
    /// as long as it is the same, so that an edit of something else does not refill it.
    pub(crate) fn put(
        &self,
        key: &ApiKey,
        secrets: &[KeySecret],
        account: &Arc<AccountCell>,
        scopes: &Scopes,
    ) {
        let mut places = self.places();
        let before: Vec<usize> = places.of(key.id).collect();
        let running = before
            .iter()
            .find_map(|number| self.in_shard(*number, key.id)?.limiter().cloned());
        let shared = Shared::new(key, account, scopes, running);
        let mut fresh: BTreeMap<usize, Vec<Loose<'_>>> = BTreeMap::new();
        for secret in secrets {
            let here = fresh.entry(shard_of(secret.stored.lookup.0)).or_default();
            here.push(shared.loose(key, secret));
        }
        let gone: Vec<usize> = before
            .into_iter()
            .filter(|at| !fresh.contains_key(at))
            .collect();
        for (number, here) in fresh {
            self.replace(&mut places, number, key.id, here);
        }
        // What is new is there before anything is gone.
        for number in gone {
            self.replace(&mut places, number, key.id, Vec::new());
        }
    }

    /// Forgets a key.
    pub(crate) fn remove(&self, id: KeyId) {
        let mut places = self.places();
        let before: Vec<usize> = places.of(id).collect();
        for number in before {
            self.replace(&mut places, number, id, Vec::new());
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_shard(&self, number: usize, id: KeyId) -> Option<ResidentKey> {
        let shard = self.shards.get(number)?.load_full();
        let at = shard.records.iter().position(|one| one.key_id() == id)?;
        Some(ResidentKey { shard, at })
    }

    /// Makes a shard anew in which a key has these secrets.
    fn replace(&self, places: &mut Places, number: usize, id: KeyId, fresh: Vec<Loose<'_>>) {
        let Some(slot) = self.shards.get(number) else {
            return;
        };
        let before = slot.load_full();
        let others = before.loose().filter(|one| one.record.key_id() != id);
        let shard = Shard::of(others.chain(fresh).collect());
        let mut marks = shard.records.iter().map(|one| mark(one.key_id()));
        places.say(mark(id), number, marks.any(|other| other == mark(id)));
        self.store(number, shard);
    }

    fn store(&self, number: usize, shard: Shard) {
        let Some(slot) = self.shards.get(number) else {
            return;
        };
        let more = shard.records.len();
        self.occupied.say(number, more > 0);
        let less = slot.swap(Arc::new(shard)).records.len();
        self.secrets.fetch_add(more, Ordering::Relaxed);
        self.secrets.fetch_sub(less, Ordering::Relaxed);
    }
}

impl ResidentKey {
    /// Which key, by which secret.
    pub(crate) fn identity(&self) -> Identity {
        let record = self.record();
        Identity::Key(record.key_id(), record.secret_id())
    }

    pub(crate) fn environment(&self) -> Environment {
        self.record().environment
    }

    pub(crate) fn account(&self) -> &Arc<AccountCell> {
        &self.record().account
    }

    pub(crate) fn name(&self) -> &str {
        self.shard.name(self.at)
    }

    pub(crate) fn grant(&self) -> &Grant {
        &self.record().grant
    }

    pub(crate) fn state(&self) -> EntryState {
        self.record().state
    }

    pub(crate) fn expires_at(&self) -> Option<UnixMillis> {
        self.record().expires_at()
    }

    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self.record()).addr()
    }

    pub(crate) fn hash(&self) -> &Mac {
        &self.record().hash
    }

    pub(crate) fn pepper_version(&self) -> u8 {
        self.record().pepper_version
    }

    pub(crate) fn networks(&self) -> Option<&[IpNet]> {
        self.record().more.as_ref()?.networks.as_deref()
    }

    pub(crate) fn limiter(&self) -> Option<&Arc<Limiter>> {
        self.record().more.as_ref()?.limiter.as_ref()
    }

    /// Never out of bounds: it was found there, and a shard does not change.
    fn record(&self) -> &Record {
        &self.shard.records[self.at]
    }
}

/// What the secrets of a key have in common.
struct Shared {
    account: Arc<AccountCell>,
    grant: Grant,
    more: Option<Arc<More>>,
}

impl Shared {
    fn new(
        key: &ApiKey,
        account: &Arc<AccountCell>,
        scopes: &Scopes,
        running: Option<Arc<Limiter>>,
    ) -> Self {
        let settings = &key.settings;
        let networks = &settings.allowed_ips;
        let limiter = settings.rate_limit.map(|limit| {
            let running = running.filter(|running| running.limit() == limit);
            running.unwrap_or_else(|| Arc::new(Limiter::new(limit)))
        });
        let more = More {
            networks: (!networks.is_empty()).then(|| networks[..].into()),
            limiter,
        };
        let has_more = more.networks.is_some() || more.limiter.is_some();
        Self {
            account: Arc::clone(account),
            grant: Grant::Named(scopes.set(&settings.scopes)),
            more: has_more.then(|| Arc::new(more)),
        }
    }

    fn loose<'a>(&self, key: &'a ApiKey, secret: &KeySecret) -> Loose<'a> {
        let stored = &secret.stored;
        let ids = Ids {
            key_id: key.id,
            secret_id: secret.id,
            expires_at: key.settings.expires_at,
        };
        Loose {
            lookup: stored.lookup.0,
            record: Record::new(
                &ids,
                (stored.hash, stored.pepper_version),
                (Arc::clone(&self.account), self.grant.clone()),
                (key.environment, Entry::state_of(key)),
                self.more.clone(),
            ),
            name: key.settings.name.as_str(),
        }
    }
}

impl Places {
    /// The shards that may have secrets of a key, each once.
    fn of(&self, id: KeyId) -> impl Iterator<Item = usize> + '_ {
        let mark = mark(id);
        let found = self.0.iter_hash(spread(mark));
        found
            .filter(move |place| **place >> SHARD_BITS == mark)
            .map(|place| {
                let number = place & ((1 << SHARD_BITS) - 1);
                usize::try_from(number).unwrap_or_default()
            })
    }

    /// Says whether a shard has a secret of a key with this mark.
    fn say(&mut self, mark: u64, number: usize, has: bool) {
        let place = (mark << SHARD_BITS) | number as u64;
        let found = self.0.find_entry(spread(mark), |other| *other == place);
        match found {
            Ok(found) if !has => drop(found.remove()),
            Err(_) if has => {
                let hash = |place: &u64| spread(place >> SHARD_BITS);
                self.0.insert_unique(spread(mark), place, hash);
            }
            Ok(_) | Err(_) => {}
        }
    }

    fn reserve(&mut self, more: usize) {
        self.0.reserve(more, |place| spread(place >> SHARD_BITS));
    }
}

/// What tells keys apart in [`Places`]: 50 bits of an identifier's random end.
fn mark(id: KeyId) -> u64 {
    let (low, mask) = (id.0 & u128::from(u64::MAX), (1u64 << (64 - SHARD_BITS)) - 1);
    u64::try_from(low).unwrap_or_default() & mask
}

/// Spreads a number over all bits of a hash (Fibonacci hashing).
const fn spread(mark: u64) -> u64 {
    mark.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Which shard a secret is in: identifiers are random numbers below [`LOOKUPS`].
fn shard_of(lookup: u64) -> usize {
    let number = u128::from(lookup) * SHARDS as u128 / u128::from(LOOKUPS);
    usize::try_from(number).unwrap_or_default().min(SHARDS - 1)
}

/// The identifiers that a shard has.
fn range(number: usize) -> std::ops::Range<u64> {
    let start = |number: usize| {
        let start = (number as u128 * u128::from(LOOKUPS)).div_ceil(SHARDS as u128);
        u64::try_from(start).unwrap_or(u64::MAX)
    };
    start(number)..start(number + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use claviger_model::credentials::StoredSecret;
    use claviger_model::ids::{AccountId, SecretId};
    use claviger_model::keys::{KeyDraft, KeySettings, KeyState};
    use proptest::prelude::*;

    use super::*;

    fn key(id: u128) -> ApiKey {
        let draft = KeyDraft {
            name: Some(format!("Key {id}")),
            scopes: Some(vec!["read:a".to_owned()]),
            ..KeyDraft::default()
        };
        ApiKey {
            id: KeyId(id),
            account_id: AccountId(1),
            environment: Environment::Live,
            settings: KeySettings::create(&draft, UnixMillis(0)).unwrap(),
            rate_ceiling: None,
            state: KeyState::Active,
            created_by: "test".to_owned(),
            created_at: UnixMillis(0),
            version: 1,
        }
    }

    fn secret(key: u128, lookup: u64) -> KeySecret {
        KeySecret {
            id: SecretId(lookup.into()),
            key_id: KeyId(key),
            stored: StoredSecret::placeholder(Lookup(lookup), 1, "hint".to_owned()),
            created_at: UnixMillis(0),
            version: 1,
        }
    }

    /// Secrets by their identifiers, each with its key: what a table has to agree with.
    type Expected = BTreeMap<u64, u128>;

    fn agree(table: &KeyTable, expected: &Expected, lookups: &[u64]) {
        assert_eq!(table.len(), expected.len());
        for lookup in lookups {
            let found = table.find(Lookup(*lookup));
            let found = found
                .ok()
                .map(|key| (key.identity(), key.name().to_owned()));
            let wanted = expected.get(lookup).map(|id| {
                let identity = Identity::Key(KeyId(*id), SecretId((*lookup).into()));
                (identity, format!("Key {id}"))
            });
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn for_an_unknown_secret_another_key_stands_in() {
        let (table, scopes) = (KeyTable::default(), Scopes::default());
        assert!(matches!(table.find(Lookup(5)), Err(None)));
        let account = Arc::new(AccountCell::inactive(AccountId(1)));
        table.put(&key(7), &[secret(7, 5)], &account, &scopes);
        let stand_in = |lookup| table.find(Lookup(lookup)).unwrap_err();
        assert!(stand_in(6).is_some(), "of its shard");
        assert!(stand_in(LOOKUPS - 1).is_some(), "of the next one");
        assert!(stand_in(LOOKUPS / 2).is_some(), "of one far away");
        table.remove(KeyId(7));
        assert!(stand_in(6).is_none(), "there is none any more");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Keys whose numbers end alike have the same mark, and identifiers near to each other are
        /// in one shard: neither takes anything from another.
        #[test]
        fn a_table_has_what_was_put_last(
            filled in prop::collection::btree_map(0u128..4, places(), 0..4),
            changes in prop::collection::vec((0u128..4, places()), 0..12),
        ) {
            let middle = LOOKUPS / 2;
            let lookups = [0, 1, 2, middle, middle + 1, LOOKUPS - 3, LOOKUPS - 2, LOOKUPS - 1];
            let id = |number: u128| (number << 64) | (number % 2);
            let table = KeyTable::default();
            let account = Arc::new(AccountCell::inactive(AccountId(1)));
            let scopes = Scopes::default();
            let mut expected = Expected::new();
            let mut filling = Filling::of(&table);
            for (number, places) in filled {
                let secrets = free(&expected, id(number), &places, &lookups);
                filling.put(&key(id(number)), &secrets, &account, &scopes);
                hold(&mut expected, id(number), &secrets);
            }
            filling.finish();
            agree(&table, &expected, &lookups);
            for (number, places) in changes {
                let secrets = free(&expected, id(number), &places, &lookups);
                if secrets.is_empty() {
                    table.remove(KeyId(id(number)));
                } else {
                    table.put(&key(id(number)), &secrets, &account, &scopes);
                }
                hold(&mut expected, id(number), &secrets);
                agree(&table, &expected, &lookups);
            }
        }
    }

    fn places() -> impl Strategy<Value = BTreeSet<usize>> {
        prop::collection::btree_set(0usize..8, 0..3)
    }

    /// Secrets of a key at these places, but for those that are another key's: no two keys ever
    /// have one identifier.
    fn free(
        expected: &Expected,
        id: u128,
        places: &BTreeSet<usize>,
        lookups: &[u64],
    ) -> Vec<KeySecret> {
        let lookups = places.iter().map(|at| lookups[*at]);
        let free = lookups.filter(|lookup| expected.get(lookup).is_none_or(|other| *other == id));
        free.map(|lookup| secret(id, lookup)).collect()
    }

    fn hold(expected: &mut Expected, id: u128, secrets: &[KeySecret]) {
        expected.retain(|_, other| *other != id);
        expected.extend(secrets.iter().map(|one| (one.stored.lookup.0, id)));
    }
}
