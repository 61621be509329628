//! The public keys of clients that sign: read once, and those at an address fetched again now and
//! then.

use std::convert::Infallible;
use std::sync::Arc;

use claviger_model::UnixMillis;
use claviger_model::clients::ClientKeys;
use claviger_verify::entries::ClientEntry;
use claviger_verify::jose::{KEY_SET_LENGTH_MAX, KeySet, SignedText, hash_text};
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use crate::app::App;
use crate::outbound::{self, FetchLimits};

/// Sets that are remembered.
const REMEMBERED: usize = 2_000;
/// How long a fetched set is kept at most, in seconds, so that a key that is taken away is gone.
const KEPT_SECONDS_MAX: u64 = 300;
/// How long it is kept at least, and how soon an address is asked again, in seconds: also when
/// somebody names a key that is not in the set, which anybody can do.
const KEPT_SECONDS_MIN: u64 = 60;

/// The sets of keys that were read, by a hash of what they are or of their address.
pub(crate) struct KeyCache(Cache<String, Arc<Mutex<Held>>>);

/// A set, as far as it is known.
struct Held {
    set: Option<Arc<KeySet>>,
    /// Until when a fetched set is kept.
    kept_until: UnixMillis,
    /// When its address was asked.
    asked_at: Option<UnixMillis>,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            set: None,
            kept_until: UnixMillis(0),
            asked_at: None,
        }
    }
}

impl KeyCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(REMEMBERED))
    }

    fn held(&self, name: &str) -> Arc<Mutex<Held>> {
        let blank = || Ok::<_, Infallible>(Arc::default());
        match self.0.get_or_insert_with(name, blank) {
            Ok(held) => held,
            Err(never) => match never {},
        }
    }
}

/// Whether a key of `client` signed `text`.
pub(super) async fn has_signed(app: &App, client: &ClientEntry, text: &SignedText<'_>) -> bool {
    let Some(source) = &client.metadata.keys else {
        return false;
    };
    let set = keys(app, source, text).await;
    set.is_some_and(|set| set.has_signed(text))
}

async fn keys(app: &App, source: &ClientKeys, text: &SignedText<'_>) -> Option<Arc<KeySet>> {
    let name = match source {
        ClientKeys::Inline(set) => hash_text(set),
        ClientKeys::At(url) => hash_text(&format!("at {url}")),
    };
    let held = app.client_keys().held(&name);
    // Who comes while somebody else fetches the same set waits for it.
    let mut held = held.lock().await;
    match source {
        ClientKeys::Inline(set) => {
            if held.set.is_none() {
                held.set = KeySet::parse(set).ok().map(Arc::new);
            }
        }
        ClientKeys::At(url) => {
            let now = app.sources().now();
            if held.is_due(text, now) {
                held.ask(app, url, now).await;
            }
        }
    }
    held.set.clone()
}

impl Held {
    /// Whether its address is to be asked: the set is over, or has no key of the name that `text`
    /// gives, and it was not asked just now.
    fn is_due(&self, text: &SignedText<'_>, now: UnixMillis) -> bool {
        let millis = |asked_at| now.since(asked_at).unsigned_abs();
        let was_just_asked = self.asked_at.map(millis);
        if was_just_asked.is_some_and(|millis| millis < KEPT_SECONDS_MIN * 1_000) {
            return false;
        }
        let set = self.set.as_ref().filter(|_| now < self.kept_until);
        !set.is_some_and(|set| set.has_candidate(text))
    }

    /// Asks its address. After a failure the set stays until it is over.
    async fn ask(&mut self, app: &App, url: &str, now: UnixMillis) {
        self.asked_at = Some(now);
        match fetched(app, url).await {
            Ok((set, kept_seconds)) => {
                self.set = Some(Arc::new(set));
                let kept_seconds = kept_seconds.clamp(KEPT_SECONDS_MIN, KEPT_SECONDS_MAX);
                let kept_seconds = i64::try_from(kept_seconds).unwrap_or_default();
                self.kept_until = now.plus_seconds(kept_seconds);
            }
            Err(why) => {
                tracing::warn!(url, why, "the keys of a client cannot be fetched");
                if now >= self.kept_until {
                    self.set = None;
                }
            }
        }
    }
}

/// The set at an address, and for how many seconds it may be kept.
async fn fetched(app: &App, url: &str) -> Result<(KeySet, u64), String> {
    let limits = FetchLimits {
        bytes: KEY_SET_LENGTH_MAX,
        ..FetchLimits::default()
    };
    let found = outbound::fetch(app, url, limits).await;
    let found = found.map_err(|error| error.to_string())?;
    let text = str::from_utf8(&found.body).map_err(|_| "it is no UTF-8".to_owned())?;
    let set = KeySet::parse(text).map_err(|error| format!("it {error}"))?;
    Ok((set, found.max_age_seconds.unwrap_or(KEPT_SECONDS_MAX)))
}
