//! Mail: plain text, written in the transaction of what it tells of, and sent until it is taken.
//!
//! A letter waits in the database, encrypted, so that none is lost when the mail server is away or
//! a node dies. A node takes it for the time of a lease; what dies with it is sent again, with the
//! same `Message-ID`. One that nobody took for days is given up with a line in the log.

mod send;
mod transport;

use claviger_model::UnixMillis;
use claviger_model::ids::MailId;
use claviger_store::Tx;
use claviger_store::mails::{self, WaitingMail};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use send::send_due;

use crate::app::App;
use crate::error::Error;
use crate::settings::MailTransport;

/// Letters that may wait; beyond them none is written.
const WAITING_MAX: i64 = 10_000;

/// What a letter says.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Letter {
    /// What it is about, on one line.
    pub(crate) subject: String,
    /// The text, in lines.
    pub(crate) text: String,
}

/// Whether this instance sends mail.
pub fn is_on(app: &App) -> bool {
    !matches!(app.settings().mail.transport, MailTransport::None)
}

/// Leaves a letter that is sent after the commit; whether there was room for it and the instance
/// sends mail at all.
pub(crate) async fn leave(
    tx: &mut Tx,
    app: &App,
    recipient: &str,
    letter: &Letter,
) -> Result<bool, Error> {
    if !is_on(app) {
        return Ok(false);
    }
    if mails::count(tx).await? >= WAITING_MAX {
        tracing::error!("a letter is not written: {WAITING_MAX} wait to be sent");
        return Ok(false);
    }
    let now = app.sources().now();
    let id = MailId::new(now, &app.sources().id()?);
    let text = serde_json::to_vec(letter).map_err(Error::internal)?;
    let text = Zeroizing::new(text);
    let sealed = app
        .keyring()
        .encrypt(context(id).as_bytes(), app.sources().nonce()?, &text)
        .map_err(Error::internal)?;
    let waiting = WaitingMail {
        id,
        recipient: recipient.to_owned(),
        sealed,
        created_at: now,
        tries: 0,
    };
    mails::insert(tx, &waiting).await?;
    Ok(true)
}

/// To what an encrypted letter is bound.
fn context(id: MailId) -> String {
    format!("mail {id}")
}

/// A day as letters tell it, such as 2026-11-22.
pub(crate) fn day(at: UnixMillis) -> String {
    let timestamp = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    let text = timestamp.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}
