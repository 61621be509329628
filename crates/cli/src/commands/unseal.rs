//! `claviger unseal`: what came back, and opening it.

use std::path::PathBuf;

use claviger_model::UnixMillis;
use claviger_service::backup::{self, JournalChoice, Opened, Plan};

use crate::exit::{Exit, Failure};
use crate::screen::{Screen, time};
use crate::store::{Store, StoreArguments, object};

/// Ids that people are shown.
const SHOWN_MAX: usize = 20;

/// Show what came back from a backup, and with --yes open the instance
#[derive(clap::Args, Debug)]
pub(crate) struct UnsealArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Open it: do the revocations of the journal again, end every session, token and invitation
    #[arg(long)]
    yes: bool,
    /// The journal of revocations, where it is not in the data directory
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Open it although revocations are not known: they come back to life
    #[arg(long)]
    without_journal: bool,
}

/// Runs the command.
pub(crate) async fn run(arguments: UnsealArguments, screen: Screen) -> Result<Exit, Failure> {
    let act = async |store: &Store| {
        let access = store.caller.operator()?;
        let journal = arguments.journal.as_deref();
        let plan = backup::plan(&store.app, &access, journal).await?;
        if !arguments.yes {
            show_plan(&plan, screen)?;
            return Ok(Exit::Done);
        }
        let choice = if arguments.without_journal {
            JournalChoice::Waived
        } else {
            JournalChoice::Needed
        };
        let opened = backup::unseal(&store.app, &access, journal, choice).await;
        let opened = opened.map_err(|error| Failure::from(error).hint(GAP))?;
        show_opened(&opened, screen)?;
        Ok(Exit::Done)
    };
    arguments.store.with(act).await
}

const GAP: &str = "name a newer copy of revocations.journal with --journal; --without-journal opens \
                   it all the same, and what was revoked since works again";

fn show_plan(plan: &Plan, screen: Screen) -> Result<(), Failure> {
    if screen.is_json {
        return screen.data(&object(plan)?.to_string());
    }
    screen.data(&format!("sealed: {}", plan.seal.sentence()))?;
    match plan.seal.point {
        Some(point) => screen.data(&format!(
            "recovery point {}, epoch {}, {} audit events",
            time(UnixMillis(point)),
            plan.seal.epoch,
            plan.audit_events
        ))?,
        None => screen.data(&format!(
            "epoch {}, {} audit events",
            plan.seal.epoch, plan.audit_events
        ))?,
    }
    if let Some(seq) = plan.checkpoint_seq {
        screen.data(&format!("the last checkpoint beside it is of event {seq}"))?;
    }
    match &plan.gap {
        None => screen.data("the journal knows every revocation since")?,
        Some(gap) => screen.data(&format!("NOT every revocation since is known: {gap}"))?,
    }
    let count = plan.replayed.len();
    screen.data(&format!(
        "{count} things were changed since and are brought to their last state"
    ))?;
    for thing in plan.replayed.iter().take(SHOWN_MAX) {
        screen.data(&format!("  {} {}", thing.kind, thing.id))?;
    }
    if count > SHOWN_MAX {
        screen.note("--json shows all of them");
    }
    screen.note(
        "`claviger unseal --yes` opens it, and ends every session, access token, refresh token and \
         invitation.",
    );
    Ok(())
}

fn show_opened(opened: &Opened, screen: Screen) -> Result<(), Failure> {
    if screen.is_json {
        return screen.data(&object(opened)?.to_string());
    }
    screen.data(&format!(
        "open: {} things brought to their last state, {} that were made since are gone; {} \
         sessions, the refresh tokens of {} apps\u{2019} users, {} invitations and every access token of \
         {} accounts ended; epoch {}",
        opened.replayed,
        opened.unknown,
        opened.sessions,
        opened.families,
        opened.invitations,
        opened.accounts,
        opened.epoch
    ))
}
