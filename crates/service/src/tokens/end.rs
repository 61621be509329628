//! Ending all tokens of a client or an account. When this returns, no node accepts one that was
//! issued before; new ones can be had at once.

use claviger_model::audit::Action;
use claviger_model::ids::ClientId;
use claviger_model::tokens::TokenOwner;
use claviger_store::{Tx, accounts, clients};

use crate::access::KeyAccess;
use crate::app::{App, Effect};
use crate::error::Error;

/// Ends the tokens of a client of the caller's account.
///
/// # Errors
/// An unknown client; another account's is as unknown as one that never was.
pub async fn end_of_client(app: &App, access: &KeyAccess, id: ClientId) -> Result<(), Error> {
    let found = clients::get(&mut *app.read().await?, Some(access.account_id()), id).await?;
    if found.is_none() {
        return Err(Error::not_found("client"));
    }
    end(app, access, TokenOwner::Client(id)).await
}

/// Ends the tokens of every client of the account.
///
/// # Errors
/// An unknown account.
pub async fn end_of_account(app: &App, access: &KeyAccess) -> Result<(), Error> {
    let id = access.account_id();
    if accounts::get(&mut *app.read().await?, id).await?.is_none() {
        return Err(Error::not_found("account"));
    }
    end(app, access, TokenOwner::Account(id)).await
}

async fn end(app: &App, access: &KeyAccess, owner: TokenOwner) -> Result<(), Error> {
    access.for_writing()?;
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access) = (app_inside.clone(), access.clone());
        Box::pin(async move {
            tx.end_tokens(owner);
            let account_id = Some(access.account_id());
            let event = access.signature().event(
                app.sources(),
                account_id,
                Action::TokensEnded,
                owner,
                (None, None),
            )?;
            tx.audit(event);
            Ok::<_, Error>(())
        })
    })
    .await
}
