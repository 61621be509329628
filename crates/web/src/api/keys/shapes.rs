//! The shapes of a key in requests and answers.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use claviger_model::ids::{AccountId, KeyId, SecretId};
use claviger_model::keys::{KeyDraft, KeyState};
use claviger_model::limits::RateLimit;
use claviger_model::scopes::ScopeName;
use claviger_model::secret::Plaintext;
use claviger_model::{Environment, UnixMillis};
use claviger_service::keys::{IssueInput, KeyWithSecrets, ListFilter, Listed};
use claviger_service::uses::SecretUses;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::uses::Uses;
use crate::api::{ShownOnce, present};
use crate::error::Failure;
use crate::extract::Paging;

/// A key. Its secret is shown once, when it is created, and never again.
#[derive(Serialize, ToSchema)]
pub struct ApiKey {
    /// Its id.
    #[schema(value_type = String, example = "key_01jnwz3c8k0000000000000000")]
    pub(super) id: KeyId,
    /// What people call it.
    #[schema(example = "Reporting Script")]
    name: String,
    /// The key itself; only in the answer that creates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "ck_live_…")]
    key: Option<ShownOnce>,
    /// The last four characters of the key.
    #[schema(example = "p6q7")]
    hint: String,
    /// What it may do.
    #[schema(value_type = Vec<String>, example = json!(["read:people"]))]
    scopes: Vec<ScopeName>,
    /// When it was made, in Unix milliseconds.
    #[schema(value_type = i64, example = 1_741_564_800_000_i64)]
    created_at: UnixMillis,
    /// `live` or `test`.
    #[schema(value_type = String, example = "live")]
    environment: Environment,
    /// `active`, `inactive`, `expired` or `revoked`.
    #[schema(example = "active")]
    status: &'static str,
    /// Whether it is switched on.
    active: bool,
    /// What it is for.
    description: String,
    /// From when it does not work, in Unix milliseconds; null for never.
    #[schema(value_type = Option<i64>)]
    expires_at: Option<UnixMillis>,
    /// The networks that may use it; empty for any.
    #[schema(value_type = Vec<String>)]
    allowed_ips: Vec<String>,
    /// How often it may be used; null for no limit of its own.
    #[schema(value_type = Option<RateLimitBody>)]
    rate_limit: Option<RateLimit>,
    /// How often an operator said that it may be used at most, by setting it: its account may only
    /// allow less. Null where none did.
    #[schema(value_type = Option<RateLimitBody>)]
    rate_limit_ceiling: Option<RateLimit>,
    /// Whose it is.
    #[schema(value_type = String)]
    account_id: AccountId,
    /// Who made it.
    created_by: String,
    /// When it was revoked, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    revoked_at: Option<UnixMillis>,
    /// What became of it.
    #[serde(flatten)]
    uses: Uses,
    /// Its secrets, the oldest first.
    secrets: Vec<Secret>,
}

/// What is public of a key's secret.
#[derive(Serialize, ToSchema)]
pub struct Secret {
    /// Its id.
    #[schema(value_type = String)]
    id: SecretId,
    /// Its last four characters.
    hint: String,
    /// When it was made, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
    /// What became of it.
    #[serde(flatten)]
    uses: Uses,
}

/// A new key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What people call it: 1 to 200 characters.
    #[schema(value_type = String, example = "Reporting Script")]
    name: Option<String>,
    /// What it may do: scopes of the instance's APIs.
    #[schema(value_type = Vec<String>, example = json!(["read:people"]))]
    scopes: Option<Vec<String>>,
    /// `live` when absent.
    #[schema(value_type = Option<String>, example = "live")]
    environment: Option<Environment>,
    /// Whether it works from the start; true when absent.
    active: Option<bool>,
    /// From when it does not work, in Unix milliseconds; never when absent.
    expires_at: Option<i64>,
    /// What it is for.
    description: Option<String>,
    /// Addresses and networks that may use it; any when absent.
    allowed_ips: Option<Vec<String>>,
    /// How often it may be used.
    rate_limit: Option<RateLimitBody>,
}

/// A merge patch of a key (RFC 7396): absent members stay, null ones go back to their default.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPatch {
    /// What people call it.
    name: Option<String>,
    /// What it may do.
    scopes: Option<Vec<String>>,
    /// Whether it is switched on.
    active: Option<bool>,
    /// From when it does not work, in Unix milliseconds.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>)]
    expires_at: Option<Option<i64>>,
    /// What it is for.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// Addresses and networks that may use it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>)]
    allowed_ips: Option<Option<Vec<String>>>,
    /// How often it may be used.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<RateLimitBody>)]
    rate_limit: Option<Option<RateLimitBody>>,
}

/// At most `limit` requests in `window_seconds`.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimitBody {
    /// Requests.
    #[schema(minimum = 1)]
    limit: u32,
    /// Seconds, up to a day.
    #[schema(minimum = 1, maximum = 86_400)]
    window_seconds: u32,
}

/// Why a key is revoked.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// For the audit log.
    pub(super) reason: Option<String>,
}

/// Which keys to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct KeyQuery {
    /// `active` (when absent): those that work; `expiring`: those of them that end within 30 days;
    /// `unused`: those of them that were not used for 90 days, or never; `inactive`, `expired`,
    /// `revoked`; `all`.
    status: Option<String>,
    /// Only `live` or `test` ones.
    environment: Option<String>,
    /// How many at most: 1 to 1,000, 100 when absent.
    limit: Option<String>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

/// Where a page of keys ended.
pub(crate) struct Cursor(pub(crate) UnixMillis, pub(crate) KeyId);

impl ApiKey {
    /// The shape of a key at this moment, with its secret right after it was made. `uses` knows
    /// what became of secrets.
    pub fn of(
        found: KeyWithSecrets,
        plaintext: Option<Plaintext>,
        uses: &HashMap<SecretId, SecretUses>,
        now: UnixMillis,
    ) -> Self {
        let hint = found.hint().to_owned();
        let KeyWithSecrets { key, secrets } = found;
        let of_secret = |id: &SecretId| uses.get(id).cloned().unwrap_or_default();
        let of_key = SecretUses::of_all(secrets.iter().filter_map(|one| uses.get(&one.id)));
        let secret = |secret: claviger_model::credentials::KeySecret| Secret {
            uses: of_secret(&secret.id).into(),
            id: secret.id,
            hint: secret.stored.hint,
            created_at: secret.created_at,
        };
        Self {
            id: key.id,
            status: key.status(now).as_str(),
            active: matches!(key.state, KeyState::Active),
            revoked_at: match key.state {
                KeyState::Revoked { at, .. } => Some(at),
                KeyState::Active | KeyState::Inactive { .. } => None,
            },
            name: key.settings.name,
            key: plaintext.map(ShownOnce),
            hint,
            scopes: key.settings.scopes,
            created_at: key.created_at,
            environment: key.environment,
            description: key.settings.description,
            expires_at: key.settings.expires_at,
            allowed_ips: key
                .settings
                .allowed_ips
                .iter()
                .map(ToString::to_string)
                .collect(),
            rate_limit: key.settings.rate_limit,
            rate_limit_ceiling: key.rate_ceiling,
            account_id: key.account_id,
            created_by: key.created_by,
            uses: of_key.into(),
            secrets: secrets.into_iter().map(secret).collect(),
        }
    }
}

impl From<NewKey> for IssueInput {
    fn from(body: NewKey) -> Self {
        let draft = KeyDraft {
            name: body.name,
            description: body.description.map(Some),
            scopes: body.scopes,
            active: body.active,
            expires_at: body.expires_at.map(Some),
            allowed_ips: body.allowed_ips.map(Some),
            rate_limit: body.rate_limit.map(|rate| Some(rate.pair())),
        };
        Self {
            draft,
            environment: body.environment.unwrap_or(Environment::Live),
        }
    }
}

impl From<KeyPatch> for KeyDraft {
    fn from(patch: KeyPatch) -> Self {
        Self {
            name: patch.name,
            description: patch.description,
            scopes: patch.scopes,
            active: patch.active,
            expires_at: patch.expires_at,
            allowed_ips: patch.allowed_ips,
            rate_limit: patch.rate_limit.map(|rate| rate.map(RateLimitBody::pair)),
        }
    }
}

impl RateLimitBody {
    fn pair(self) -> (u32, u32) {
        (self.limit, self.window_seconds)
    }
}

impl KeyQuery {
    pub(super) fn filter(&self) -> Result<ListFilter, Failure> {
        let paging = Paging {
            limit: self.limit.clone(),
            cursor: self.cursor.clone(),
        };
        let listed = Listed::parse(self.status.as_deref().unwrap_or("active"));
        let listed = listed.ok_or_else(|| {
            let words = Listed::ALL.map(Listed::as_str).join(", ");
            Failure::field("status", format!("must be one of {words}"))
        })?;
        let environment = self.environment.as_deref().map(|word| {
            Environment::parse(word)
                .ok_or_else(|| Failure::field("environment", "must be live or test"))
        });
        Ok(ListFilter {
            environment: environment.transpose()?,
            listed,
            after: paging.after::<Cursor>()?.map(|Cursor(at, id)| (at, id)),
            limit: paging.limit()?,
        })
    }

    pub(super) fn next_link(&self, path: &str, cursor: &Cursor, limit: u32) -> String {
        let mut link = format!("<{path}?limit={limit}&cursor={cursor}");
        for (name, value) in [("status", &self.status), ("environment", &self.environment)] {
            if let Some(value) = value {
                link.extend(["&", name, "=", value]);
            }
        }
        link + ">; rel=\"next\""
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.0, self.1)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, id) = text.split_once('.').ok_or(())?;
        Ok(Self(
            UnixMillis(at.parse().map_err(|_| ())?),
            id.parse().map_err(|_| ())?,
        ))
    }
}
