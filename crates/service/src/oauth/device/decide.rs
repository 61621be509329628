//! A user enters the code that a device shows, reads what the device asks for, and decides. Nothing
//! is kept between the steps: each finds the code again.

use std::sync::Arc;

use claviger_model::Reason;
use claviger_model::clients::GrantType;
use claviger_model::devices::{DeviceAuthorization, UserCode};
use claviger_model::ids::{AccountId, UserId};
use claviger_model::scopes::ScopeName;
use claviger_store::{StoreError, Tx, devices};
use claviger_verify::entries::ClientEntry;

use super::super::authorize::{self, AuthorizationRequest, AuthorizeError, Prompt, Step};
use crate::actor::{Actor, Caller};
use crate::app::{App, Effect};
use crate::error::Error;

/// An open request of a device that a user has the code of.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The app on the device.
    pub client: Arc<ClientEntry>,
    device: DeviceAuthorization,
}

/// Where the user wants a device to act.
#[derive(Clone, Copy, Default, Debug)]
pub struct Place {
    /// The account that was chosen.
    pub account: Option<AccountId>,
    /// Whether the user wants to choose again.
    pub is_open: bool,
}

/// Why a code is not gone on with.
#[derive(Debug)]
pub enum CodeError {
    /// There is no such code, or not any more.
    Unknown,
    /// Too many wrong codes; after so many seconds there may be another one.
    TooMany(u32),
    /// Nobody can tell now, or a fault of ours.
    Failed(Error),
}

/// The open request whose code somebody entered.
///
/// # Errors
/// [`CodeError`].
pub async fn find(app: &App, caller: &Caller, entered: &str) -> Result<Asking, CodeError> {
    let user_id = user(caller)?;
    let code = UserCode::entered(entered).ok_or(CodeError::Unknown)?;
    let now = app.sources().both();
    let guess = app.user_code_guesses();
    let guess = guess.begin(user_id, caller.ip, now.wall);
    let guess = guess.map_err(CodeError::TooMany)?;
    let found = by_code(app, &code).await?;
    let device = found.filter(|device| device.is_open(now.wall));
    let device = device.ok_or(CodeError::Unknown)?;
    let entry = app.verifier().index().client(device.client_id);
    let entry = entry.ok_or(CodeError::Unknown)?;
    let client = match app.verifier().find_client(&entry.public_id, now) {
        Ok(client) if client.may_use(GrantType::DeviceCode) => client,
        Err(refusal) if refusal.reason == Reason::Stale => return Err(Error::stale().into()),
        _ => return Err(CodeError::Unknown),
    };
    guess.right();
    Ok(Asking { client, device })
}

/// What the user is asked: the account, or to agree. A device is never let act without being asked
/// about.
///
/// # Errors
/// The store's.
pub async fn next(
    app: &App,
    asking: &Asking,
    caller: &Caller,
    place: Place,
) -> Result<Step, Error> {
    match authorize::next(app, &asking.request(place), Some(caller)).await {
        Ok(step) => Ok(step),
        Err(AuthorizeError::Failed(error)) => Err(error),
        // Nothing is left to read in the request, and nothing forbids to ask.
        Err(AuthorizeError::Page(_) | AuthorizeError::Redirect(_)) => {
            Err(Error::refused(Reason::Internal))
        }
    }
}

/// Lets the device act, in an account and as far as was shown. False when there is nothing (any
/// more) that the user may give.
///
/// # Errors
/// A user who may do nothing any more; `conflict` when somebody decided before.
pub async fn approve(
    app: &App,
    asking: &Asking,
    caller: &Caller,
    decided: (AccountId, Vec<ScopeName>),
) -> Result<bool, Error> {
    let request = asking.request(Place::default());
    authorize::allow_device(app, &request, &asking.device, caller, decided).await
}

/// The user does not let the device act. False when somebody decided before.
///
/// # Errors
/// The store's.
pub async fn deny(app: &App, asking: &Asking) -> Result<bool, Error> {
    let before = asking.device.state;
    let denied = asking.device.clone().deny(app.sources().now());
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let denied = denied.clone();
        Box::pin(async move { Ok::<_, Error>(devices::advance(tx, before, &denied).await?) })
    })
    .await
}

impl Asking {
    /// The same question as an app asks by a browser, but that the answer goes nowhere.
    fn request(&self, place: Place) -> AuthorizationRequest {
        let authorized = self.device.authorized.clone();
        AuthorizationRequest {
            client: Arc::clone(&self.client),
            redirect_uri: String::new(),
            is_redirect_uri_named: false,
            scopes: authorized.scopes,
            audiences: authorized.audiences,
            challenge: None,
            state: None,
            prompt: Prompt {
                consent: true,
                select_account: place.is_open,
                ..Prompt::default()
            },
            login_hint: None,
            account: place.account,
            jkt: None,
            pushed: None,
        }
    }
}

async fn by_code(app: &App, code: &UserCode) -> Result<Option<DeviceAuthorization>, StoreError> {
    let mut reader = app.read().await?;
    for stored in code.hashes(app.keyring()) {
        let found = devices::by_user_code(&mut reader, &stored.hash).await?;
        if let Some(found) = found.filter(|found| found.user_code == stored) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn user(caller: &Caller) -> Result<UserId, Error> {
    match &caller.actor {
        Actor::User(user) => Ok(user.user_id),
        _ => Err(Error::refused(Reason::SessionRequired)),
    }
}

impl From<Error> for CodeError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for CodeError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
