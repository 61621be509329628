//! The revocation feed: what an offline verifier cannot know, signed.
//!
//! It lists what ended tokens before their time, as long as such tokens could still be unexpired.

use std::collections::BTreeMap;
use std::sync::Arc;

use claviger_model::UnixMillis;
use claviger_model::clients::TOKEN_LIFETIME_SECONDS_MAX;
use claviger_model::ids::{
    AccountId, ClientId, FamilyId, GrantId, SecretId, SigningKeyId, TokenId,
};
use claviger_model::signing_keys::SigningKey;
use claviger_store::{
    Conn, Walk, ledger, revoked_tokens, signing_keys as key_rows, token_ends, token_floors,
};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::app::App;
use crate::error::Error;
use crate::signing_keys::{self, Jwks};

/// The `typ` of the feed.
pub const FEED_TYPE: &str = "revocations+jwt";
/// How long the feed may be kept before it is asked for again, in seconds.
pub const FEED_MAX_AGE_SECONDS: u32 = 10;
/// How long it may be believed when it cannot be had again, in seconds.
const FEED_LIFETIME_SECONDS: i64 = 300;
/// Revoked tokens read at once.
const PAGE: u32 = 5_000;

/// The feed as it was at a moment.
#[derive(Debug)]
pub struct Feed {
    /// The signed JWT.
    pub token: String,
    /// Names its content, weakly: two with the same say the same.
    pub tag: String,
    epoch: i64,
    made_at: UnixMillis,
    /// The published keys then: one that was withdrawn since may have signed it.
    keys: Arc<Jwks>,
}

/// The feed that was made last. Whoever makes the next one holds the lock, so that it is made once.
pub(crate) type FeedCache = Mutex<Option<Arc<Feed>>>;

/// The claims; times in seconds since 1970.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
    exp: i64,
    /// Everything up to this change is in it.
    epoch: i64,
    /// Tokens that were revoked one by one.
    revoked: Vec<Revoked>,
    /// By client or account: tokens with a lower epoch are dead.
    not_before: BTreeMap<String, i64>,
    /// Clients whose tokens are all dead: deleted ones, and apps as long as their account is
    /// suspended.
    clients: Vec<ClientId>,
    /// Secrets whose tokens are all dead.
    secrets: Vec<SecretId>,
    /// Accounts whose tokens are dead as long as they are listed.
    accounts: Vec<AccountId>,
    /// What users allowed apps and is over: tokens with one of these in `grant` are dead.
    grants: Vec<GrantId>,
    /// Tokens with one of these in `family` are dead.
    families: Vec<FamilyId>,
    /// Signing keys that were withdrawn, which a kept JWKS may still have.
    keys: Vec<SigningKeyId>,
}

#[derive(Serialize)]
struct Revoked {
    jti: TokenId,
    exp: i64,
}

/// The feed. It is made at most once in a second, when something changed or it became old.
///
/// # Errors
/// This node does not know what is live, or the store's.
pub async fn feed(app: &App) -> Result<Arc<Feed>, Error> {
    let now = app.sources().both();
    let freshness = app.verifier().freshness();
    if freshness.staleness_millis(now).is_none() {
        return Err(Error::stale());
    }
    let now = now.wall;
    let mut cached = app.feed_cache().lock().await;
    let is_good = |feed: &&Arc<Feed>| {
        feed.is_good(freshness.epoch(), now) && feed.keys.tag == app.signer().jwks().tag
    };
    if let Some(feed) = cached.as_ref().filter(is_good) {
        return Ok(Arc::clone(feed));
    }
    let made = Arc::new(make(app, now).await?);
    *cached = Some(Arc::clone(&made));
    Ok(made)
}

impl Feed {
    fn is_good(&self, epoch: i64, now: UnixMillis) -> bool {
        let age_seconds = now.0 / 1_000 - self.made_at.0 / 1_000;
        let is_current = self.epoch >= epoch && age_seconds < FEED_MAX_AGE_SECONDS.into();
        age_seconds == 0 || (is_current && age_seconds > 0)
    }
}

async fn make(app: &App, now: UnixMillis) -> Result<Feed, Error> {
    // A key that is made now is a change, and must not make this feed an old one.
    let keys = signing_keys::published(app).await?;
    let mut reader = app.read().await?;
    let conn: &mut Conn = &mut reader;
    // The epoch first: what commits meanwhile may be in it already, but nothing is missing.
    let epoch = ledger::epoch(conn).await?;
    let since = now.plus_seconds(-i64::from(TOKEN_LIFETIME_SECONDS_MAX));
    let iat = now.0 / 1_000;
    let claims = Claims {
        iss: &app.settings().public_url,
        iat,
        exp: iat + FEED_LIFETIME_SECONDS,
        epoch,
        revoked: revoked(conn, now).await?,
        not_before: floors(conn).await?,
        clients: dead_clients(conn, since).await?,
        secrets: token_ends::revoked_secrets(conn, since).await?,
        accounts: token_ends::suspended_accounts(conn, since).await?,
        grants: token_ends::ended_grants(conn, since).await?,
        families: token_ends::ended_families(conn, since).await?,
        keys: withdrawn_keys(conn).await?,
    };
    let algorithm = app.settings().tokens.signing_algorithm;
    Ok(Feed {
        token: app.signer().sign(algorithm, &claims, FEED_TYPE, now)?,
        tag: format!("{epoch}-{iat}"),
        epoch,
        made_at: now,
        keys,
    })
}

/// Below which epoch the tokens of a client or an account are dead. What ended those of an account
/// ended those of its apps, whose tokens name the accounts of users.
async fn floors(conn: &mut Conn) -> Result<BTreeMap<String, i64>, Error> {
    let found = token_floors::all(conn).await?.into_iter();
    let found = found.map(|(owner, epoch)| (owner.to_string(), epoch));
    let mut floors: BTreeMap<String, i64> = found.collect();
    for (client, epoch) in token_ends::apps_below_floors(conn).await? {
        let floor = floors.entry(client.to_string()).or_insert(epoch);
        *floor = epoch.max(*floor);
    }
    Ok(floors)
}

async fn dead_clients(conn: &mut Conn, since: UnixMillis) -> Result<Vec<ClientId>, Error> {
    let mut clients = token_ends::deleted_clients(conn, since).await?;
    clients.extend(token_ends::apps_of_suspended_accounts(conn, since).await?);
    Ok(clients)
}

async fn revoked(conn: &mut Conn, now: UnixMillis) -> Result<Vec<Revoked>, Error> {
    let mut found = Vec::new();
    let mut walk = Walk::of("revoked_tokens");
    loop {
        let page = revoked_tokens::live_page(conn, now, walk.after(), PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(found);
        };
        walk.on_to(*last)?;
        found.extend(page.into_iter().map(|(jti, end)| Revoked {
            jti,
            exp: end.0.div_euclid(1_000),
        }));
    }
}

async fn withdrawn_keys(conn: &mut Conn) -> Result<Vec<SigningKeyId>, Error> {
    let (keys, _) = key_rows::all(conn).await?;
    let withdrawn = keys.iter().filter(|key| SigningKey::is_withdrawn(key));
    Ok(withdrawn.map(|key| key.id).collect())
}
