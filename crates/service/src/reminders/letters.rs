//! The letters of reminders: one for each person who can act, with all that is due now.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use claviger_model::ids::{AccountId, UserId};
use claviger_model::members::{Member, User};
use claviger_model::roles::{BuiltInRole, RoleRef};
use claviger_model::time::DAY_MILLIS;
use claviger_model::webhooks::{KEY_EXPIRING, KEY_ROTATION_DUE, SECRET_EXPIRING};
use claviger_model::{Environment, UnixMillis};
use claviger_store::{Tx, accounts, members};

use super::Told;
use crate::app::App;
use crate::error::Error;
use crate::mail::{self, Letter, day};

/// How many members of an account are looked at.
const MEMBERS_MAX: u32 = 1_000;
/// How many of those who manage the account get letters.
const MANAGERS_MAX: usize = 20;
/// How many credentials a letter names; of the others it says how many they are.
const NAMED_MAX: usize = 50;

/// Leaves a letter for each member who made one of the credentials or manages the account.
pub(super) async fn leave(
    tx: &mut Tx,
    app: &App,
    account_id: AccountId,
    told: &[Told],
) -> Result<(), Error> {
    if told.is_empty() || !mail::is_on(app) {
        return Ok(());
    }
    let Some(account) = accounts::get(tx, account_id).await? else {
        return Ok(());
    };
    let people = members::of_account(tx, account_id, None, MEMBERS_MAX).await?;
    let mut managers = 0;
    let mut letters: BTreeMap<String, Vec<&Told>> = BTreeMap::new();
    for (member, user) in people
        .iter()
        .filter(|(_, user)| user.suspended_at.is_none())
    {
        let is_manager = manages(member) && managers < MANAGERS_MAX;
        managers += usize::from(is_manager);
        let own = told.iter().filter(|one| is_manager || made(user, one));
        let own: Vec<&Told> = own.collect();
        if !own.is_empty() {
            letters.insert(user.email.clone(), own);
        }
    }
    let now = app.sources().now();
    for (recipient, told) in letters {
        let letter = letter(app, &account.name, &told, now);
        if !mail::leave(tx, app, &recipient, &letter).await? {
            break;
        }
    }
    Ok(())
}

fn manages(member: &Member) -> bool {
    [BuiltInRole::Owner, BuiltInRole::Admin]
        .into_iter()
        .any(|role| member.role == RoleRef::BuiltIn(role))
}

fn made(user: &User, told: &Told) -> bool {
    told.due.created_by.parse::<UserId>() == Ok(user.id)
}

fn letter(app: &App, account: &str, told: &[&Told], now: UnixMillis) -> Letter {
    let settings = app.settings();
    let subject = match told {
        [one] => format!("{}: {}", account, sentence(app, one, now)),
        several => format!("{account}: {} credentials need attention", several.len()),
    };
    let mut text = format!("In the account {account}:\n\n");
    for one in told.iter().take(NAMED_MAX) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "- {}\n  {}\n",
            sentence(app, one, now),
            page(app, one)
        );
    }
    if let Some(more) = told.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        let _ = writeln!(text, "and {more} more: {}\n", settings.public_url);
    }
    let _ = write!(
        text,
        "What has expired is refused from the next request on. Make a new one in good time, put \
         it in\nplace, and revoke the old one when nothing uses it any more.\n\nYou get this \
         because you made it or manage the account.\n\n{}\n{}\n",
        settings.portal.name, settings.public_url
    );
    Letter { subject, text }
}

/// What there is to say of a credential, on one line.
fn sentence(app: &App, told: &Told, now: UnixMillis) -> String {
    let due = &told.due;
    let labels = &app.settings().portal.labels;
    let environment = match due.environment {
        Environment::Live => "live",
        Environment::Test => "test",
    };
    let what = match told.topic {
        KEY_EXPIRING | KEY_ROTATION_DUE => format!("API key {}", due.name),
        _ => format!(
            "{} \u{2026}{} of {}",
            labels.client_secret, due.hint, due.name
        ),
    };
    let days = |millis: i64| match (millis + DAY_MILLIS / 2) / DAY_MILLIS {
        0 => "today".to_owned(),
        1 => "in 1 day".to_owned(),
        days => format!("in {days} days"),
    };
    match told.topic {
        KEY_EXPIRING | SECRET_EXPIRING => format!(
            "{what} ({environment}) expires {}, on {}",
            days(due.due_at.since(now)),
            day(due.due_at)
        ),
        _ => format!(
            "{what} ({environment}) has been in use since {} and should be replaced",
            day(due.due_at)
        ),
    }
}

/// Where one can act.
fn page(app: &App, told: &Told) -> String {
    let due = &told.due;
    let noun = match told.topic {
        KEY_EXPIRING | KEY_ROTATION_DUE => "keys",
        _ if due.is_app => "apps",
        _ => "clients",
    };
    format!("{}/{noun}/{}", app.settings().public_url, due.owner_id)
}
