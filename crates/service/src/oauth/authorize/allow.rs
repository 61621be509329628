//! A user allows what an app asks for, or does not.
//!
//! 1. In one transaction: the user, the account and the role are looked at again, consent is
//!    written down, and the code.
//! 2. The browser is sent back to the app with the code.
//!
//! What a device asks for goes the same way, but that the device's own code takes the place of
//! ours.

use claviger_model::Reason;
use claviger_model::accounts::AccountStatus;
use claviger_model::codes::{AuthorizationCode, CODE_LIFETIME_MILLIS, CODE_PREFIX};
use claviger_model::credentials::StoredSecret;
use claviger_model::devices::DeviceAuthorization;
use claviger_model::grants::{Authorized, Grant};
use claviger_model::ids::{AccountId, UserId};
use claviger_model::roles::Powers;
use claviger_model::scopes::ScopeName;
use claviger_model::secret::Plaintext;
use claviger_store::{Tx, accounts, authorization_codes, devices, grants, users};

use super::error::{RedirectError, answer_uri};
use super::request::AuthorizationRequest;
use crate::access::Signature;
use crate::actor::{Actor, Caller};
use crate::app::{App, Effect};
use crate::error::Error;
use crate::grants::{Consent, give};
use crate::oauth::{ErrorCode, par};
use crate::sessions::place;

/// By what a user agrees.
#[derive(Clone, Debug)]
pub enum Agreement {
    /// By having agreed before to all that is asked.
    Remembered,
    /// On a page that showed these scopes: what the role has come to hold since is not among them.
    Shown(Vec<ScopeName>),
}

/// Gives the app a code for what the user agreed to; the address that the browser goes to. None
/// when there is nothing (any more) that was agreed to and that the user may give.
///
/// # Errors
/// A user who may do nothing any more.
pub async fn allow(
    app: &App,
    request: &AuthorizationRequest,
    caller: &Caller,
    account_id: AccountId,
    agreement: &Agreement,
) -> Result<Option<String>, Error> {
    let code = app.sources().mint(CODE_PREFIX)?;
    let output = Output::Code(StoredSecret::of(&code, app.keyring()));
    let work = Work::new(app, request, caller, (account_id, agreement), output)?;
    Ok(work.run().await?.then(|| location(app, request, &code)))
}

/// Lets a device have what the user agreed to on a page that showed these scopes. False when there
/// is nothing (any more) that the user may give.
///
/// # Errors
/// A user who may do nothing any more; `conflict` when somebody decided on the device before.
pub(in crate::oauth) async fn allow_device(
    app: &App,
    request: &AuthorizationRequest,
    device: &DeviceAuthorization,
    caller: &Caller,
    (account_id, shown): (AccountId, Vec<ScopeName>),
) -> Result<bool, Error> {
    let output = Output::Device(Box::new(device.clone()));
    let agreement = Agreement::Shown(shown);
    let work = Work::new(app, request, caller, (account_id, &agreement), output)?;
    work.run().await
}

/// The user does not allow it: what goes back to the client.
pub fn deny(request: &AuthorizationRequest) -> RedirectError {
    request.refuse(
        ErrorCode::AccessDenied,
        "The user did not allow the app to act.",
    )
}

fn location(app: &App, request: &AuthorizationRequest, code: &Plaintext) -> String {
    let mut pairs = vec![("code", code.expose())];
    let state = request.state.as_deref();
    pairs.extend(state.map(|state| ("state", state)));
    pairs.push(("iss", &app.settings().public_url));
    answer_uri(&request.redirect_uri, &pairs)
}

/// What one transaction does.
#[derive(Clone)]
struct Work {
    app: App,
    request: AuthorizationRequest,
    user_id: UserId,
    account_id: AccountId,
    agreement: Agreement,
    signature: Signature,
    output: Output,
}

/// What comes of consent.
#[derive(Clone)]
enum Output {
    /// A code for the app, of which this is stored.
    Code(StoredSecret),
    /// That the device may fetch its tokens.
    Device(Box<DeviceAuthorization>),
}

impl Work {
    fn new(
        app: &App,
        request: &AuthorizationRequest,
        caller: &Caller,
        (account_id, agreement): (AccountId, &Agreement),
        output: Output,
    ) -> Result<Self, Error> {
        let Actor::User(user) = &caller.actor else {
            return Err(Error::refused(Reason::SessionRequired));
        };
        Ok(Self {
            app: app.clone(),
            request: request.clone(),
            user_id: user.user_id,
            account_id,
            agreement: agreement.clone(),
            signature: caller.signature(),
            output,
        })
    }

    async fn run(self) -> Result<bool, Error> {
        let app = self.app.clone();
        app.change(Effect::Grants, move |tx: &mut Tx| {
            let work = self.clone();
            Box::pin(async move { work.carry_out(tx).await })
        })
        .await
    }

    /// Whether there was something to give.
    async fn carry_out(&self, tx: &mut Tx) -> Result<bool, Error> {
        // Whoever suspends the account or the user, or takes the role away, comes before or after,
        // not in between. Everybody locks in this order.
        accounts::lock(tx, self.account_id).await?;
        users::lock(tx, self.user_id).await?;
        let user = users::get(tx, self.user_id).await?;
        if user.is_none_or(|user| user.suspended_at.is_some()) {
            return Err(Error::refused(Reason::Inactive));
        }
        let account = accounts::get(tx, self.account_id).await?;
        if account.is_none_or(|account| account.status != AccountStatus::Active) {
            return Err(Error::refused(Reason::AccountInactive));
        }
        let place = place(tx, self.account_id, self.user_id).await?;
        // An operator who entered is no member, and can let nobody act there.
        let place = place.filter(|place| place.role.is_some());
        let place = place.ok_or_else(|| Error::refused(Reason::UserLacksAccess))?;
        let Some((scopes, grant)) = self.agreed(tx, &place.powers).await? else {
            return Ok(false);
        };
        self.write(tx, scopes, &grant).await?;
        Ok(true)
    }

    /// Writes what comes of consent; what can be used once is used up by that.
    async fn write(&self, tx: &mut Tx, scopes: Vec<ScopeName>, grant: &Grant) -> Result<(), Error> {
        let authorized = Authorized {
            scopes,
            audiences: self.request.audiences.clone(),
            jkt: self.request.jkt.clone(),
        };
        let is_first = match &self.output {
            Output::Code(stored) => {
                let code = self.code(stored.clone(), authorized, grant);
                authorization_codes::insert(tx, &code).await?;
                match self.request.pushed {
                    Some(lookup) => par::complete(tx, &self.app, lookup).await?,
                    None => true,
                }
            }
            Output::Device(device) => {
                let now = self.app.sources().now();
                let approved = DeviceAuthorization::clone(device);
                let approved = approved.approve(now, grant.id, authorized);
                devices::advance(tx, device.state, &approved).await?
            }
        };
        if is_first {
            return Ok(());
        }
        // Neither the code nor the consent stays.
        Err(Error::conflict(
            "This request was decided on before. Go back to where you began, and begin again.",
        ))
    }

    /// What is given, and the grant that it is given by.
    async fn agreed(
        &self,
        tx: &mut Tx,
        powers: &Powers,
    ) -> Result<Option<(Vec<ScopeName>, Grant)>, Error> {
        let asked = &self.request.scopes;
        let client_id = self.request.client.id;
        match &self.agreement {
            Agreement::Remembered => {
                let grant = grants::live(tx, client_id, self.user_id, self.account_id).await?;
                let grant = grant.filter(|grant| grant.missing(asked).is_empty());
                let is_held = asked.iter().all(|name| powers.scopes.cover(name));
                Ok(grant
                    .filter(|_| is_held)
                    .map(|grant| (asked.clone(), grant)))
            }
            Agreement::Shown(shown) => {
                let may_give =
                    |name: &&ScopeName| shown.contains(name) && powers.scopes.cover(name);
                let scopes: Vec<ScopeName> = asked.iter().filter(may_give).cloned().collect();
                if scopes.is_empty() {
                    return Ok(None);
                }
                let consent = Consent {
                    client_id,
                    user_id: self.user_id,
                    account_id: self.account_id,
                    scopes: scopes.clone(),
                };
                let grant = give(tx, &self.app, &consent, &self.signature).await?;
                Ok(Some((scopes, grant)))
            }
        }
    }

    fn code(
        &self,
        stored: StoredSecret,
        authorized: Authorized,
        grant: &Grant,
    ) -> AuthorizationCode {
        let now = self.app.sources().now();
        AuthorizationCode {
            stored,
            client_id: self.request.client.id,
            grant_id: grant.id,
            redirect_uri: self.request.redirect_uri.clone(),
            is_redirect_uri_named: self.request.is_redirect_uri_named,
            challenge: self.request.challenge.clone(),
            authorized,
            created_at: now,
            expires_at: now.plus_millis(CODE_LIFETIME_MILLIS),
            used: None,
            version: 1,
        }
    }
}
