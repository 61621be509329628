//! A token whose signature is good, and the credential that it is while its client stays the same.

use std::sync::Arc;

use claviger_model::clients;
use claviger_model::scopes::ScopeName;
use claviger_model::tokens::{Audience, Claims};
use claviger_model::{Reason, UnixMillis};

use super::keys::PublishedKey;
use crate::apis::Apis;
use crate::entries::{ClientEntry, Entry, EntryState, Grant, Identity};
use crate::index::Index;

/// How far the clock of the node that issued a token may be ahead of ours. A token's end has no
/// such leeway.
const CLOCK_LEEWAY_MILLIS: i64 = 5_000;
/// What a token takes in memory apart from its texts: itself, its credential, its place among the
/// others.
const BYTES_FIXED: usize = 400;
/// What a text takes beside its bytes.
const BYTES_OF_TEXT: usize = 32;

/// What is remembered of a token: all that its uses ask about.
#[derive(Debug)]
pub(crate) struct VerifiedToken {
    /// Who signed it.
    pub(crate) key: Arc<PublishedKey>,
    /// What it is for.
    pub(crate) audiences: Audiences,
    /// From when it is valid, for clocks that differ.
    pub(crate) not_before: UnixMillis,
    /// At which epoch it was issued.
    pub(crate) epoch: i64,
    /// The client, as it was when the credential was made.
    pub(crate) client: Arc<ClientEntry>,
    /// The credential that the token is.
    pub(crate) entry: Arc<Entry>,
    /// How much memory it takes, about. Never changes.
    pub(crate) bytes: u64,
}

/// What a token is for. One text that an API has too is shared with it.
#[derive(Clone, Debug)]
pub(crate) enum Audiences {
    One(Arc<str>),
    Several(Arc<[Arc<str>]>),
}

impl VerifiedToken {
    /// The token that says `claims`; none when they contradict themselves or name a client that is
    /// not there.
    pub(crate) fn new(claims: &Claims, key: Arc<PublishedKey>, index: &Index) -> Option<Self> {
        let client = index.client(claims.client_id)?;
        let is_consistent = claims.azp == claims.client_id
            && claims.sub == clients::subject(claims.client_id)
            && claims.account == client.account.id()
            && claims.env == client.environment;
        if !is_consistent {
            return None;
        }
        let names = scope_names(&claims.scope)?;
        let begins = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        let entry = Entry {
            identity: Identity::Token(claims.jti, claims.client_id, claims.secret),
            environment: Some(claims.env),
            grant: if claims.all_scopes {
                Grant::All
            } else {
                Grant::Named(index.scopes().lookup(&names))
            },
            expires_at: Some(millis(claims.exp)?),
            ..Entry::powerless()
        };
        let entry = of_client(entry, &client);
        Some(Self {
            key,
            bytes: bytes(&claims.aud, &entry),
            audiences: Audiences::new(&claims.aud, &index.apis()),
            not_before: millis(begins)?.plus_millis(-CLOCK_LEEWAY_MILLIS),
            epoch: claims.epoch,
            client,
            entry: Arc::new(entry),
        })
    }

    /// Whether the client and the numbers of its scopes are still what `index` has.
    pub(crate) fn is_current(&self, index: &Index) -> bool {
        self.client.is_current()
            && match &self.entry.grant {
                Grant::Named(set) => index.scopes().is_current(set),
                Grant::All | Grant::Patterns(_) => true,
            }
    }

    /// The same token with its client as `index` has it; none when the client is not there.
    pub(crate) fn renewed(&self, index: &Index) -> Option<Self> {
        let client = index.client(self.client.id)?;
        let before = &self.entry;
        let entry = Entry {
            identity: before.identity,
            environment: before.environment,
            grant: match &before.grant {
                Grant::Named(set) => Grant::Named(index.scopes().lookup(&set.names)),
                other => other.clone(),
            },
            expires_at: before.expires_at,
            ..Entry::powerless()
        };
        Some(Self {
            key: Arc::clone(&self.key),
            audiences: self.audiences.clone(),
            entry: Arc::new(of_client(entry, &client)),
            client,
            ..*self
        })
    }
}

/// A token's entry with what its client says of it.
fn of_client(entry: Entry, client: &Arc<ClientEntry>) -> Entry {
    let is_honoured = |secret| client.honours(secret);
    Entry {
        account: Some(Arc::clone(&client.account)),
        name: Arc::clone(&client.name),
        state: match client.state {
            EntryState::Active if !entry.identity.secret_id().is_some_and(is_honoured) => {
                EntryState::Refused(Reason::Revoked)
            }
            state => state,
        },
        client: Some(Arc::clone(client)),
        ..entry
    }
}

impl Audiences {
    fn new(claimed: &Audience, apis: &Apis) -> Self {
        let shared = |text: &String| {
            let api = apis.by_audience(text);
            api.map_or_else(|| text.as_str().into(), |api| Arc::clone(&api.audience))
        };
        match claimed {
            Audience::One(text) => Self::One(shared(text)),
            Audience::Several(texts) => Self::Several(texts.iter().map(shared).collect()),
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Arc<str>] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }

    /// Whether `audience` is among them.
    pub(crate) fn contain(&self, audience: &str) -> bool {
        self.all().iter().any(|own| **own == *audience)
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

fn bytes(audience: &Audience, entry: &Entry) -> u64 {
    let text = |text: &str| text.len() + BYTES_OF_TEXT;
    let scopes = match &entry.grant {
        Grant::Named(set) => {
            let names = set.names.iter().map(|name| text(name.as_str()));
            names.sum::<usize>() + set.bits.bytes()
        }
        Grant::All | Grant::Patterns(_) => 0,
    };
    let audiences: usize = audience.all().iter().map(|audience| text(audience)).sum();
    u64::try_from(BYTES_FIXED + scopes + audiences).unwrap_or(u64::MAX)
}
