//! A token whose signature is good, and the credential that it is while its client stays the same.

use std::sync::Arc;

use arc_swap::ArcSwap;
use claviger_model::ids::{ClientId, SecretId, TokenId};
use claviger_model::scopes::ScopeName;
use claviger_model::tokens::{Audience, Claims};
use claviger_model::{Environment, Reason, UnixMillis, clients};

use super::keys::PublishedKey;
use crate::entries::{ClientEntry, Entry, EntryState, Grant, Identity};
use crate::index::Index;

/// How far the clock of the node that issued a token may be ahead of ours. A token's end has no
/// such leeway.
const CLOCK_LEEWAY_MILLIS: i64 = 5_000;
/// What a token takes in memory apart from its texts: itself, its credential, its place among the
/// others.
const BYTES_FIXED: usize = 560;
/// What a text takes beside its bytes.
const BYTES_OF_TEXT: usize = 32;

/// What is remembered of a token: all that its uses ask about.
#[derive(Debug)]
pub(crate) struct VerifiedToken {
    /// Who signed it.
    pub(crate) key: Arc<PublishedKey>,
    /// What it is for.
    pub(crate) audience: Audience,
    /// From when it is valid, for clocks that differ.
    pub(crate) not_before: UnixMillis,
    /// How much memory it takes, about. Never changes.
    pub(crate) bytes: u64,
    /// What it was issued for, and to whom.
    pub(crate) issued: Issued,
    binding: ArcSwap<Binding>,
}

/// What a token was issued for, and to whom.
#[derive(Debug)]
pub(crate) struct Issued {
    /// Its id.
    pub(crate) token: TokenId,
    /// At which epoch.
    pub(crate) epoch: i64,
    client: ClientId,
    secret: SecretId,
    environment: Environment,
    expires_at: UnixMillis,
    all_scopes: bool,
}

/// A token and its client as they are at the moment.
#[derive(Debug)]
pub(crate) struct Binding {
    /// The client.
    pub(crate) client: Arc<ClientEntry>,
    /// The credential that the token is.
    pub(crate) entry: Arc<Entry>,
    /// How many scopes had a number when some of the token's own had none.
    incomplete_at: Option<usize>,
}

impl VerifiedToken {
    /// The token that says `claims`; none when they contradict themselves or name a client that is
    /// not there.
    pub(crate) fn new(claims: Claims, key: Arc<PublishedKey>, index: &Index) -> Option<Self> {
        let client = index.client(claims.client_id)?;
        let is_consistent = claims.azp == claims.client_id
            && claims.sub == clients::subject(claims.client_id)
            && claims.account == client.account.id()
            && claims.env == client.environment;
        if !is_consistent {
            return None;
        }
        let names = scope_names(&claims.scope)?;
        let issued = Issued {
            token: claims.jti,
            epoch: claims.epoch,
            client: claims.client_id,
            secret: claims.secret,
            environment: claims.env,
            expires_at: millis(claims.exp)?,
            all_scopes: claims.all_scopes,
        };
        let binding = issued.bind(client, &names, index);
        let begins = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        Some(Self {
            key,
            not_before: millis(begins)?.plus_millis(-CLOCK_LEEWAY_MILLIS),
            bytes: bytes(&claims.aud, &binding),
            audience: claims.aud,
            binding: ArcSwap::from_pointee(binding),
            issued,
        })
    }

    /// The token with its client as `index` has it; none when the client is not there any more.
    /// Does not allocate while nothing changed.
    pub(crate) fn binding(&self, index: &Index) -> Option<Arc<Binding>> {
        let binding = self.binding.load_full();
        let is_complete = binding
            .incomplete_at
            .is_none_or(|known| known == index.scopes().known());
        if binding.client.is_current() && is_complete {
            return Some(binding);
        }
        let client = index.client(self.issued.client)?;
        let fresh = Arc::new(self.issued.bind(client, binding.names(), index));
        self.binding.store(Arc::clone(&fresh));
        Some(fresh)
    }
}

impl Issued {
    fn bind(&self, client: Arc<ClientEntry>, names: &[ScopeName], index: &Index) -> Binding {
        let (set, incomplete_at) = index.scopes().lookup(names);
        let entry = Entry {
            identity: Identity::Token(self.token, self.client, self.secret),
            environment: Some(self.environment),
            account: Some(Arc::clone(&client.account)),
            name: Arc::clone(&client.name),
            grant: if self.all_scopes {
                Grant::All
            } else {
                Grant::Named(set)
            },
            ceiling: Some(client.grant.clone()),
            state: match client.state {
                EntryState::Active if !client.honours(self.secret) => {
                    EntryState::Refused(Reason::Revoked)
                }
                state => state,
            },
            expires_at: Some(self.expires_at),
            ..Entry::powerless()
        };
        Binding {
            client,
            entry: Arc::new(entry),
            incomplete_at,
        }
    }
}

impl Binding {
    /// The scopes that the token lists.
    fn names(&self) -> &[ScopeName] {
        match &self.entry.grant {
            Grant::Named(set) => &set.names,
            Grant::All | Grant::Patterns(_) => &[],
        }
    }
}

/// The names of a `scope` claim (RFC 6749 section 3.3); none when it is no such list.
fn scope_names(scope: &str) -> Option<Vec<ScopeName>> {
    if scope.is_empty() {
        return Some(Vec::new());
    }
    scope
        .split(' ')
        .map(|name| ScopeName::new(name).ok())
        .collect()
}

/// A `NumericDate` (RFC 7519 section 2) as we count time; none beyond the ends of time.
fn millis(seconds: i64) -> Option<UnixMillis> {
    seconds.checked_mul(1_000).map(UnixMillis)
}

fn bytes(audience: &Audience, binding: &Binding) -> u64 {
    let audiences = audience.all().iter().map(String::len);
    let names = binding.names().iter().map(|name| name.as_str().len());
    let texts: usize = audiences.chain(names).map(|len| len + BYTES_OF_TEXT).sum();
    let bits = match &binding.entry.grant {
        Grant::Named(set) => set.bits.bytes(),
        Grant::All | Grant::Patterns(_) => 0,
    };
    u64::try_from(BYTES_FIXED + texts + bits).unwrap_or(u64::MAX)
}
