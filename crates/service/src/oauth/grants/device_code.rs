//! `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 section 3.4): a device polls until its
//! user has decided.

use claviger_model::devices::{DeviceAuthorization, Polled};
use claviger_model::keyring::macs_equal;
use claviger_model::tokens::TokenGrant;
use claviger_model::{UnixMillis, secret};
use claviger_store::{Tx, devices};

use super::super::user_tokens::{Authorization, first_tokens};
use super::super::{Client, ErrorCode, IssuedToken, Refusal, TokenRequest};
use crate::app::{App, Effect};
use crate::error::Error;

/// The tokens for a device code, once.
pub(in super::super) async fn issue(
    app: &App,
    client: &Client,
    request: &TokenRequest<'_>,
    device_code: &str,
) -> Result<IssuedToken, Refusal> {
    let device = find(app, device_code).await?;
    let device = device
        .filter(|device| device.client_id == client.entry.id)
        .ok_or_else(unknown)?;
    let now = app.sources().now();
    let grant_id = match device.polled(now) {
        Polled::Approved(grant_id) => grant_id,
        Polled::Pending => return Err(wait(app, &device, now).await),
        Polled::Denied => {
            return Err(Refusal::because(
                ErrorCode::AccessDenied,
                "The user did not allow the app to act.",
            ));
        }
        Polled::Expired => {
            return Err(Refusal::because(
                ErrorCode::ExpiredToken,
                "The device code is over. Ask for a new one and show its user code.",
            ));
        }
        Polled::Used => return Err(used()),
    };
    let before = device.state;
    let authorization = Authorization {
        grant_id,
        authorized: device.authorized.clone(),
        gty: TokenGrant::DeviceCode,
    };
    let spent = device.spend(now).ok_or_else(unknown)?;
    let issued = first_tokens(
        app,
        client,
        request,
        authorization,
        move |tx: &mut Tx, _| {
            let spent = spent.clone();
            Box::pin(async move { Ok(devices::advance(tx, before, &spent).await?) })
        },
    );
    issued.await?.ok_or_else(used)
}

/// The authorization whose device code `text` is, in whatever state.
async fn find(app: &App, text: &str) -> Result<Option<DeviceAuthorization>, Refusal> {
    let Ok(lookup) = secret::parse(text) else {
        return Ok(None);
    };
    let mut reader = app.read().await.map_err(Error::from)?;
    let found = devices::by_lookup(&mut reader, lookup).await;
    Ok(found.map_err(Error::from)?.filter(|device| {
        let stored = &device.stored;
        let hash = app.keyring().hash_secret(stored.pepper_version, text);
        hash.is_some_and(|hash| macs_equal(&hash, &stored.hash))
    }))
}

/// What a device is told whose user has not decided. The poll is counted.
async fn wait(app: &App, device: &DeviceAuthorization, now: UnixMillis) -> Refusal {
    let lookup = device.stored.lookup;
    let polled = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            Box::pin(async move { Ok::<_, Error>(devices::poll(tx, lookup, now).await?) })
        })
        .await;
    match polled {
        Ok(Some(poll)) if poll.is_early => {
            let told = format!(
                "The device polls too fast. Wait {} seconds, and as long before each further poll.",
                poll.interval_seconds
            );
            Refusal::because(ErrorCode::SlowDown, told)
        }
        Ok(Some(_)) => Refusal::because(
            ErrorCode::AuthorizationPending,
            "The user has not decided yet. Poll again after the interval.",
        ),
        Ok(None) => unknown(),
        Err(error) => error.into(),
    }
}

fn used() -> Refusal {
    Refusal::invalid_grant(
        "This device code was used before: it gives tokens once. Use the refresh token, or ask for \
         a new code.",
    )
}

/// Not genuine, or another client's: nobody is told which.
fn unknown() -> Refusal {
    Refusal::invalid_grant(
        "This is no device code for this client. Send the device_code exactly as it was given, \
         from the client that asked for it.",
    )
}
