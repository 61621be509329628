//! Resetting the test environment of one account.

use claviger_model::UnixMillis;
use claviger_model::audit::Action;
use claviger_model::grants::GrantEnd;
use claviger_model::ids::AccountId;
use claviger_model::tokens::TokenOwner;
use claviger_store::sandbox_resets::{self, SandboxReset};
use claviger_store::{Tx, accounts};
use serde::Serialize;
use serde_json::json;

use super::{DEMO, forget_requests};
use crate::access::{KeyAccess, Signature};
use crate::app::{App, Effect};
use crate::demo;
use crate::error::Error;
use crate::grants::end_of_clients;

/// What a reset did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ResetDone {
    /// Whose test environment.
    pub account_id: AccountId,
    /// When.
    pub reset_at: UnixMillis,
    /// How many test clients have no token any more that was issued before.
    pub clients: usize,
    /// How many times a user's consent to a test app ended.
    pub grants: usize,
}

/// Resets the test environment of the caller's account. When this returns, no node accepts a token
/// of a test client that was issued before.
///
/// # Errors
/// The caller may only look; the store's.
pub async fn reset(app: &App, access: &KeyAccess) -> Result<ResetDone, Error> {
    access.for_writing()?;
    let account_id = access.account_id();
    if accounts::get(&mut *app.read().await?, account_id)
        .await?
        .is_none()
    {
        return Err(Error::not_found("account"));
    }
    forget_requests(app, account_id).await?;
    let (app_inside, signature) = (app.clone(), access.signature().clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        Box::pin(async move {
            let done = in_transaction(tx, &app, account_id, &signature, None).await?;
            demo::clear_of(tx, account_id).await?;
            Ok(done)
        })
    })
    .await
}

/// Resets the account for an appointed time, unless another node did or does.
pub(super) async fn by_appointment(
    app: &App,
    account_id: AccountId,
    appointed: UnixMillis,
    signature: &Signature,
) -> Result<Option<ResetDone>, Error> {
    let scope = account_id.to_string();
    let done = sandbox_resets::appointed(&mut *app.read().await?, &scope).await?;
    if done.is_some_and(|done| done >= appointed) {
        return Ok(None);
    }
    forget_requests(app, account_id).await?;
    let (app_inside, signature) = (app.clone(), signature.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, signature, scope) = (app_inside.clone(), signature.clone(), scope.clone());
        Box::pin(async move {
            if !sandbox_resets::claim(tx, &scope, appointed).await? {
                return Ok(None);
            }
            in_transaction(tx, &app, account_id, &signature, Some(appointed))
                .await
                .map(Some)
        })
    })
    .await
}

/// Puts the demo API's records back for an appointed time, unless another node did.
pub(super) async fn demo_by_appointment(
    app: &App,
    appointed: UnixMillis,
    signature: &Signature,
) -> Result<(), Error> {
    let (app_inside, signature) = (app.clone(), signature.clone());
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        Box::pin(async move {
            let is_ours = sandbox_resets::claim(tx, DEMO, appointed).await?;
            if is_ours && demo::put_back(tx, &app).await? {
                let after = Some(json!({"appointed_at": appointed}));
                let (none, action) = (None, Action::SandboxReset);
                let event =
                    signature.event(app.sources(), none, action, DEMO, (None, after.clone()))?;
                tx.audit(event);
            }
            Ok::<_, Error>(())
        })
    })
    .await
}

async fn in_transaction(
    tx: &mut Tx,
    app: &App,
    account_id: AccountId,
    signature: &Signature,
    appointed: Option<UnixMillis>,
) -> Result<ResetDone, Error> {
    // Whatever gives a grant in the account waits for this.
    accounts::lock(tx, account_id).await?;
    let apps = sandbox_resets::apps_with_grants(tx, account_id).await?;
    let cause = GrantEnd::SandboxReset;
    let grants = end_of_clients(tx, app, account_id, &apps, cause, signature).await?;
    let clients = sandbox_resets::clients(tx, account_id).await?;
    for client in &clients {
        tx.end_tokens(TokenOwner::Client(*client));
    }
    let reset_at = app.sources().now();
    let noted = SandboxReset {
        at: reset_at,
        actor: signature.actor().to_owned(),
    };
    sandbox_resets::note(tx, &account_id.to_string(), &noted).await?;
    let done = ResetDone {
        account_id,
        reset_at,
        clients: clients.len(),
        grants,
    };
    let after = json!({"account_id": account_id, "reset_at": reset_at, "appointed_at": appointed,
        "clients": done.clients, "grants": done.grants});
    let event = signature.event(
        app.sources(),
        Some(account_id),
        Action::SandboxReset,
        account_id,
        (None, Some(after.clone())),
    )?;
    tx.outbox(&event.action, Some(account_id), after);
    tx.audit(event);
    Ok(done)
}
