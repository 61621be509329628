//! Clients: create, list, show, edit, delete; further secrets, and the end of single ones.

mod connected;
mod create;
mod delete;
mod edit;
mod failures;
mod list;
mod over_quota;
pub mod rotations;
mod rules;
mod secrets;

use claviger_model::UnixMillis;
use claviger_model::clients::{
    Client, ClientAuthMethod, ClientDescription, ClientKeys, ClientKind, ClientMetadata,
    ClientScopes, ClientSecret, ClientState, QuotaMode,
};
use claviger_model::ids::{AccountId, ApiId, ClientId};
use claviger_model::rotations::Rotation;
use claviger_store::{Conn, clients, rotations as rotations_table};
use serde_json::{Value, json};

pub use claviger_store::authorization_failures::AuthorizationFailure as RequestFailure;
pub use connected::connected_users;
pub use create::{CreateInput, Created, create};
pub(crate) use create::{first_secret, insert};
pub use delete::delete;
pub use edit::{EditInput, edit};
pub(crate) use edit::{announce, apply};
pub use failures::{authorization_failures, failure_of_request};
pub use list::{ClientPage, ListFilter, find_by_text, list, show};
pub use over_quota::{UsedUp, over_quota};
pub(crate) use rules::check_offers;
pub use secrets::{Added, SecretInput, add_secret, revoke_secret};

use crate::app::App;
use crate::error::Error;

/// A client with all that it is and what is public of its secrets.
#[derive(Clone, Debug)]
pub struct ClientWithSecrets {
    /// The client.
    pub client: Client,
    /// What it is beside its settings.
    pub metadata: ClientMetadata,
    /// Its secrets, the oldest first; revoked and expired ones too.
    pub secrets: Vec<ClientSecret>,
    /// The latest rotation, which may be over.
    pub rotation: Option<Rotation>,
}

impl ClientWithSecrets {
    /// The rotation that is under way: one of its older secrets still gets tokens.
    pub fn rotation_under_way(&self, now: UnixMillis) -> Option<&Rotation> {
        let rotation = self.rotation.as_ref()?;
        rotation
            .is_under_way(&self.secrets, now)
            .then_some(rotation)
    }

    /// What it is, for a change.
    pub(crate) fn description(&self) -> ClientDescription {
        ClientDescription {
            kind: self.client.kind,
            settings: self.client.settings.clone(),
            ceilings: self.client.ceilings,
            metadata: self.metadata.clone(),
        }
    }
}

/// A client of the account; another account's is as unknown as one that never was.
async fn find(
    conn: &mut Conn,
    account_id: AccountId,
    id: ClientId,
) -> Result<ClientWithSecrets, Error> {
    let found = clients::get(conn, Some(account_id), id).await?;
    let client = found.ok_or_else(|| Error::not_found("client"))?;
    Ok(ClientWithSecrets {
        client,
        metadata: clients::metadata(conn, id).await?.unwrap_or_default(),
        secrets: clients::secrets(conn, id).await?,
        rotation: rotations_table::get(conn, id).await?,
    })
}

/// The API that a request names by its audience.
fn api_of(app: &App, audience: &str) -> Result<ApiId, Error> {
    let index = app.verifier().index();
    let apis = index.apis();
    let api = apis.by_audience(audience);
    api.map(|api| api.id)
        .ok_or_else(|| Error::invalid("audience", "is the audience of no API of this instance"))
}

/// The audience of the only API that a client may ask tokens for, for showing.
pub fn audience_of(app: &App, client: &Client) -> Option<String> {
    let id = client.settings.api_id?;
    let index = app.verifier().index();
    let apis = index.apis();
    let api = apis.all().iter().find(|api| api.id == id)?;
    Some(api.audience.to_string())
}

/// The members of a client that an audit event tells of.
pub(crate) fn audited(client: &Client, metadata: &ClientMetadata) -> Value {
    let settings = &client.settings;
    let mut members = json!({
        "name": settings.name,
        "description": settings.description,
        "kind": client.kind.as_str(),
        "environment": client.environment,
        "scopes": match &settings.scopes {
            ClientScopes::All => json!("all"),
            ClientScopes::Named(names) => json!(names),
        },
        "api_id": settings.api_id,
        "token_lifetime_seconds": settings.token_lifetime_seconds,
        "tokens_per_day": settings.tokens_per_day,
        "quota_mode": settings.quota_mode.map(QuotaMode::as_str),
        "ceilings": {
            "token_lifetime_seconds": client.ceilings.token_lifetime_seconds,
            "tokens_per_day": client.ceilings.tokens_per_day,
            "quota_mode": client.ceilings.quota_mode.map(QuotaMode::as_str),
        },
        "token_endpoint_auth_method": settings.auth_method.map(ClientAuthMethod::as_str),
        "state": match client.state {
            ClientState::Active => "active",
            ClientState::Deleted { .. } => "deleted",
        },
    });
    if metadata.is_kept(client.kind) {
        let links = &metadata.links;
        let (jwks, jwks_uri) = match &metadata.keys {
            Some(ClientKeys::Inline(set)) => (Some(set), None),
            Some(ClientKeys::At(address)) => (None, Some(address)),
            None => (None, None),
        };
        let more = json!({
            "redirect_uris": metadata.redirect_uris,
            "grant_types": metadata.grant_types(client.kind),
            "client_uri": links.client_uri,
            "logo_uri": links.logo_uri,
            "policy_uri": links.policy_uri,
            "tos_uri": links.tos_uri,
            "jwks": jwks,
            "jwks_uri": jwks_uri,
            "require_pkce": (client.kind == ClientKind::App).then_some(metadata.require_pkce),
            "require_pushed_authorization_requests":
                metadata.require_pushed_authorization_requests,
            "dpop_bound_access_tokens": metadata.dpop_bound_access_tokens,
        });
        if let (Some(members), Value::Object(more)) = (members.as_object_mut(), more) {
            members.extend(more);
        }
    }
    members
}

/// The members of a secret that an audit event tells of.
fn audited_secret(secret: &ClientSecret) -> Value {
    json!({
        "secret_id": secret.id,
        "hint": secret.stored.hint,
        "description": secret.description,
        "expires_at": secret.expires_at,
        "revoked_at": secret.revoked_at,
    })
}
