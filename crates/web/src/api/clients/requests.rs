//! The shapes of a client and its secrets in requests.

use claviger_model::Environment;
use claviger_model::clients::{AppDraft, ClientDraft, ClientKind};
use claviger_service::clients::{CreateInput, EditInput, SecretInput};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::scopes::ScopesBody;
use super::shapes::Within;
use crate::api::present;
use crate::error::Failure;

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
    /// How it obtains tokens: `client_credentials` is the only one of a machine client; of an app
    /// `authorization_code` and `refresh_token` when absent.
    grant_types: Option<Vec<String>>,
    /// `client_secret_basic`, `client_secret_post`, `private_key_jwt` or `none`; each way with a
    /// secret when absent.
    token_endpoint_auth_method: Option<String>,
    /// How long its tokens live, in seconds.
    token_lifetime_seconds: Option<u32>,
    /// Tokens a day in UTC.
    tokens_per_day: Option<u32>,
    /// `enforce` or `observe`.
    quota_mode: Option<String>,
    /// Of apps: where browsers may be sent with a code. They match as exact strings; only the port
    /// of `http://127.0.0.1` and `http://[::1]` is free.
    redirect_uris: Option<Vec<String>>,
    /// Of apps: whether it can keep no secret, because it runs where its users can read it.
    public: Option<bool>,
    /// Of apps: its home page.
    client_uri: Option<String>,
    /// Of apps: its logo.
    logo_uri: Option<String>,
    /// Of apps: what it does with data.
    policy_uri: Option<String>,
    /// Of apps: its terms.
    tos_uri: Option<String>,
    /// For `private_key_jwt`: the public keys (RFC 7517).
    #[schema(value_type = Option<Object>)]
    jwks: Option<Value>,
    /// For `private_key_jwt`, instead of `jwks`: where they are.
    jwks_uri: Option<String>,
    /// Of apps: whether it has to send a code challenge; `false` is an operator's to allow.
    require_pkce: Option<bool>,
    /// Of apps: whether its authorization requests have to be pushed.
    require_pushed_authorization_requests: Option<bool>,
    /// Whether its tokens have to be bound to a key.
    dpop_bound_access_tokens: Option<bool>,
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
    /// Of apps: where browsers may be sent with a code, all of them.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>)]
    redirect_uris: Option<Option<Vec<String>>>,
    /// Of apps: `false` makes a public one prove who it is from now on.
    public: Option<bool>,
    /// How it obtains tokens.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>)]
    grant_types: Option<Option<Vec<String>>>,
    /// Of apps: its home page.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    client_uri: Option<Option<String>>,
    /// Of apps: its logo.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    logo_uri: Option<Option<String>>,
    /// Of apps: what it does with data.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    policy_uri: Option<Option<String>>,
    /// Of apps: its terms.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    tos_uri: Option<Option<String>>,
    /// For `private_key_jwt`: the public keys.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    jwks: Option<Option<Value>>,
    /// For `private_key_jwt`: where they are.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    jwks_uri: Option<Option<String>>,
    /// Of apps: whether it has to send a code challenge.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    require_pkce: Option<Option<bool>>,
    /// Of apps: whether its authorization requests have to be pushed.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    require_pushed_authorization_requests: Option<Option<bool>>,
    /// Whether its tokens have to be bound to a key.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    dpop_bound_access_tokens: Option<Option<bool>>,
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

impl NewClient {
    pub(super) fn within(&self) -> Within {
        Within {
            account_id: self.account_id.clone(),
        }
    }

    pub(super) fn input(self) -> Result<CreateInput, Failure> {
        let kind = self.kind.as_deref().map(|kind| {
            ClientKind::parse(kind).ok_or_else(|| Failure::field("kind", "must be machine or app"))
        });
        let draft = ClientDraft {
            kind: kind.transpose()?,
            name: self.name,
            description: self.description.map(Some),
            scopes: self.scopes.map(Into::into),
            api_id: None,
            token_lifetime_seconds: self.token_lifetime_seconds.map(Some),
            tokens_per_day: self.tokens_per_day.map(Some),
            quota_mode: self.quota_mode.map(Some),
            auth_method: self.token_endpoint_auth_method.map(Some),
            app: AppDraft {
                public: self.public,
                redirect_uris: self.redirect_uris.map(Some),
                grant_types: self.grant_types.map(Some),
                client_uri: self.client_uri.map(Some),
                logo_uri: self.logo_uri.map(Some),
                policy_uri: self.policy_uri.map(Some),
                tos_uri: self.tos_uri.map(Some),
                jwks: self.jwks.map(Some),
                jwks_uri: self.jwks_uri.map(Some),
                require_pkce: self.require_pkce.map(Some),
                require_pushed_authorization_requests: self
                    .require_pushed_authorization_requests
                    .map(Some),
                dpop_bound_access_tokens: self.dpop_bound_access_tokens.map(Some),
            },
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
                kind: None,
                name: self.name,
                description: self.description,
                scopes: self.scopes.map(Into::into),
                api_id: None,
                token_lifetime_seconds: self.token_lifetime_seconds,
                tokens_per_day: self.tokens_per_day,
                quota_mode: self.quota_mode,
                auth_method: self.token_endpoint_auth_method,
                app: AppDraft {
                    public: self.public,
                    redirect_uris: self.redirect_uris,
                    grant_types: self.grant_types,
                    client_uri: self.client_uri,
                    logo_uri: self.logo_uri,
                    policy_uri: self.policy_uri,
                    tos_uri: self.tos_uri,
                    jwks: self.jwks,
                    jwks_uri: self.jwks_uri,
                    require_pkce: self.require_pkce,
                    require_pushed_authorization_requests: self
                        .require_pushed_authorization_requests,
                    dpop_bound_access_tokens: self.dpop_bound_access_tokens,
                },
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
