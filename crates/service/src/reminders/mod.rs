//! Reminders: a credential ends soon, or is so old that it should be replaced. Each is given once,
//! as an event for webhooks and by mail to those who can act.
//!
//! A reminder is noted in the transaction that leaves its messages, by a key that it has once. The
//! steps before an end are windows that follow each other: after a pause of the server the nearest
//! one is told, and none of those that passed. What was older than that when reminders began is not
//! told of, so that nobody finds a heap of letters one morning.

mod letters;

use std::collections::BTreeMap;

use claviger_model::ids::{AccountId, EventId};
use claviger_model::time::DAY_MILLIS;
use claviger_model::webhooks::{
    CLIENT_ROTATION_DUE, KEY_EXPIRING, KEY_ROTATION_DUE, SECRET_EXPIRING,
};
use claviger_store::reminders::{self, DueReminder, Window};
use claviger_store::{Reminder, Tx};
use serde_json::{Value, json};

use crate::app::{App, Effect};
use crate::error::Error;

/// Reminders of one kind that are looked for together.
const AT_ONCE: u32 = 500;
/// For how long after its day somebody is still reminded of an old credential, in milliseconds.
const OLD_MILLIS: i64 = 30 * DAY_MILLIS;
/// The step of a reminder to replace something.
const ROTATION: &str = "rotation";

/// What somebody is reminded of.
#[derive(Clone, Debug)]
struct Told {
    topic: &'static str,
    step: String,
    due: DueReminder,
}

/// Gives every reminder that is due and was not given. Nodes that do so at once give each once.
///
/// # Errors
/// A database does not answer. What was not given is given the next time.
pub async fn remind(app: &App) -> Result<(), Error> {
    let mut of_accounts: BTreeMap<AccountId, Vec<Told>> = BTreeMap::new();
    for told in expiring(app).await?.into_iter().chain(old(app).await?) {
        let of_account = of_accounts.entry(told.due.account_id).or_default();
        of_account.push(told);
    }
    for (account_id, told) in of_accounts {
        // One account that cannot be told keeps none of the others waiting.
        if let Err(error) = tell(app, account_id, told).await {
            tracing::error!(%error, %account_id, "reminders are not given yet");
        }
    }
    Ok(())
}

/// What ends within one of the steps.
async fn expiring(app: &App) -> Result<Vec<Told>, Error> {
    let now = app.sources().now();
    let mut steps = app.settings().reminders.days.clone();
    steps.sort_unstable();
    steps.dedup();
    let mut found = Vec::new();
    let mut after = now;
    for days in steps {
        let lead_millis = i64::from(days) * DAY_MILLIS;
        let until = now.plus_millis(lead_millis);
        let step = format!("{days}d");
        let window = Window { after, until };
        let mut reader = app.read().await?;
        let keys = reminders::expiring_keys(&mut reader, window, &step, lead_millis, AT_ONCE);
        let keys = keys.await?;
        let secrets =
            reminders::expiring_secrets(&mut reader, window, &step, lead_millis, AT_ONCE).await?;
        let of = |topic: &'static str| {
            let step = step.clone();
            move |due| Told {
                topic,
                step: step.clone(),
                due,
            }
        };
        found.extend(keys.into_iter().map(of(KEY_EXPIRING)));
        found.extend(secrets.into_iter().map(of(SECRET_EXPIRING)));
        after = until;
    }
    Ok(found)
}

/// What is so old that it should be replaced, and does not end soon anyway.
async fn old(app: &App) -> Result<Vec<Told>, Error> {
    let settings = &app.settings().reminders;
    let Some(days) = settings.rotate_after_days else {
        return Ok(Vec::new());
    };
    let now = app.sources().now();
    let until = now.plus_millis(-i64::from(days) * DAY_MILLIS);
    let window = Window {
        after: until.plus_millis(-OLD_MILLIS),
        until,
    };
    let soon = settings.days.iter().max().copied().unwrap_or_default();
    let ends_after = now.plus_millis(i64::from(soon) * DAY_MILLIS);
    let mut reader = app.read().await?;
    let keys = reminders::old_keys(&mut reader, window, ROTATION, ends_after, AT_ONCE).await?;
    let secrets =
        reminders::old_secrets(&mut reader, window, ROTATION, ends_after, AT_ONCE).await?;
    let of = |topic: &'static str| {
        move |due| Told {
            topic,
            step: ROTATION.to_owned(),
            due,
        }
    };
    let keys = keys.into_iter().map(of(KEY_ROTATION_DUE));
    let secrets = secrets.into_iter().map(of(CLIENT_ROTATION_DUE));
    Ok(keys.chain(secrets).collect())
}

/// Notes, leaves the events and the letters of one account, in one transaction.
async fn tell(app: &App, account_id: AccountId, told: Vec<Told>) -> Result<(), Error> {
    let app_inside = app.clone();
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, told) = (app_inside.clone(), told.clone());
        Box::pin(async move {
            let now = app.sources().now();
            let mut fresh = Vec::new();
            for one in told {
                if reminders::note(tx, &one.due, &one.step, now).await? {
                    tx.remind(Reminder {
                        id: EventId::new(now, &app.sources().id()?),
                        at: now,
                        topic: one.topic,
                        account_id,
                        target: one.due.owner_id.clone(),
                        payload: payload(&one),
                    });
                    fresh.push(one);
                }
            }
            letters::leave(tx, &app, account_id, &fresh).await
        })
    })
    .await
}

/// What an event tells of a credential.
fn payload(told: &Told) -> Value {
    let due = &told.due;
    let mut members = json!({
        "name": due.name,
        "environment": due.environment,
        "created_by": due.created_by,
    });
    match told.topic {
        KEY_EXPIRING | SECRET_EXPIRING => members["expires_at"] = json!(due.due_at),
        _ => members["created_at"] = json!(due.due_at),
    }
    if matches!(told.topic, SECRET_EXPIRING | CLIENT_ROTATION_DUE) {
        members["secret_id"] = json!(due.credential_id);
        members["hint"] = json!(due.hint);
    }
    members
}
