//! Finding keys by what people have of them: an id, a name, or the whole key.

use claviger_model::Environment;
use claviger_model::ids::{AccountId, KeyId};
use claviger_model::keys::KeyState;
use claviger_service::access::KeyAccess;
use claviger_service::keys::{self, KeyWithSecrets, ListFilter, Listed};
use serde_json::{Value, json};

use crate::decider;
use crate::exit::{Exit, Failure};
use crate::store::{Store, only};

const PAGE: u32 = 200;

/// The keys of the account, the newest first.
pub(super) async fn all(
    store: &Store,
    access: &KeyAccess,
    active_only: bool,
    environment: Option<Environment>,
) -> Result<Vec<KeyWithSecrets>, Failure> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let filter = ListFilter {
            environment,
            listed: if active_only {
                Listed::Active
            } else {
                Listed::All
            },
            after,
            limit: PAGE,
        };
        let page = keys::list(&store.app, access, filter).await?;
        found.extend(page.keys);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

/// The key with this id or exact name. Among several of a name those that were revoked do not
/// count.
pub(super) async fn by_text(
    store: &Store,
    access: &KeyAccess,
    text: &str,
) -> Result<KeyWithSecrets, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(keys::show(&store.app, access, id).await?);
    }
    let mut found = all(store, access, false, None).await?;
    found.retain(|found| found.key.settings.name == text);
    if found.len() > 1 {
        found.retain(|found| !matches!(found.key.state, KeyState::Revoked { .. }));
    }
    let ids: Vec<String> = found.iter().map(|found| found.key.id.to_string()).collect();
    only(found, &ids, "key", text)
}

/// The account and id of the key that this is, in whatever state.
pub(super) async fn by_secret(
    store: &Store,
    credential: &str,
) -> Result<(AccountId, KeyId), Failure> {
    store.load().await?;
    let decision = decider::in_store(store, &json!({ "credential": credential })).await?;
    let text = |pointer: &str| decision.pointer(pointer).and_then(Value::as_str);
    let account_id = text("/account_id").and_then(|id| id.parse().ok());
    let key_id = text("/credential/id").and_then(|id| id.parse().ok());
    account_id.zip(key_id).ok_or_else(|| {
        Failure::new(Exit::NotFound, "this is no key of this system")
            .hint("send the whole key, as it was shown when it was made")
    })
}
