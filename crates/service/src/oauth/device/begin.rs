//! A device asks for authorization (RFC 8628 section 3.1).

use claviger_model::clients::GrantType;
use claviger_model::credentials::StoredSecret;
use claviger_model::devices::{
    DEVICE_CODE_PREFIX, DEVICE_LIFETIME_SECONDS, DeviceAuthorization, DeviceState,
    POLL_INTERVAL_SECONDS, UserCode,
};
use claviger_model::grants::Authorized;
use claviger_model::scopes::ScopeName;
use claviger_model::secret::Plaintext;
use claviger_store::{Tx, devices};

use super::super::scopes::{self, Granted};
use super::super::targets::{self, Target};
use super::super::{Client, ErrorCode, Refusal, TokenRequest};
use crate::app::{App, Effect};
use crate::error::Error;

/// Where users enter the code, below the issuer.
pub const VERIFICATION_PATH: &str = "/device";
/// How often another user code is tried where one is taken.
const ATTEMPTS: usize = 4;

/// What a device asks for.
#[derive(Clone, Default, Debug)]
pub struct DeviceRequest<'a> {
    /// The scopes, with a space between.
    pub scope: Option<&'a str>,
    /// What the token is for: an API's audience or base URL.
    pub audience: Option<&'a str>,
    /// The same by RFC 8707.
    pub resources: Vec<&'a str>,
}

/// What a device gets (RFC 8628 section 3.2).
pub struct DeviceCodes {
    /// With what it polls.
    pub device_code: Plaintext,
    /// What it shows to its user.
    pub user_code: UserCode,
    /// Where the user enters that.
    pub verification_uri: String,
    /// How long both codes live, in seconds.
    pub expires_in: u32,
    /// How long the device waits between polls, in seconds.
    pub interval: u32,
}

/// Begins an authorization.
///
/// # Errors
/// `unauthorized_client`, `invalid_scope`, `invalid_target`; `rate_limited` when too many were
/// begun from one network by apps that prove nothing; `temporarily_unavailable`.
pub async fn begin(
    app: &App,
    client: &Client,
    asked: &DeviceRequest<'_>,
) -> Result<DeviceCodes, Refusal> {
    let begun = begin_for(app, client, asked).await;
    client.note_use(app, begun.as_ref().err().map(Refusal::reason));
    begun
}

async fn begin_for(
    app: &App,
    client: &Client,
    asked: &DeviceRequest<'_>,
) -> Result<DeviceCodes, Refusal> {
    if !client.entry.may_use(GrantType::DeviceCode) {
        return Err(Refusal::because(
            ErrorCode::UnauthorizedClient,
            "This client may not be used on devices: the device grant is not among its grant \
             types.",
        ));
    }
    let authorized = authorized(app, client, asked)?;
    client.take_request(app)?;
    let device_code = app
        .sources()
        .mint(DEVICE_CODE_PREFIX)
        .map_err(Error::from)?;
    for _ in 0..ATTEMPTS {
        let user_code = user_code(app)?;
        let now = app.sources().now();
        let device = DeviceAuthorization {
            stored: StoredSecret::of(&device_code, app.keyring()),
            user_code: user_code.hash_new(app.keyring()),
            client_id: client.entry.id,
            authorized: authorized.clone(),
            state: DeviceState::Pending,
            created_at: now,
            expires_at: now.plus_seconds(DEVICE_LIFETIME_SECONDS.into()),
            version: 1,
        };
        if insert(app, device).await? {
            return Ok(DeviceCodes {
                device_code,
                user_code,
                verification_uri: format!("{}{VERIFICATION_PATH}", app.settings().public_url),
                expires_in: DEVICE_LIFETIME_SECONDS,
                interval: POLL_INTERVAL_SECONDS,
            });
        }
    }
    Err(Refusal::because(
        ErrorCode::TemporarilyUnavailable,
        "Too many devices are being connected at the moment. Try again.",
    ))
}

/// Whether neither code was taken.
async fn insert(app: &App, device: DeviceAuthorization) -> Result<bool, Error> {
    let written = app
        .change(Effect::Grants, move |tx: &mut Tx| {
            let device = device.clone();
            Box::pin(async move { Ok(devices::insert(tx, &device).await?) })
        })
        .await;
    match written {
        Err(error) if error.reason() == claviger_model::Reason::Conflict => Ok(false),
        written => written.map(|()| true),
    }
}

fn user_code(app: &App) -> Result<UserCode, Error> {
    loop {
        if let Some(code) = UserCode::from_random(&*app.sources().key()?) {
            return Ok(code);
        }
    }
}

/// What is asked for, if the client may ask for it: scopes have to be named, as at the
/// authorization endpoint.
fn authorized(
    app: &App,
    client: &Client,
    asked: &DeviceRequest<'_>,
) -> Result<Authorized, Refusal> {
    let request = TokenRequest {
        audience: asked.audience,
        resources: asked.resources.clone(),
        ..TokenRequest::default()
    };
    let target = targets::of(app, &client.entry, &request)?;
    let Target::Apis(apis) = &target else {
        return Err(Refusal::because(
            ErrorCode::InvalidTarget,
            "Apps act at APIs for users, not at the management routes.",
        ));
    };
    let is_named = asked.audience.is_some() || !asked.resources.is_empty();
    let audiences = apis.iter().map(|api| api.audience.to_string());
    Ok(Authorized {
        scopes: names(client, &target, asked.scope)?,
        audiences: audiences.filter(|_| is_named).collect(),
        jkt: None,
    })
}

fn names(client: &Client, target: &Target, asked: Option<&str>) -> Result<Vec<ScopeName>, Refusal> {
    let granted = match asked {
        Some(asked) => scopes::granted(&client.entry, target, Some(asked))?,
        None => Granted::All,
    };
    match granted {
        Granted::Named(names) => Ok(names),
        Granted::All => Err(Refusal::because(
            ErrorCode::InvalidScope,
            "The parameter scope is missing. Name the scopes that the app needs.",
        )),
    }
}
