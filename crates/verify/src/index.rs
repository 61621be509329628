//! The resident index: every credential, found by the identifier inside its secret.
//!
//! Reads take no lock. Writes come from one place, the follower that applies committed changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::apis::Api;
use claviger_model::clients::{Client, ClientMetadata, ClientSecret};
use claviger_model::credentials::KeySecret;
use claviger_model::ids::{
    AccountId, ClientId, GrantId, KeyId, LegacyKeyId, SecretId, SessionId, SigningKeyId, TokenId,
};
use claviger_model::imports::ImportedHash;
use claviger_model::keys::ApiKey;
use claviger_model::legacy_keys::LegacyKey;
use claviger_model::secret::Lookup;
use claviger_model::tokens::TokenOwner;
use claviger_model::{Environment, Reason, UnixMillis};

use crate::apis::Apis;
use crate::entries::{
    AccountCell, ClientEntry, ConsentEntry, Credential, Entry, EntryState, Grant, Identity,
    ResidentGrant, ResidentSession,
};
use crate::imported::Imported;
use crate::keys::{Filling, KeyTable, ResidentKey};
use crate::origins::Origins;
use crate::scopes::Scopes;
use crate::tokens::VerifyingKey;
use crate::tokens::cache::TokenCache;
use crate::tokens::families::Families;
use crate::tokens::keys::PublishedKeys;

/// What several entries can belong to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Owner {
    Session(SessionId),
    Client(ClientId),
    LegacyKey(LegacyKeyId),
}

/// Everything that decisions are made from.
#[derive(Debug, Default)]
pub struct Index {
    keys: KeyTable,
    entries: papaya::HashMap<Lookup, Arc<Entry>>,
    owned: papaya::HashMap<Owner, Box<[Lookup]>>,
    accounts: papaya::HashMap<AccountId, Arc<AccountCell>>,
    clients: papaya::HashMap<ClientId, Arc<ClientEntry>>,
    /// Clients that are described by a document, by its address.
    documented: papaya::HashMap<Arc<str>, ClientId>,
    origins: Origins,
    consents: papaya::HashMap<GrantId, Arc<ConsentEntry>>,
    families: Families,
    imported: Imported,
    /// Access tokens that were revoked, until their end.
    revoked_tokens: papaya::HashMap<TokenId, UnixMillis>,
    /// Below which epoch the tokens of a client are dead. An account's is in its cell.
    client_floors: papaya::HashMap<ClientId, Arc<AtomicI64>>,
    signing_keys: ArcSwap<PublishedKeys>,
    /// Bound to the clients and the numbers of scopes that this index has.
    tokens: TokenCache,
    apis: ArcSwap<Apis>,
    scopes: Scopes,
}

/// Keys on their way into an index.
pub struct KeyFilling<'a> {
    index: &'a Index,
    keys: Filling<'a>,
    /// Those that came up, nearer than in the index.
    accounts: HashMap<AccountId, Arc<AccountCell>>,
}

impl KeyFilling<'_> {
    /// Adds a key by these secrets. Each key comes once.
    pub fn put(&mut self, key: &ApiKey, secrets: &[KeySecret]) {
        let account = self.accounts.entry(key.account_id);
        let account = account.or_insert_with(|| self.index.account(key.account_id));
        self.keys.put(key, secrets, account, &self.index.scopes);
        self.index.note_foreign(secrets);
    }

    /// Lets all of them be found.
    pub fn finish(self) {
        self.keys.finish();
    }
}

impl Index {
    /// The credential of a secret. Does not allocate.
    pub fn find(&self, lookup: Lookup) -> Option<Credential> {
        let key = self.find_key(lookup).map(Credential::Key);
        key.or_else(|_| self.find_other(lookup).ok_or(())).ok()
    }

    /// The key of a secret, or one that stands in for it.
    pub(crate) fn find_key(&self, lookup: Lookup) -> Result<ResidentKey, Option<ResidentKey>> {
        self.keys.find(lookup)
    }

    /// The credential of a secret, of every kind but keys.
    pub(crate) fn find_other(&self, lookup: Lookup) -> Option<Credential> {
        let entries = self.entries.pin();
        entries.get(&lookup).cloned().map(Credential::Other)
    }

    /// The APIs.
    pub fn apis(&self) -> arc_swap::Guard<Arc<Apis>> {
        self.apis.load()
    }

    /// How many secrets it holds.
    pub fn len(&self) -> usize {
        self.keys.len() + self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replaces all APIs.
    pub fn set_apis(&self, apis: &[Api]) {
        self.apis.store(Arc::new(Apis::new(apis, &self.scopes)));
    }

    /// Says whether an account is active.
    pub fn put_account(&self, account: &Account) {
        self.account(account.id)
            .set_active(account.status == AccountStatus::Active);
    }

    /// Takes an account's power, for one whose row cannot be trusted.
    pub fn distrust_account(&self, id: AccountId) {
        self.account(id).set_active(false);
    }

    /// Holds a key by these secrets, in place of whatever it was held by.
    pub fn put_key(&self, key: &ApiKey, secrets: &[KeySecret]) {
        let account = self.account(key.account_id);
        self.keys.put(key, secrets, &account, &self.scopes);
        self.note_foreign(secrets);
    }

    /// Takes many keys at once into an index that has none yet.
    pub fn fill_keys(&self) -> KeyFilling<'_> {
        KeyFilling {
            index: self,
            keys: Filling::of(&self.keys),
            accounts: HashMap::new(),
        }
    }

    fn note_foreign(&self, secrets: &[KeySecret]) {
        if secrets.iter().any(|secret| secret.stored.is_of_foreign()) {
            self.imported.note_own();
        }
    }

    /// What people call a key, in whatever state.
    pub fn key_name(&self, id: KeyId) -> Option<Arc<str>> {
        self.keys.name_of(id)
    }

    /// Forgets a key, for one whose row is gone or cannot be trusted.
    pub fn remove_key(&self, id: KeyId) {
        self.keys.remove(id);
    }

    /// Keys that were made elsewhere.
    pub const fn imported(&self) -> &Imported {
        &self.imported
    }

    /// Holds the hash that was brought along for a key, or forgets it where it was erased.
    pub fn put_imported(&self, row: &ImportedHash) {
        self.imported.put(row);
    }

    /// Forgets the hash of a key, for one whose row is gone or cannot be trusted.
    pub fn remove_imported(&self, id: SecretId) {
        self.imported.remove(id);
    }

    /// Replaces the peppers of imported hashes, by their numbers.
    pub fn set_import_peppers(&self, peppers: &[(u8, impl AsRef<[u8]>)]) {
        self.imported.set_peppers(peppers);
    }

    /// Holds a session.
    pub fn put_session(&self, session: &ResidentSession) {
        let entry = Entry {
            identity: Identity::Session(session.id, session.user_id),
            account: session.account_id.map(|id| self.account(id)),
            name: session.email.as_str().into(),
            grant: Grant::Patterns(Arc::new(session.scopes.clone())),
            state: session
                .refused
                .map_or(EntryState::Active, EntryState::Refused),
            expires_at: Some(session.expires_at),
            ..Entry::of_secret(&session.stored)
        };
        self.replace(
            Owner::Session(session.id),
            vec![(session.stored.lookup, entry)],
        );
    }

    /// Forgets a session.
    pub fn remove_session(&self, id: SessionId) {
        self.replace(Owner::Session(id), Vec::new());
    }

    /// Holds a client by these secrets, in place of whatever it was held by.
    pub fn put_client(
        &self,
        client: &Client,
        secrets: &[ClientSecret],
        metadata: Option<&ClientMetadata>,
    ) {
        let account = self.account(client.account_id);
        let held = Arc::new(ClientEntry::new(
            client,
            secrets,
            metadata,
            Arc::clone(&account),
            self.client_floor(client.id),
            &self.scopes,
        ));
        let entry = |secret: &ClientSecret| Entry {
            identity: Identity::Client(client.id, secret.id),
            environment: Some(client.environment),
            account: Some(Arc::clone(&account)),
            name: Arc::clone(&held.name),
            grant: held.grant.clone(),
            state: match (held.state, secret.revoked_at) {
                (EntryState::Active, Some(_)) => EntryState::Refused(Reason::Revoked),
                (state, _) => state,
            },
            expires_at: secret.expires_at,
            ..Entry::of_secret(&secret.stored)
        };
        let entries = secrets
            .iter()
            .map(|secret| (secret.stored.lookup, entry(secret)));
        self.replace(Owner::Client(client.id), entries.collect());
        if held.metadata.document_url().is_some() {
            let address = Arc::clone(&held.public_id);
            self.documented.pin().insert(address, client.id);
        }
        let clients = self.clients.pin();
        let before = clients.insert(client.id, Arc::clone(&held));
        self.origins.replace(before.map(AsRef::as_ref), Some(&held));
        if let Some(before) = before {
            before.supersede();
        }
    }

    /// Forgets a client, for one whose row is gone or cannot be trusted.
    pub fn remove_client(&self, id: ClientId) {
        self.replace(Owner::Client(id), Vec::new());
        if let Some(before) = self.clients.pin().remove(&id) {
            self.origins.replace(Some(before), None);
            before.supersede();
        }
    }

    /// A client, in whatever state.
    pub fn client(&self, id: ClientId) -> Option<Arc<ClientEntry>> {
        self.clients.pin().get(&id).cloned()
    }

    /// The client that calls itself `text`, in whatever state.
    pub fn client_called(&self, text: &str) -> Option<Arc<ClientEntry>> {
        let documented = || self.documented.pin().get(text).copied();
        let id = text.parse().ok().or_else(documented)?;
        self.client(id).filter(|client| *client.public_id == *text)
    }

    /// Whether a page of this origin, as [`claviger_model::redirect_uris::browser_origin`] writes
    /// it, may be a public client's.
    pub fn is_browser_origin(&self, origin: &str) -> bool {
        self.origins.contain(origin)
    }

    /// Holds what a user allowed an app.
    pub fn put_grant(&self, grant: &ResidentGrant) {
        let entry = ConsentEntry::new(grant, self.account(grant.account_id));
        if let Some(before) = self.consents.pin().insert(grant.id, Arc::new(entry)) {
            before.supersede();
        }
    }

    /// Forgets what a user allowed an app, for one whose row is gone or cannot be trusted.
    pub fn remove_grant(&self, id: GrantId) {
        if let Some(before) = self.consents.pin().remove(&id) {
            before.supersede();
        }
    }

    /// What a user allowed an app, in whatever state.
    pub fn consent(&self, id: GrantId) -> Option<Arc<ConsentEntry>> {
        self.consents.pin().get(&id).cloned()
    }

    /// The families of refresh tokens: which were ended, and which access tokens were used.
    pub const fn families(&self) -> &Families {
        &self.families
    }

    /// Goes on with the uses of families that `before` has: what is used while one index takes the
    /// place of the other is not lost.
    pub(crate) fn share_family_uses(&mut self, before: &Self) {
        self.families.share_uses(&before.families);
    }

    /// Holds a legacy key.
    pub fn put_legacy_key(&self, key: &LegacyKey) {
        let entry = Entry {
            identity: Identity::LegacyKey(key.id),
            environment: Some(Environment::Live),
            account: Some(self.account(key.account_id)),
            name: "Legacy key".into(),
            grant: Grant::All,
            state: match key.revoked_at {
                None => EntryState::Active,
                Some(_) => EntryState::Refused(Reason::Revoked),
            },
            ..Entry::of_secret(&key.stored)
        };
        self.replace(Owner::LegacyKey(key.id), vec![(key.stored.lookup, entry)]);
    }

    /// Forgets a legacy key.
    pub fn remove_legacy_key(&self, id: LegacyKeyId) {
        self.replace(Owner::LegacyKey(id), Vec::new());
    }

    /// Refuses an access token from now on; it would have ended at `expires_at`.
    pub fn revoke_token(&self, id: TokenId, expires_at: UnixMillis) {
        self.revoked_tokens.pin().insert(id, expires_at);
    }

    /// Forgets the revoked tokens that ended before `before`: nobody accepts them anyway.
    pub fn forget_revoked_tokens(&self, before: UnixMillis) {
        self.revoked_tokens.pin().retain(|_, end| *end >= before);
    }

    /// Refuses the tokens of `owner` that were issued below this epoch.
    pub fn put_token_floor(&self, owner: TokenOwner, not_before_epoch: i64) {
        match owner {
            TokenOwner::Client(id) => {
                self.client_floor(id)
                    .fetch_max(not_before_epoch, Ordering::AcqRel);
            }
            TokenOwner::Account(id) => self.account(id).end_tokens(not_before_epoch),
        }
    }

    /// Replaces the published signing keys. A token signed by a key that is not among them is no
    /// longer taken. Gives the ids of those that cannot be used: they are left out.
    pub fn set_signing_keys(&self, keys: &[VerifyingKey]) -> Vec<SigningKeyId> {
        let (published, unusable) = PublishedKeys::new(keys, &self.signing_keys.load());
        self.signing_keys.store(Arc::new(published));
        unusable
    }

    /// How many access tokens it remembers the signature of.
    pub fn remembered_tokens(&self) -> usize {
        self.tokens.len()
    }

    /// How much memory the remembered access tokens take, about, in bytes.
    pub fn remembered_token_bytes(&self) -> u64 {
        self.tokens.bytes()
    }

    pub(crate) fn signing_keys(&self) -> arc_swap::Guard<Arc<PublishedKeys>> {
        self.signing_keys.load()
    }

    pub(crate) const fn tokens(&self) -> &TokenCache {
        &self.tokens
    }

    pub(crate) const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Whether this access token was revoked.
    pub(crate) fn is_revoked(&self, token: TokenId) -> bool {
        self.revoked_tokens.pin().contains_key(&token)
    }

    /// Forgets the sessions that ended before `before`, so that sign-ins do not fill the memory.
    pub fn forget_sessions(&self, before: UnixMillis) {
        let entries = self.entries.pin();
        let ended = entries.values().filter_map(|entry| match entry.identity {
            Identity::Session(id, _) if entry.expires_at.is_some_and(|end| end < before) => {
                Some(id)
            }
            _ => None,
        });
        for id in ended.collect::<Vec<_>>() {
            self.remove_session(id);
        }
    }

    fn account(&self, id: AccountId) -> Arc<AccountCell> {
        let accounts = self.accounts.pin();
        Arc::clone(accounts.get_or_insert_with(id, || Arc::new(AccountCell::inactive(id))))
    }

    fn client_floor(&self, id: ClientId) -> Arc<AtomicI64> {
        let floors = self.client_floors.pin();
        Arc::clone(floors.get_or_insert_with(id, Arc::default))
    }

    fn replace(&self, owner: Owner, fresh: Vec<(Lookup, Entry)>) {
        let entries = self.entries.pin();
        let by_owner = self.owned.pin();
        let lookups: Box<[Lookup]> = fresh.iter().map(|(lookup, _)| *lookup).collect();
        for (lookup, entry) in fresh {
            entries.insert(lookup, Arc::new(entry));
        }
        let before = if lookups.is_empty() {
            by_owner.remove(&owner)
        } else {
            // The value before is read first: insert gives it back only by reference.
            let before = by_owner.get(&owner);
            if before.is_none_or(|before| *before != lookups) {
                by_owner.insert(owner, lookups.clone());
            }
            before
        };
        let gone = before
            .into_iter()
            .flatten()
            .filter(|lookup| !lookups.contains(lookup));
        for lookup in gone {
            entries.remove(lookup);
        }
    }
}
