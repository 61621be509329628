//! The letter of an invitation, where mail is configured. Whoever invites gets the link anyway.

use claviger_model::members::Invitation;
use claviger_model::secret::Plaintext;
use claviger_store::{Tx, accounts};

use crate::app::App;
use crate::error::Error;
use crate::mail::{self, Letter, day};

/// Leaves the letter that invites somebody.
pub(super) async fn leave(
    tx: &mut Tx,
    app: &App,
    invitation: &Invitation,
    token: &Plaintext,
) -> Result<(), Error> {
    if !mail::is_on(app) {
        return Ok(());
    }
    let account = accounts::get(tx, invitation.account_id).await?;
    let account = account.map(|account| account.name).unwrap_or_default();
    let (name, url) = (&app.settings().portal.name, &app.settings().public_url);
    let letter = Letter {
        subject: format!("You are invited to {account}"),
        text: format!(
            "You are invited to the account {account} at {name}. To take the invitation, open:\n\n\
             {url}/invitation?token={}\n\nThe link works once, until {}. If you do not know what \
             this is about, do nothing.\n\n{name}\n{url}\n",
            token.expose(),
            day(invitation.expires_at)
        ),
    };
    mail::leave(tx, app, &invitation.email, &letter).await?;
    Ok(())
}
