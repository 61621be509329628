//! The public keys of clients that sign, read once and remembered for a while.

use std::sync::Arc;

use claviger_model::clients::ClientKeys;
use claviger_model::ids::ClientId;
use claviger_verify::entries::ClientEntry;
use claviger_verify::jose::{KeySet, SignedText};
use quick_cache::sync::Cache;

use crate::app::App;

/// Clients whose keys are remembered.
const REMEMBERED: usize = 2_000;

/// The keys of clients that were read.
pub(crate) struct KeyCache(Cache<ClientId, Arc<Held>>);

/// The keys of one client.
struct Held {
    /// Where they come from; other keys when that changes.
    source: ClientKeys,
    set: KeySet,
}

impl KeyCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

/// Whether a key of `client` signed `text`.
pub(super) async fn has_signed(app: &App, client: &ClientEntry, text: &SignedText<'_>) -> bool {
    let Some(source) = &client.metadata.keys else {
        return false;
    };
    held(app, client.id, source).is_some_and(|held| held.set.has_signed(text))
}

fn held(app: &App, client: ClientId, source: &ClientKeys) -> Option<Arc<Held>> {
    let cache = &app.client_keys().0;
    if let Some(held) = cache.get(&client).filter(|held| held.source == *source) {
        return Some(held);
    }
    let ClientKeys::Inline(text) = source else {
        return None;
    };
    let held = Arc::new(Held {
        source: source.clone(),
        set: KeySet::parse(text).ok()?,
    });
    cache.insert(client, Arc::clone(&held));
    Some(held)
}
