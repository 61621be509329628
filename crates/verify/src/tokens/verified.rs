//! A token whose signature is good, and the credential that it is while its client stays the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use claviger_model::ids::FamilyId;
use claviger_model::scopes::ScopeName;
use claviger_model::tokens::{Audience, Claims};
use claviger_model::{Reason, UnixMillis};

use super::families::Families;
use super::keys::PublishedKey;
use crate::apis::Apis;
use crate::entries::{
    ClientEntry, ConsentEntry, Credential, Entry, EntryState, Grant, Identity, TokenIdentity,
};
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
    pub(crate) entry: Credential,
    /// Its place among the tokens of one authorization, when it acts for a user.
    pub(crate) place: Option<FamilyPlace>,
    /// Whether its use was noted in its family.
    is_use_noted: AtomicBool,
    /// The thumbprint of the key that it is bound to.
    pub(crate) jkt: Option<Arc<str>>,
    /// How much memory it takes, about. Never changes.
    pub(crate) bytes: u64,
}

/// The place of an access token among those of one authorization.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FamilyPlace {
    /// The family.
    pub(crate) family: FamilyId,
    /// The generation, counted from 1.
    pub(crate) generation: u32,
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
        let client = index.client(claims.azp)?;
        let (consent, place) = acting(claims, index)?;
        let identity = TokenIdentity {
            id: claims.jti,
            client_id: client.id,
            secret_id: claims.secret,
            user_id: consent.as_ref().map(|consent| consent.user_id),
        };
        let account = consent
            .as_ref()
            .map_or(&client.account, |user| &user.account);
        let is_consistent = *claims.client_id == *client.public_id
            && claims.sub == identity.subject()
            && claims.account == account.id()
            && claims.env == client.environment;
        if !is_consistent {
            return None;
        }
        let names = scope_names(&claims.scope)?;
        let begins = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        let entry = Entry {
            identity: Identity::Token(identity),
            environment: Some(claims.env),
            grant: if claims.all_scopes {
                Grant::All
            } else {
                Grant::Named(index.scopes().lookup(&names))
            },
            expires_at: Some(millis(claims.exp)?),
            ..Entry::powerless()
        };
        let entry = bound(entry, &client, consent);
        let jkt = claims.cnf.as_ref().map(|cnf| cnf.jkt.as_str().into());
        Some(Self {
            key,
            bytes: bytes(&claims.aud, &entry),
            audiences: Audiences::new(&claims.aud, &index.apis()),
            not_before: millis(begins)?.plus_millis(-CLOCK_LEEWAY_MILLIS),
            epoch: claims.epoch,
            client,
            entry: Arc::new(entry).into(),
            place,
            is_use_noted: AtomicBool::new(false),
            jkt,
        })
    }

    /// Notes once that it was used.
    pub(crate) fn note_use(&self, families: &Families) {
        if let Some(place) = self.place
            && !self.is_use_noted.swap(true, Ordering::Relaxed)
        {
            families.note_use(place);
        }
    }

    /// Whether the client, the user's consent and the numbers of its scopes are still what `index`
    /// has.
    pub(crate) fn is_current(&self, index: &Index) -> bool {
        let consent = self.entry.consent();
        self.client.is_current()
            && consent.is_none_or(|consent| consent.is_current())
            && match self.entry.grant() {
                Grant::Named(set) => index.scopes().is_current(set),
                Grant::All | Grant::Patterns(_) => true,
            }
    }

    /// The same token with its client and the user's consent as `index` has them; none when one of
    /// them is not there.
    pub(crate) fn renewed(&self, index: &Index) -> Option<Self> {
        let client = index.client(self.client.id)?;
        let before = &self.entry;
        let consent = match before.consent() {
            Some(consent) => Some(index.consent(consent.id)?),
            None => None,
        };
        let entry = Entry {
            identity: before.identity(),
            environment: before.environment(),
            grant: match before.grant() {
                Grant::Named(set) => Grant::Named(index.scopes().lookup(&set.names)),
                other => other.clone(),
            },
            expires_at: before.expires_at(),
            ..Entry::powerless()
        };
        Some(Self {
            key: Arc::clone(&self.key),
            audiences: self.audiences.clone(),
            entry: Arc::new(bound(entry, &client, consent)).into(),
            client,
            jkt: self.jkt.clone(),
            is_use_noted: AtomicBool::new(false),
            ..*self
        })
    }
}

/// What a user allowed and the place among the tokens of that authorization, of a token that acts
/// for a user; none of both otherwise. No answer when the claims contradict themselves.
fn acting(
    claims: &Claims,
    index: &Index,
) -> Option<(Option<Arc<ConsentEntry>>, Option<FamilyPlace>)> {
    match (claims.grant, claims.family, claims.generation) {
        (None, None, None) => Some((None, None)),
        (Some(grant), Some(family), Some(generation)) if !claims.all_scopes => {
            let consent = index.consent(grant)?;
            let is_own = consent.client_id == claims.azp;
            let place = FamilyPlace { family, generation };
            is_own.then_some((Some(consent), Some(place)))
        }
        _ => None,
    }
}

/// A token's entry with what its client says of it, and the user for whom it acts.
fn bound(entry: Entry, client: &Arc<ClientEntry>, consent: Option<Arc<ConsentEntry>>) -> Entry {
    let secret = entry.identity.secret_id();
    let states = [
        Some(client.state),
        consent.as_ref().map(|consent| consent.state),
    ];
    let refused = states
        .into_iter()
        .flatten()
        .find(|state| *state != EntryState::Active);
    let account = consent
        .as_ref()
        .map_or(&client.account, |user| &user.account);
    Entry {
        account: Some(Arc::clone(account)),
        name: Arc::clone(&client.name),
        state: match refused {
            Some(state) => state,
            None if secret.is_some_and(|secret| !client.honours(secret)) => {
                EntryState::Refused(Reason::Revoked)
            }
            None => EntryState::Active,
        },
        client: Some(Arc::clone(client)),
        consent,
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
