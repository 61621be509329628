//! Sending the letters that wait.

use claviger_model::time::DAY_MILLIS;
use claviger_store::Tx;
use claviger_store::mails::{self, WaitingMail};

use super::transport::{Post, Unsent};
use super::{Letter, context, is_on};
use crate::app::{App, Effect};
use crate::error::Error;

/// Letters that are taken together, and sent one after the other.
const AT_ONCE: u32 = 20;
/// How long a node has for them before others may try, in milliseconds.
const LEASE_MILLIS: i64 = 10 * 60_000;
/// The first pause after a failure, in milliseconds; each further one is twice as long.
const FIRST_PAUSE_MILLIS: i64 = 30_000;
/// The longest pause, in milliseconds.
const LONGEST_PAUSE_MILLIS: i64 = 60 * 60_000;
/// For how long a letter is tried, in milliseconds: five days, as mail servers do (RFC 5321
/// section 4.5.4.1).
const TRIED_MILLIS: i64 = 5 * DAY_MILLIS;

/// Sends what is due. One that is not taken now is tried again later.
///
/// # Errors
/// The database does not answer.
pub async fn send_due(app: &App) -> Result<(), Error> {
    if !is_on(app) {
        return Ok(());
    }
    loop {
        let now = app.sources().now();
        if !mails::is_due(&mut *app.read().await?, now).await? {
            return Ok(());
        }
        let lease = (now, now.plus_millis(LEASE_MILLIS));
        let taken = app.change(Effect::Grants, move |tx: &mut Tx| {
            Box::pin(async move { Ok::<_, Error>(mails::take_due(tx, lease, AT_ONCE).await?) })
        });
        let taken = taken.await?;
        let post = Post::open(app).await;
        for mail in taken {
            let sent = match (&post, open(app, &mail)) {
                (Ok(post), Ok(letter)) => post.send(&mail, &letter).await,
                (Err(error), _) => Err(error.clone()),
                (_, Err(error)) => Err(error),
            };
            note(app, mail, sent).await?;
        }
    }
}

fn open(app: &App, mail: &WaitingMail) -> Result<Letter, Unsent> {
    let text = app
        .keyring()
        .decrypt(context(mail.id).as_bytes(), &mail.sealed)
        .map_err(|error| Unsent::Never(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| Unsent::Never(error.to_string()))
}

async fn note(app: &App, mail: WaitingMail, sent: Result<(), Unsent>) -> Result<(), Error> {
    let now = app.sources().now();
    let is_old = now.since(mail.created_at) >= TRIED_MILLIS;
    let id = mail.id;
    let again = match sent {
        Ok(()) => None,
        Err(Unsent::Later(why)) if !is_old => {
            tracing::warn!(%id, why, "a letter is not sent yet");
            Some(now.plus_millis(pause(mail.tries)))
        }
        Err(Unsent::Later(why) | Unsent::Never(why)) => {
            tracing::error!(%id, why, "a letter is given up");
            None
        }
    };
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let mail = mail.clone();
        Box::pin(async move {
            match again {
                Some(at) => mails::put_off(tx, &mail, at).await?,
                None => mails::delete(tx, mail.id).await?,
            }
            Ok::<_, Error>(())
        })
    })
    .await
}

/// How long to wait after so many tries, in milliseconds.
fn pause(tries: u32) -> i64 {
    let doublings = tries.saturating_sub(1).min(16);
    LONGEST_PAUSE_MILLIS.min(FIRST_PAUSE_MILLIS << doublings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let found: Vec<i64> = [1, 2, 3, 8, 9, 4_000].map(pause).to_vec();
        assert_eq!(
            found,
            [30_000, 60_000, 120_000, 3_600_000, 3_600_000, 3_600_000]
        );
    }
}
