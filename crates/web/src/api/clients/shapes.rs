//! The shapes of a client and its secrets in requests and answers.

use std::collections::HashMap;
use std::net::IpAddr;

use claviger_model::clients::{
    ClientAuthMethod, ClientDraft, ClientKind, ClientSecret, ClientState, QuotaMode,
};
use claviger_model::ids::{AccountId, ClientId, SecretId};
use claviger_model::secret::Plaintext;
use claviger_model::{Environment, Reason, UnixMillis};
use claviger_service::Caller;
use claviger_service::access::KeyAccess;
use claviger_service::clients::{ClientWithSecrets, CreateInput, EditInput, SecretInput};
use claviger_service::uses::SecretUses;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::scopes::ScopesBody;
use crate::api::{ShownOnce, present};
use crate::error::Failure;

/// The only grant of a machine client (RFC 6749 section 4.4).
const MACHINE_GRANT: &str = "client_credentials";

/// A client. Its first secret is shown once, when it is created, and never again.
#[derive(Serialize, ToSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "the members are named by the contract"
)]
pub struct Client {
    /// Its id.
    #[schema(value_type = String, example = "cli_01jnwz3c8k0000000000000000")]
    pub(crate) id: ClientId,
    /// The same, by the name that the token endpoint has for it.
    #[schema(value_type = String, example = "cli_01jnwz3c8k0000000000000000")]
    client_id: ClientId,
    /// The first secret; only in the answer that creates the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "cs_live_…")]
    client_secret: Option<ShownOnce>,
    /// What people call it.
    #[schema(example = "Nightly import")]
    name: String,
    /// What it is for.
    description: String,
    /// `machine`: it acts for its account.
    #[schema(example = "machine")]
    kind: &'static str,
    /// `live` or `test`: which data its tokens reach.
    #[schema(value_type = String, example = "live")]
    environment: Environment,
    /// What it may do: a list of scopes, or `all`.
    #[schema(value_type = Object, example = json!(["read:people"]))]
    scopes: ScopesBody,
    /// The only API that it may ask tokens for; null for each on which it holds scopes.
    audience: Option<String>,
    /// What it may send as `grant_type`.
    #[schema(value_type = Vec<String>, example = json!(["client_credentials"]))]
    grant_types: [&'static str; 1],
    /// The only way in which it may prove who it is; null for each.
    #[schema(example = "client_secret_basic")]
    token_endpoint_auth_method: Option<&'static str>,
    /// How long its tokens live, in seconds; null for as long as the API's.
    token_lifetime_seconds: Option<u32>,
    /// Tokens a day in UTC; null for as many as the instance gives.
    tokens_per_day: Option<u32>,
    /// `enforce` or `observe`; null for what the instance does.
    quota_mode: Option<&'static str>,
    /// `active` or `deleted`.
    #[schema(example = "active")]
    status: &'static str,
    /// Its secrets, the oldest first.
    pub(crate) secrets: Vec<Secret>,
    /// Whose it is.
    #[schema(value_type = String)]
    account_id: AccountId,
    /// Who made it.
    created_by: String,
    /// When it was made, in Unix milliseconds.
    #[schema(value_type = i64, example = 1_741_564_800_000_i64)]
    created_at: UnixMillis,
    /// When it was deleted, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    deleted_at: Option<UnixMillis>,
}

/// What is public of a client's secret, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientSecret)]
#[expect(
    clippy::struct_field_names,
    reason = "the members are named by the contract"
)]
pub struct Secret {
    /// Its id.
    #[schema(value_type = String, example = "sec_01jnwz3c8k0000000000000000")]
    id: SecretId,
    /// The secret itself; only in the answer that adds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "cs_live_…")]
    client_secret: Option<ShownOnce>,
    /// Its last four characters.
    #[schema(example = "p6q7")]
    hint: String,
    /// What it is for; empty for the first one.
    description: String,
    /// `active`, `expired` or `revoked`.
    #[schema(example = "active")]
    status: &'static str,
    /// When it was made, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
    /// From when it gets no more tokens, in Unix milliseconds; null for never.
    #[schema(value_type = Option<i64>)]
    expires_at: Option<UnixMillis>,
    /// When it was revoked, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    revoked_at: Option<UnixMillis>,
    /// How often it got a token or was taken otherwise.
    used: i64,
    /// When last, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    last_used_at: Option<UnixMillis>,
    /// From which address.
    #[schema(value_type = Option<String>)]
    last_used_ip: Option<IpAddr>,
    /// By which program, as it calls itself.
    last_used_user_agent: Option<String>,
    /// How often it was refused although it was right.
    refused: i64,
    /// When last, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    last_refused_at: Option<UnixMillis>,
    /// From which address.
    #[schema(value_type = Option<String>)]
    last_refused_ip: Option<IpAddr>,
    /// Why.
    last_refused_reason: Option<&'static str>,
}

/// A new client.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// What people call it: 1 to 200 characters.
    #[schema(value_type = String, example = "Nightly import")]
    name: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// `machine` when absent.
    #[schema(example = "machine")]
    kind: Option<String>,
    /// What it may do: a list of scopes, or `all`.
    #[schema(value_type = Object, example = json!(["read:people"]))]
    scopes: Option<ScopesBody>,
    /// The only API that it may ask tokens for; each on which it holds scopes when absent.
    audience: Option<String>,
    /// `live` when absent.
    #[schema(value_type = Option<String>, example = "live")]
    environment: Option<Environment>,
    /// `client_credentials` is the only one of a machine client.
    grant_types: Option<Vec<String>>,
    /// `client_secret_basic` or `client_secret_post`; both when absent.
    token_endpoint_auth_method: Option<String>,
    /// How long its tokens live, in seconds.
    token_lifetime_seconds: Option<u32>,
    /// Tokens a day in UTC.
    tokens_per_day: Option<u32>,
    /// `enforce` or `observe`.
    quota_mode: Option<String>,
    /// Of apps; a machine client has none.
    redirect_uris: Option<Vec<String>>,
    /// Of apps; a machine client has a secret.
    public: Option<bool>,
    /// Of apps; a machine client has no authorization code to protect.
    require_pkce: Option<bool>,
    /// For operators: in which account; the session's when absent.
    account_id: Option<String>,
}

/// A merge patch of a client (RFC 7396): absent members stay, null ones go back to their default.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientPatch {
    /// What people call it.
    name: Option<String>,
    /// What it is for.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// What it may do: a list of scopes, or `all`.
    #[schema(value_type = Object, example = json!(["read:people"]))]
    scopes: Option<ScopesBody>,
    /// The only API that it may ask tokens for.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    audience: Option<Option<String>>,
    /// The only way in which it may prove who it is.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    token_endpoint_auth_method: Option<Option<String>>,
    /// How long its tokens live, in seconds.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    token_lifetime_seconds: Option<Option<u32>>,
    /// Tokens a day in UTC.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    tokens_per_day: Option<Option<u32>>,
    /// `enforce` or `observe`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    quota_mode: Option<Option<String>>,
}

/// A further secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// What it is for.
    description: Option<String>,
    /// From when it gets no more tokens, in Unix milliseconds; never when absent.
    expires_at: Option<i64>,
}

/// Which clients to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ClientQuery {
    /// `active` (when absent): those that were not deleted; `all`: deleted ones too.
    status: Option<String>,
    /// For operators: in which account; the session's when absent.
    account_id: Option<String>,
}

/// In which account to act.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Within {
    /// For operators: the account; the session's when absent.
    account_id: Option<String>,
}

impl Client {
    /// The shape of a client at this moment.
    pub fn of(
        found: ClientWithSecrets,
        audience: Option<String>,
        uses: &HashMap<SecretId, SecretUses>,
        now: UnixMillis,
    ) -> Self {
        let ClientWithSecrets { client, secrets } = found;
        let settings = client.settings;
        let (status, deleted_at) = match client.state {
            ClientState::Active => ("active", None),
            ClientState::Deleted { at, .. } => ("deleted", Some(at)),
        };
        let secret = |secret: ClientSecret| Secret::of(secret, uses, now);
        Self {
            id: client.id,
            client_id: client.id,
            client_secret: None,
            name: settings.name,
            description: settings.description,
            kind: client.kind.as_str(),
            environment: client.environment,
            scopes: settings.scopes.into(),
            audience,
            grant_types: [MACHINE_GRANT],
            token_endpoint_auth_method: settings.auth_method.map(ClientAuthMethod::as_str),
            token_lifetime_seconds: settings.token_lifetime_seconds,
            tokens_per_day: settings.tokens_per_day,
            quota_mode: settings.quota_mode.map(QuotaMode::as_str),
            status,
            secrets: secrets.into_iter().map(secret).collect(),
            account_id: client.account_id,
            created_by: client.created_by,
            created_at: client.created_at,
            deleted_at,
        }
    }

    /// Shows the first secret, in the answer that creates it.
    pub(super) fn show_once(&mut self, plaintext: Option<Plaintext>) {
        self.client_secret = plaintext.map(ShownOnce);
    }
}

impl Secret {
    /// The shape of a secret at this moment.
    pub fn of(secret: ClientSecret, uses: &HashMap<SecretId, SecretUses>, now: UnixMillis) -> Self {
        let status = match secret.revoked_at {
            Some(_) => "revoked",
            None if secret.is_live(now) => "active",
            None => "expired",
        };
        let uses = uses.get(&secret.id).cloned().unwrap_or_default();
        Self {
            id: secret.id,
            client_secret: None,
            hint: secret.stored.hint,
            description: secret.description,
            status,
            created_at: secret.created_at,
            expires_at: secret.expires_at,
            revoked_at: secret.revoked_at,
            used: uses.used,
            last_used_at: uses.last_used_at,
            last_used_ip: uses.last_used_ip,
            last_used_user_agent: uses.last_used_agent,
            refused: uses.refused,
            last_refused_at: uses.last_refused_at,
            last_refused_ip: uses.last_refused_ip,
            last_refused_reason: uses.last_refused_reason.map(Reason::as_str),
        }
    }

    /// Shows the secret itself, in the answer that adds it.
    pub(super) fn show_once(&mut self, plaintext: Option<Plaintext>) {
        self.client_secret = plaintext.map(ShownOnce);
    }
}

impl NewClient {
    pub(super) fn within(&self) -> Within {
        Within {
            account_id: self.account_id.clone(),
        }
    }

    /// Refuses what only apps have, by member.
    pub(super) fn input(self) -> Result<CreateInput, Failure> {
        if self
            .kind
            .as_deref()
            .is_some_and(|kind| ClientKind::parse(kind).is_none())
        {
            let sentence = "must be machine; apps, which act for users, cannot be made yet";
            return Err(Failure::field("kind", sentence));
        }
        let of_apps = [
            (
                "redirect_uris",
                self.redirect_uris.is_some_and(|uris| !uris.is_empty()),
            ),
            ("public", self.public == Some(true)),
            ("require_pkce", self.require_pkce == Some(true)),
        ];
        if let Some((member, _)) = of_apps.into_iter().find(|(_, is_set)| *is_set) {
            return Err(Failure::field(
                member,
                "is for apps; a machine client has none",
            ));
        }
        let grants = self.grant_types.unwrap_or_default();
        if grants.iter().any(|grant| grant != MACHINE_GRANT) {
            let sentence = "must be [\"client_credentials\"], the only grant of a machine client";
            return Err(Failure::field("grant_types", sentence));
        }
        let draft = ClientDraft {
            name: self.name,
            description: self.description.map(Some),
            scopes: self.scopes.map(Into::into),
            api_id: None,
            token_lifetime_seconds: self.token_lifetime_seconds.map(Some),
            tokens_per_day: self.tokens_per_day.map(Some),
            quota_mode: self.quota_mode.map(Some),
            auth_method: self.token_endpoint_auth_method.map(Some),
        };
        Ok(CreateInput {
            draft,
            audience: self.audience,
            environment: self.environment.unwrap_or(Environment::Live),
        })
    }
}

impl ClientPatch {
    pub(super) fn input(self, expected_version: Option<i64>) -> EditInput {
        EditInput {
            draft: ClientDraft {
                name: self.name,
                description: self.description,
                scopes: self.scopes.map(Into::into),
                api_id: None,
                token_lifetime_seconds: self.token_lifetime_seconds,
                tokens_per_day: self.tokens_per_day,
                quota_mode: self.quota_mode,
                auth_method: self.token_endpoint_auth_method,
            },
            audience: self.audience,
            expected_version,
        }
    }
}

impl From<NewSecret> for SecretInput {
    fn from(body: NewSecret) -> Self {
        Self {
            description: body.description,
            expires_at: body.expires_at,
        }
    }
}

impl ClientQuery {
    pub(super) fn within(&self) -> Within {
        Within {
            account_id: self.account_id.clone(),
        }
    }

    pub(super) fn with_deleted(&self) -> Result<bool, Failure> {
        match self.status.as_deref() {
            None | Some("active") => Ok(false),
            Some("all") => Ok(true),
            Some(_) => Err(Failure::field("status", "must be active or all")),
        }
    }
}

impl Within {
    /// The permission to look at clients there.
    pub(crate) fn reading(&self, caller: &Caller) -> Result<KeyAccess, Failure> {
        match self.account()? {
            Some(account) => Ok(caller.key_access_to(account)?),
            None => Ok(caller.client_reading()?),
        }
    }

    /// The permission to change clients there.
    pub(crate) fn writing(&self, caller: &Caller) -> Result<KeyAccess, Failure> {
        match self.account()? {
            Some(account) => Ok(caller.key_access_to(account)?),
            None => Ok(caller.client_writing()?),
        }
    }

    fn account(&self) -> Result<Option<AccountId>, Failure> {
        let account = self.account_id.as_deref().map(|text| {
            text.parse()
                .map_err(|_| Failure::field("account_id", "must be an account's id"))
        });
        account.transpose()
    }
}
