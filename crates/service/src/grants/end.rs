//! Ending grants one by one. When this returns, no node accepts a token of them any more.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::grants::{Grant, GrantEnd};
use claviger_model::ids::{ClientId, GrantId};
use claviger_store::grants::{Filter, Whose};
use claviger_store::{Tx, accounts, grants, users};

use super::audited;
use crate::access::{GrantAccess, Signature};
use crate::app::{App, Effect};
use crate::error::Error;
use crate::keys::difference;

/// Apps of one user of which all grants are read at once: one in each account.
const PAGE: u32 = 200;

/// Disconnects an app; a second time changes nothing and succeeds too.
///
/// # Errors
/// An unknown grant; one that the caller may not end is as unknown as one that never was.
pub async fn end(app: &App, access: &GrantAccess, id: GrantId) -> Result<(), Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            let found = grants::get(tx, id).await?;
            if !found.is_some_and(|grant| access.reaches(&grant)) {
                return Err(Error::not_found("grant"));
            }
            end_in(tx, &app, id, GrantEnd::Disconnected, access.signature()).await?;
            Ok(())
        })
    })
    .await
}

/// Disconnects an app from everything that the caller allowed it, in every account; a second time
/// changes nothing and succeeds too.
///
/// # Errors
/// The store's.
pub async fn end_all_of(app: &App, access: &GrantAccess, client_id: ClientId) -> Result<(), Error> {
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            let Some(user_id) = access.user_id() else {
                return Ok(());
            };
            let filter = Filter {
                whose: Whose::User(user_id),
                client_id: Some(client_id),
                with_deleted_clients: true,
            };
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::User, user_id));
            users::lock(tx, user_id).await?;
            let mut after = None;
            loop {
                let page = grants::live_page(tx, filter, after, PAGE).await?;
                let Some(last) = page.last() else {
                    return Ok(());
                };
                after = Some(last.id);
                for grant in page {
                    write(tx, &app, grant, GrantEnd::Disconnected, access.signature()).await?;
                }
            }
        })
    })
    .await
}

/// Ends a grant in a transaction whose caller waits until it holds everywhere; one that was ended
/// before keeps its first end. None when there is no such grant.
pub(crate) async fn end_in(
    tx: &mut Tx,
    app: &App,
    id: GrantId,
    cause: GrantEnd,
    signature: &Signature,
) -> Result<Option<Grant>, Error> {
    let Some(grant) = grants::get(tx, id).await? else {
        return Ok(None);
    };
    // The user may agree to more at this moment, or the account be suspended. Whose grant it is
    // never changes.
    accounts::lock(tx, grant.account_id).await?;
    users::lock(tx, grant.user_id).await?;
    let Some(grant) = grants::get(tx, id).await? else {
        return Ok(None);
    };
    write(tx, app, grant, cause, signature).await.map(Some)
}

/// Writes the end of a grant whose user is locked.
async fn write(
    tx: &mut Tx,
    app: &App,
    grant: Grant,
    cause: GrantEnd,
    signature: &Signature,
) -> Result<Grant, Error> {
    let ended = grant.clone().end(app.sources().now(), cause);
    // A repeated call waits for the change too: the first caller may have gone away.
    tx.change(Change::new(ChangeKind::Grant, ended.id));
    if ended.version == grant.version {
        return Ok(ended);
    }
    grants::update(tx, &ended).await?;
    let account_id = Some(ended.account_id);
    let changes = difference(&audited(&grant), &audited(&ended));
    let event = signature.event(
        app.sources(),
        account_id,
        Action::GrantEnded,
        ended.id,
        changes,
    )?;
    tx.outbox(&event.action, account_id, audited(&ended));
    tx.audit(event);
    Ok(ended)
}
