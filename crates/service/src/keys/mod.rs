//! API keys: issue, list, show, edit, revoke.

mod edit;
mod issue;
mod list;
mod rate;
mod revoke;
mod unused;

use claviger_model::credentials::KeySecret;
use claviger_model::ids::{AccountId, KeyId};
use claviger_model::keys::{ApiKey, KeyState};
use claviger_store::{Conn, keys};
use serde_json::{Value, json};

pub use edit::edit;
pub use issue::{IssueInput, Issued, issue};
pub use list::{KeyCounts, KeyPage, ListFilter, Listed, counts, find as find_by_text, list, show};
pub use revoke::revoke;
pub(crate) use unused::UnusedCounts;
pub use unused::{UNUSED_MILLIS, count_unused};

use crate::error::Error;

/// A key with what is public of its secrets.
#[derive(Clone, Debug)]
pub struct KeyWithSecrets {
    /// The key.
    pub key: ApiKey,
    /// Its secrets, the oldest first.
    pub secrets: Vec<KeySecret>,
}

impl KeyWithSecrets {
    /// The last four characters of the newest secret.
    pub fn hint(&self) -> &str {
        self.secrets.last().map_or("", |secret| &secret.stored.hint)
    }
}

/// A key of the account; another account's is as unknown as one that never was.
async fn find(conn: &mut Conn, account_id: AccountId, id: KeyId) -> Result<KeyWithSecrets, Error> {
    let found = keys::get(conn, Some(account_id), id).await?;
    let key = found.ok_or_else(|| Error::not_found("key"))?;
    let secrets = keys::secrets(conn, id).await?;
    Ok(KeyWithSecrets { key, secrets })
}

/// The members of a key that an audit event tells of.
pub(crate) fn audited(key: &ApiKey) -> Value {
    let settings = &key.settings;
    let networks: Vec<String> = settings
        .allowed_ips
        .iter()
        .map(ToString::to_string)
        .collect();
    json!({
        "name": settings.name,
        "description": settings.description,
        "environment": key.environment,
        "scopes": settings.scopes,
        "expires_at": settings.expires_at,
        "allowed_ips": networks,
        "rate_limit": settings.rate_limit,
        "rate_limit_ceiling": key.rate_ceiling,
        "state": match key.state {
            KeyState::Active => "active",
            KeyState::Inactive { .. } => "inactive",
            KeyState::Revoked { .. } => "revoked",
        },
    })
}

/// Of two audited forms, the members that differ.
pub(crate) fn difference(before: &Value, after: &Value) -> (Option<Value>, Option<Value>) {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return (None, None);
    };
    let differs = |name: &&String| before.get(*name) != after.get(*name);
    let pick = |of: &serde_json::Map<String, Value>| {
        let names = after.keys().filter(differs);
        let members = names.map(|name| (name.clone(), of.get(name).cloned().unwrap_or_default()));
        Value::Object(members.collect())
    };
    (Some(pick(before)), Some(pick(after)))
}
