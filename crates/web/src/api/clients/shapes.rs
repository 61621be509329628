//! The shapes of a client and its secrets in answers, and of what asks for them.

use std::collections::HashMap;

use claviger_model::clients::{
    ClientAuthMethod, ClientCeilings, ClientKeys, ClientKind, ClientOrigin, ClientSecret,
    ClientState, QuotaMode,
};
use claviger_model::ids::{AccountId, ClientId, RequestId, SecretId};
use claviger_model::rotations as model;
use claviger_model::secret::Plaintext;
use claviger_model::{Environment, UnixMillis};
use claviger_service::Caller;
use claviger_service::access::KeyAccess;
use claviger_service::clients::{ClientWithSecrets, RequestFailure};
use claviger_service::tokens::QuotaFacts;
use claviger_service::uses::SecretUses;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::rotations::{Rotation, Verdict};
use super::scopes::ScopesBody;
use crate::api::ShownOnce;
use crate::api::accounts::named_account;
use crate::api::uses::Uses;
use crate::error::Failure;

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
    /// What it calls itself at the OAuth endpoints: its id, or the address of the document that
    /// describes it.
    #[schema(example = "cli_01jnwz3c8k0000000000000000")]
    client_id: String,
    /// The first secret; only in the answer that creates a client which gets secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "cs_live_…")]
    client_secret: Option<ShownOnce>,
    /// What people call it.
    #[schema(example = "Nightly import")]
    name: String,
    /// What it is for.
    description: String,
    /// `machine`: it acts for its account; `app`: for the users who allow it to.
    #[schema(example = "machine")]
    kind: &'static str,
    /// `live` or `test`: which data its tokens reach.
    #[schema(value_type = String, example = "live")]
    environment: Environment,
    /// What it may do, an app: what it may ask users for. A list of scopes, or `all`.
    #[schema(value_type = Object, example = json!(["read:people"]))]
    scopes: ScopesBody,
    /// The only API that it may ask tokens for; null for each on which it holds scopes.
    audience: Option<String>,
    /// What it may send as `grant_type`.
    #[schema(value_type = Vec<String>, example = json!(["client_credentials"]))]
    grant_types: Vec<&'static str>,
    /// The only way in which it may prove who it is; null for each.
    #[schema(example = "client_secret_basic")]
    token_endpoint_auth_method: Option<&'static str>,
    /// Whether it proves nothing: the same as `token_endpoint_auth_method` being `none`.
    public: bool,
    /// Where browsers may be sent with a code.
    #[schema(example = json!(["https://app.example.com/callback"]))]
    redirect_uris: Vec<String>,
    /// Its home page.
    client_uri: Option<String>,
    /// Its logo.
    logo_uri: Option<String>,
    /// What it does with data.
    policy_uri: Option<String>,
    /// Its terms.
    tos_uri: Option<String>,
    /// The public keys that it signs with (RFC 7517).
    #[schema(value_type = Option<Object>)]
    jwks: Option<Value>,
    /// Where they are.
    jwks_uri: Option<String>,
    /// Whether an app has to send a code challenge (RFC 7636); null for a machine client.
    require_pkce: Option<bool>,
    /// Whether its authorization requests have to be pushed (RFC 9126).
    require_pushed_authorization_requests: bool,
    /// Whether its tokens have to be bound to a key (RFC 9449).
    dpop_bound_access_tokens: bool,
    /// `account`: its account made it; `registration`: it registered itself; `document`: it is
    /// described by a document at its `client_id`.
    #[schema(example = "account")]
    origin: &'static str,
    /// How long its tokens live, in seconds; null for as long as the API's.
    token_lifetime_seconds: Option<u32>,
    /// Tokens a day in UTC; null for as many as the instance gives.
    tokens_per_day: Option<u32>,
    /// `enforce` or `observe`; null for what the instance does.
    quota_mode: Option<&'static str>,
    /// What an operator said that it has at most: its account may go below that only.
    ceilings: Ceilings,
    /// The tokens of the day; null without a quota.
    quota: Option<Quota>,
    /// `active` or `deleted`.
    #[schema(example = "active")]
    status: &'static str,
    /// Its secrets, the oldest first.
    pub(crate) secrets: Vec<Secret>,
    /// The rotation that is under way; null without one.
    rotation: Option<Rotation>,
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
    /// What became of its secrets.
    #[serde(flatten)]
    uses: Uses,
}

/// What an operator said that a client has at most: by setting it. Null where none did: then the
/// instance's and the APIs' own values are the most that its account can give.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientCeilings)]
pub struct Ceilings {
    /// How long its tokens live at most, in seconds.
    token_lifetime_seconds: Option<u32>,
    /// How many tokens it gets at most in a day in UTC.
    #[schema(example = 10)]
    tokens_per_day: Option<u32>,
    /// `enforce`: beyond that they are refused. `observe`: they may be counted only.
    quota_mode: Option<&'static str>,
}

/// The tokens that a client gets in a day, and got today.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientQuota)]
pub struct Quota {
    /// How many it gets in a day.
    #[schema(example = 10)]
    limit: u32,
    /// How many it got today; more than the limit where more are only counted.
    #[schema(example = 3)]
    used: i64,
    /// How many are left.
    #[schema(example = 7)]
    remaining: u32,
    /// When the day ends, at midnight in UTC, in Unix milliseconds.
    #[schema(value_type = i64)]
    resets_at: UnixMillis,
    /// `enforce`: more are refused. `observe`: more are only counted.
    #[schema(example = "enforce")]
    mode: &'static str,
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
    /// `active`, `retiring` (a rotation replaces it), `expired` or `revoked`.
    #[schema(example = "active")]
    status: &'static str,
    /// Whether it can go; null when nothing replaces it.
    verdict: Option<Verdict>,
    /// When it was made, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
    /// From when it gets no more tokens, in Unix milliseconds; null for never.
    #[schema(value_type = Option<i64>)]
    expires_at: Option<UnixMillis>,
    /// When it was revoked, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    revoked_at: Option<UnixMillis>,
    /// What became of it.
    #[serde(flatten)]
    uses: Uses,
}

/// An authorization request that ended on an error page.
#[derive(Serialize, ToSchema)]
pub struct AuthorizationFailure {
    /// The request: its id is on the page.
    #[schema(value_type = String)]
    pub(crate) request_id: RequestId,
    /// When, in Unix milliseconds.
    #[schema(value_type = i64)]
    at: UnixMillis,
    /// What was wrong.
    message: String,
}

impl From<RequestFailure> for AuthorizationFailure {
    fn from(failure: RequestFailure) -> Self {
        Self {
            request_id: failure.request_id,
            at: failure.at,
            message: failure.told,
        }
    }
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
    pub(super) account_id: Option<String>,
}

impl From<ClientCeilings> for Ceilings {
    fn from(ceilings: ClientCeilings) -> Self {
        Self {
            token_lifetime_seconds: ceilings.token_lifetime_seconds,
            tokens_per_day: ceilings.tokens_per_day,
            quota_mode: ceilings.quota_mode.map(QuotaMode::as_str),
        }
    }
}

impl Client {
    /// The shape of a client at this moment.
    pub fn of(
        found: ClientWithSecrets,
        audience: Option<String>,
        uses: &HashMap<SecretId, SecretUses>,
        verdicts: &HashMap<SecretId, model::Verdict>,
        now: UnixMillis,
    ) -> Self {
        let rotation = found.rotation_under_way(now).cloned();
        let ClientWithSecrets {
            client,
            metadata,
            secrets,
            ..
        } = found;
        let is_app = client.kind == ClientKind::App;
        let is_public = client.settings.is_public();
        let grants = metadata.grant_types(client.kind).iter();
        let uris = metadata.redirect_uris.iter();
        let (jwks, jwks_uri) = keys(metadata.keys.as_ref());
        let settings = client.settings;
        let (status, deleted_at) = match client.state {
            ClientState::Active => ("active", None),
            ClientState::Deleted { at, .. } => ("deleted", Some(at)),
        };
        let of_all = SecretUses::of_all(secrets.iter().filter_map(|one| uses.get(&one.id)));
        let secret = |secret: ClientSecret| {
            let verdict = verdicts.get(&secret.id).copied().map(Verdict::from);
            Secret::of(secret, uses, now).in_rotation(rotation.as_ref(), verdict)
        };
        Self {
            id: client.id,
            client_id: metadata
                .document_url()
                .map_or_else(|| client.id.to_string(), str::to_owned),
            client_secret: None,
            name: settings.name,
            description: settings.description,
            kind: client.kind.as_str(),
            environment: client.environment,
            scopes: settings.scopes.into(),
            audience,
            grant_types: grants.map(|grant| grant.as_str()).collect(),
            token_endpoint_auth_method: settings.auth_method.map(ClientAuthMethod::as_str),
            public: is_public,
            redirect_uris: uris.map(|uri| uri.as_str().to_owned()).collect(),
            jwks,
            jwks_uri,
            require_pkce: is_app.then_some(metadata.require_pkce),
            require_pushed_authorization_requests: metadata.require_pushed_authorization_requests,
            dpop_bound_access_tokens: metadata.dpop_bound_access_tokens,
            origin: origin(&metadata.origin),
            client_uri: metadata.links.client_uri,
            logo_uri: metadata.links.logo_uri,
            policy_uri: metadata.links.policy_uri,
            tos_uri: metadata.links.tos_uri,
            token_lifetime_seconds: settings.token_lifetime_seconds,
            tokens_per_day: settings.tokens_per_day,
            quota_mode: settings.quota_mode.map(QuotaMode::as_str),
            ceilings: client.ceilings.into(),
            quota: None,
            status,
            secrets: secrets.into_iter().map(secret).collect(),
            rotation: rotation.map(Rotation::from),
            account_id: client.account_id,
            created_by: client.created_by,
            created_at: client.created_at,
            deleted_at,
            uses: of_all.into(),
        }
    }

    /// The same with the tokens of the day.
    #[must_use]
    pub fn with_quota(mut self, facts: Option<QuotaFacts>) -> Self {
        self.quota = facts.map(|facts| Quota {
            limit: facts.limit,
            used: facts.used,
            remaining: facts.remaining(),
            resets_at: facts.resets_at,
            mode: facts.mode.as_str(),
        });
        self
    }

    /// Shows the first secret, in the answer that creates it.
    pub(super) fn show_once(&mut self, plaintext: Option<Plaintext>) {
        self.client_secret = plaintext.map(ShownOnce);
    }
}

fn keys(keys: Option<&ClientKeys>) -> (Option<Value>, Option<String>) {
    match keys {
        Some(ClientKeys::Inline(set)) => (serde_json::from_str(set).ok(), None),
        Some(ClientKeys::At(address)) => (None, Some(address.clone())),
        None => (None, None),
    }
}

fn origin(of: &ClientOrigin) -> &'static str {
    match of {
        ClientOrigin::Account => "account",
        ClientOrigin::Registration(_) => "registration",
        ClientOrigin::Document(_) => "document",
    }
}

impl Secret {
    /// The same where the client's secrets are being rotated.
    fn in_rotation(self, rotation: Option<&model::Rotation>, verdict: Option<Verdict>) -> Self {
        let is_old = rotation.is_some_and(|rotation| rotation.old(self.id).is_some());
        let status = match self.status {
            "active" if is_old => "retiring",
            status => status,
        };
        Self {
            status,
            verdict,
            ..self
        }
    }

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
            verdict: None,
            created_at: secret.created_at,
            expires_at: secret.expires_at,
            revoked_at: secret.revoked_at,
            uses: uses.into(),
        }
    }

    /// Shows the secret itself, in the answer that adds it.
    pub(super) fn show_once(&mut self, plaintext: Option<Plaintext>) {
        self.client_secret = plaintext.map(ShownOnce);
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

    pub(super) fn account(&self) -> Result<Option<AccountId>, Failure> {
        named_account(self.account_id.as_deref())
    }
}
