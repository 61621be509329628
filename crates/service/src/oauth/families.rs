//! Ending a family of tokens: a refresh token and the access tokens that came of it.

use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::{AccountId, FamilyId};
use claviger_model::refresh::TokenFamily;
use claviger_store::{Tx, grants, token_families};
use serde_json::json;

use super::Client;
use super::grants::refresh_token;
use crate::access::Signature;
use crate::app::{App, Effect};
use crate::error::Error;

/// Ends a family of `client`; when this returns, no node takes a token of it. A second time changes
/// nothing and succeeds too. The user's consent goes on.
///
/// # Errors
/// The store's.
pub(super) async fn end(app: &App, client: &Client, id: FamilyId) -> Result<(), Error> {
    end_family(app, id, &signature(client)).await
}

/// The same for whoever holds one of its refresh tokens.
pub(crate) async fn end_family(
    app: &App,
    id: FamilyId,
    signature: &Signature,
) -> Result<(), Error> {
    let now = app.sources().now();
    let (app_inside, signature) = (app.clone(), signature.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        Box::pin(async move {
            token_families::lock(tx, id).await?;
            let Some(family) = token_families::get(tx, id).await? else {
                return Ok(());
            };
            // A repeated call waits for the change too: the first caller may have gone away.
            tx.change(Change::new(ChangeKind::TokenFamily, id));
            if family.ended_at.is_some() {
                return Ok(());
            }
            let ended = family.end(now);
            token_families::update(tx, &ended).await?;
            let grant = grants::get(tx, ended.grant_id).await?;
            tx.audit(signature.event(
                app.sources(),
                grant.map(|grant| grant.account_id),
                Action::TokenFamilyEnded,
                id,
                (
                    None,
                    Some(json!({"client_id": ended.client_id, "grant_id": ended.grant_id})),
                ),
            )?);
            Ok::<_, Error>(())
        })
    })
    .await
}

/// The family of a refresh token and the account that it acts in, where the text is one.
///
/// # Errors
/// The store's.
pub(crate) async fn leaked_refresh_token(
    app: &App,
    text: &str,
) -> Result<Option<(TokenFamily, Option<AccountId>)>, Error> {
    let found = refresh_token::find(app, text).await;
    let found = found.map_err(|refusal| refusal.cause.map_or_else(Error::stale, |cause| *cause))?;
    let Some(found) = found else {
        return Ok(None);
    };
    let mut reader = app.read().await?;
    let grant = grants::get(&mut reader, found.family.grant_id).await?;
    Ok(Some((found.family, grant.map(|grant| grant.account_id))))
}

/// How the audit log names a client that acts.
pub(super) fn signature(client: &Client) -> Signature {
    let source = &client.source;
    Signature::of(client.entry.id.to_string(), source.ip, source.request_id)
}
