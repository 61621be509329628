//! A user allows an app to act.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::grants::Grant;
use claviger_model::ids::{AccountId, ClientId, GrantId, UserId};
use claviger_model::scopes::ScopeName;
use claviger_model::{Reason, accounts::AccountStatus};
use claviger_store::{Tx, accounts, grants, users};

use super::audited;
use crate::access::Signature;
use crate::app::App;
use crate::error::Error;
use crate::sessions::place;

/// What a user agrees to.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    /// The app.
    pub(crate) client_id: ClientId,
    /// Who agrees.
    pub(crate) user_id: UserId,
    /// Where the app may act.
    pub(crate) account_id: AccountId,
    /// To do what.
    pub(crate) scopes: Vec<ScopeName>,
}

/// Writes consent down: as a new grant, or as more of the one that there is. Whoever calls this has
/// checked that the user may give these scopes away, and has asked the user.
///
/// # Errors
/// `account_inactive` for a suspended account, `permission_required` for a user who is suspended or
/// has no part in it any more.
pub(crate) async fn give(
    tx: &mut Tx,
    app: &App,
    consent: &Consent,
    signature: &Signature,
) -> Result<Grant, Error> {
    let Consent {
        client_id,
        user_id,
        account_id,
        scopes,
    } = consent;
    let now = app.sources().now();
    // Two tabs can agree at the same time, and somebody can end all grants of the user or of the
    // account: what is given after that would go on.
    accounts::lock(tx, *account_id).await?;
    users::lock(tx, *user_id).await?;
    check_giver(tx, *account_id, *user_id).await?;
    let before = grants::live(tx, *client_id, *user_id, *account_id).await?;
    let (grant, action) = match &before {
        Some(grant) if grant.missing(scopes).is_empty() => return Ok(grant.clone()),
        Some(grant) => (grant.clone().extend(scopes, now), Action::GrantExtended),
        None => {
            let grant = Grant {
                id: GrantId::new(now, &app.sources().id()?),
                client_id: *client_id,
                user_id: *user_id,
                account_id: *account_id,
                scopes: scopes.clone(),
                created_at: now,
                consented_at: now,
                ended: None,
                version: 1,
            };
            (grant, Action::GrantCreated)
        }
    };
    if before.is_some() {
        grants::update(tx, &grant).await?;
    } else {
        grants::insert(tx, &grant).await?;
    }
    tx.change(Change::new(ChangeKind::Grant, grant.id));
    let difference = (before.as_ref().map(audited), Some(audited(&grant)));
    let account_id = Some(grant.account_id);
    let event = signature.event(app.sources(), account_id, action, grant.id, difference)?;
    tx.audit(event);
    Ok(grant)
}

/// Refuses consent of somebody who lost the power to give it since it was asked for.
async fn check_giver(tx: &mut Tx, account_id: AccountId, user_id: UserId) -> Result<(), Error> {
    let account = accounts::get(tx, account_id).await?;
    if !account.is_some_and(|account| account.status == AccountStatus::Active) {
        return Err(Error::refused(Reason::AccountInactive));
    }
    let user = users::get(tx, user_id).await?;
    let is_active = user.is_some_and(|user| user.suspended_at.is_none());
    let place = place(tx, account_id, user_id).await?;
    // An operator who entered is no member, and can let nobody act there.
    if !is_active || place.is_none_or(|place| place.role.is_none()) {
        return Err(Error::refused(Reason::PermissionRequired));
    }
    Ok(())
}
