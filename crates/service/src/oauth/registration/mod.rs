//! Apps that register themselves (RFC 7591) and manage their registration (RFC 7592). Nobody has
//! verified what they say of themselves, and the consent page says so.

mod account;
mod request;

use claviger_model::Environment;
use claviger_model::audit::Action;
use claviger_model::clients::{
    Client, ClientAuthMethod, ClientDescription, ClientOrigin, ClientSettings, ClientState,
    HashedToken,
};
use claviger_model::ids::{AccountId, ClientId};
use claviger_model::keyring::macs_equal;
use claviger_model::limits::RateLimit;
use claviger_model::secret::Plaintext;
use claviger_store::{Conn, Tx, clients as rows};
use serde_json::{Map, Value};

pub(crate) use account::of_registered_apps;
pub(crate) use request::described;

use super::{ErrorCode, Refusal, Source};
use crate::access::Signature;
use crate::app::{App, Effect};
use crate::clients::{self, ClientWithSecrets};
use crate::error::Error;

/// What tokens that manage a registration start with.
const TOKEN_PREFIX: &str = "crr_";
/// How the audit log names whoever registers an app.
const ACTOR: &str = "registration";
/// Registrations from one network.
pub(crate) const AT_MOST: RateLimit = RateLimit {
    limit: 30,
    window_seconds: 3_600,
};

/// A registered app, with what is shown of it once.
pub struct Registered {
    /// The app.
    pub client: ClientWithSecrets,
    /// Its secret, when it was just registered and gets one.
    pub secret: Option<Plaintext>,
    /// The token that manages the registration, when it was just registered.
    pub access_token: Option<Plaintext>,
}

/// Registers an app from what it says of itself (RFC 7591 section 3.1).
///
/// # Errors
/// `invalid_redirect_uri`, `invalid_client_metadata`, `rate_limited`. Then nothing was registered.
pub async fn register(
    app: &App,
    members: &Map<String, Value>,
    source: &Source,
) -> Result<Registered, Refusal> {
    let now = app.sources().both();
    if let Err(seconds) = app.registrations().take(source.ip, now.boot_nanos) {
        let told = "Too many apps were registered from this address. Keep the registration that \
                    you have.";
        return Err(Refusal {
            retry_after_seconds: Some(seconds),
            ..Refusal::because(ErrorCode::RateLimited, told)
        });
    }
    let mut described = described(app, members, ClientAuthMethod::Basic)?;
    let access_token = app.sources().mint(TOKEN_PREFIX).map_err(Error::from)?;
    let (pepper_version, hash) = app.keyring().hash_new_secret(access_token.expose());
    described.metadata.origin = ClientOrigin::Registration(HashedToken {
        hash,
        pepper_version,
    });
    let signature = Signature::of(ACTOR, source.ip, source.request_id);
    let (client, secret) = make(app, described, signature).await?;
    Ok(Registered {
        client,
        secret,
        access_token: Some(access_token),
    })
}

/// Makes a client of the account of registered apps.
pub(crate) async fn make(
    app: &App,
    described: ClientDescription,
    signature: Signature,
) -> Result<(ClientWithSecrets, Option<Plaintext>), Error> {
    let now = app.sources().now();
    let client = Client {
        id: ClientId::new(now, &app.sources().id()?),
        // Found, or made, in the transaction.
        account_id: AccountId::new(now, &app.sources().id()?),
        kind: described.kind,
        environment: Environment::Live,
        settings: described.settings,
        ceilings: described.ceilings,
        state: ClientState::Active,
        created_by: signature.actor().to_owned(),
        created_at: now,
        version: 1,
    };
    let (secrets, plaintext) = match clients::first_secret(app, &client)? {
        Some((secret, plaintext)) => (vec![secret], Some(plaintext)),
        None => (Vec::new(), None),
    };
    let fresh = ClientWithSecrets {
        client,
        metadata: described.metadata,
        secrets,
        rotation: None,
    };
    let app_inside = app.clone();
    let made = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let (app, signature) = (app_inside.clone(), signature.clone());
            let mut fresh = fresh.clone();
            Box::pin(async move {
                let account_id = of_registered_apps(tx, &app, &signature).await?;
                fresh.client.account_id = account_id;
                clients::insert(tx, &fresh).await?;
                let told = clients::audited(&fresh.client, &fresh.metadata);
                let changes = (None, Some(told.clone()));
                let (id, action) = (fresh.client.id, Action::ClientCreated);
                let event =
                    signature.event(app.sources(), Some(account_id), action, id, changes)?;
                tx.outbox(&event.action, Some(account_id), told);
                tx.audit(event);
                Ok::<_, Error>(fresh)
            })
        })
        .await?;
    Ok((made, plaintext))
}

/// A registration, for whoever has its token (RFC 7592 section 2.1).
///
/// # Errors
/// `invalid_token`, whether it is the app, the token or their pairing that does not exist.
pub async fn show(
    app: &App,
    client_id: &str,
    token: &str,
    source: &Source,
) -> Result<Registered, Refusal> {
    let client = authorized(app, client_id, token, source).await?;
    Ok(Registered {
        client,
        secret: None,
        access_token: None,
    })
}

/// Replaces what a registered app says of itself (RFC 7592 section 2.2). Secret and token stay.
///
/// # Errors
/// `invalid_token`; `invalid_redirect_uri`, `invalid_client_metadata`. Then nothing was changed.
pub async fn replace(
    app: &App,
    client_id: &str,
    token: &str,
    members: &Map<String, Value>,
    source: &Source,
) -> Result<Registered, Refusal> {
    let found = authorized(app, client_id, token, source).await?;
    if members.get("client_id").and_then(Value::as_str) != Some(client_id) {
        let told = "client_id is required and must be that of the registration.";
        return Err(Refusal::because(ErrorCode::InvalidClientMetadata, told));
    }
    let after = described(app, members, ClientAuthMethod::Basic)?;
    if after.settings.takes_secrets() != found.client.settings.takes_secrets() {
        let told = "token_endpoint_auth_method cannot change between one with a secret and one \
                    without. Register the app anew.";
        return Err(Refusal::because(ErrorCode::InvalidClientMetadata, told));
    }
    let signature = Signature::of(ACTOR, source.ip, source.request_id);
    let (app_inside, id) = (app.clone(), found.client.id);
    let client = app
        .change(Effect::Removes, move |tx: &mut Tx| {
            let (app, signature) = (app_inside.clone(), signature.clone());
            let mut after = after.clone();
            Box::pin(async move {
                rows::lock(tx, id).await?;
                let found = load(tx, id).await?;
                let found = found.ok_or_else(|| Error::not_found("registration"))?;
                after.metadata.origin = found.metadata.origin.clone();
                // What an operator decided about it is not the app's to say.
                after.ceilings = found.client.ceilings;
                after.settings = ClientSettings {
                    name: after.settings.name,
                    auth_method: after.settings.auth_method,
                    ..found.client.settings.clone()
                };
                clients::apply(tx, &app, &signature, found, after).await
            })
        })
        .await?;
    Ok(Registered {
        client,
        secret: None,
        access_token: None,
    })
}

/// Ends a registered app, its secret and all its tokens (RFC 7592 section 2.3).
///
/// # Errors
/// `invalid_token`.
pub async fn delete(
    app: &App,
    client_id: &str,
    token: &str,
    source: &Source,
) -> Result<(), Refusal> {
    let id = authorized(app, client_id, token, source).await?.client.id;
    let signature = Signature::of(ACTOR, source.ip, source.request_id);
    let app_inside = app.clone();
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        Box::pin(async move {
            rows::lock(tx, id).await?;
            let found = load(tx, id).await?;
            let Some(ClientWithSecrets {
                client, metadata, ..
            }) = found
            else {
                return Ok(());
            };
            let old = client.clone();
            let deleted = client.delete(app.sources().now(), signature.actor());
            if deleted.version != old.version {
                rows::update(tx, &deleted).await?;
                let changed = ((&old, &metadata), (&deleted, &metadata));
                clients::announce(tx, &app, &signature, changed, Action::ClientDeleted)?;
            }
            Ok::<_, Error>(())
        })
    })
    .await?;
    Ok(())
}

/// The registration that this token manages.
async fn authorized(
    app: &App,
    client_id: &str,
    token: &str,
    source: &Source,
) -> Result<ClientWithSecrets, Refusal> {
    let found = match client_id.parse::<ClientId>() {
        Ok(id) => {
            let mut reader = app.read().await.map_err(Error::from)?;
            load(&mut reader, id).await?
        }
        Err(_) => None,
    };
    let matches = |found: &ClientWithSecrets| {
        let ClientOrigin::Registration(held) = &found.metadata.origin else {
            return false;
        };
        let hash = app.keyring().hash_secret(held.pepper_version, token);
        hash.is_some_and(|hash| macs_equal(&hash, &held.hash))
    };
    let found = found.filter(|found| !found.client.is_deleted() && matches(found));
    if let Some(found) = found {
        return Ok(found);
    }
    let boot_nanos = app.sources().both().boot_nanos;
    if let Err(seconds) = app.client_failures().count(source.ip, boot_nanos) {
        let told = "Too many wrong tokens came from this address.";
        return Err(Refusal {
            retry_after_seconds: Some(seconds),
            ..Refusal::because(ErrorCode::RateLimited, told)
        });
    }
    Err(Refusal::because(
        ErrorCode::InvalidToken,
        "There is no registration with this client_id and this registration access token.",
    ))
}

async fn load(conn: &mut Conn, id: ClientId) -> Result<Option<ClientWithSecrets>, Error> {
    let Some(client) = rows::get(conn, None, id).await? else {
        return Ok(None);
    };
    Ok(Some(ClientWithSecrets {
        client,
        metadata: rows::metadata(conn, id).await?.unwrap_or_default(),
        secrets: rows::secrets(conn, id).await?,
        rotation: None,
    }))
}
