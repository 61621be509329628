//! `claviger audit`: who did what, and whether the log is as it was written.

mod checkpoints;
mod examine;
mod export;
mod progress;

use std::path::PathBuf;

use claviger_service::audit::{self, AuditFilter, ChainReport, EventView};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::store::{Store, StoreArguments, object};
use crate::when;

const COLUMNS: [Column; 6] = [
    ("seq", "seq", Shown::Plain),
    ("at", "at", Shown::Time),
    ("actor", "actor", Shown::Plain),
    ("action", "action", Shown::Plain),
    ("target", "target", Shown::Plain),
    ("ip", "ip", Shown::Plain),
];
const PAGE: u32 = 200;

/// Who did what, provably
#[derive(clap::Args, Debug)]
pub(crate) struct AuditArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(clap::Subcommand, Debug)]
enum AuditCommand {
    /// List events, the newest first
    List(ListArguments),
    /// Write events as JSON lines that `verify` checks anywhere
    Export(ExportArguments),
    /// Check an export or a proof with nothing but a key; without FILE, follow the chain of the
    /// store. Ends with 1 when an event does not fit
    Verify(VerifyArguments),
    /// Write the proof of one event, which tells of no other
    Proof {
        /// The event: `evt_…`
        event: String,
    },
    /// Sign a checkpoint now
    Checkpoint,
    /// List checkpoints, the newest first
    Checkpoints {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Print the public key that checkpoints are signed with
    Key,
}

#[derive(clap::Args, Debug)]
struct ListArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    limit: u32,
}

#[derive(clap::Args, Debug)]
struct ExportArguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// Of this account alone: its id or name
    #[arg(long)]
    account: Option<String>,
}

#[derive(clap::Args, Debug)]
struct FilterArguments {
    /// Of this action, such as key.revoked
    #[arg(long)]
    action: Option<String>,
    /// By this actor: an id, cli:<user>, or config
    #[arg(long)]
    actor: Option<String>,
    /// About this thing: an id
    #[arg(long)]
    target: Option<String>,
    /// From this time on: 2026-12-31T00:00:00Z or Unix milliseconds
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Before this time
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
}

#[derive(clap::Args, Debug)]
struct VerifyArguments {
    /// An export or a proof; `-` reads standard input
    file: Option<PathBuf>,
    /// The key that is trusted: its line, or a file with it
    #[arg(long, value_name = "KEY", requires = "file")]
    key: Vec<String>,
    /// A file of checkpoints that were kept: the export has to reach each of them
    #[arg(long, value_name = "FILE", requires = "file")]
    checkpoints: Vec<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(arguments: AuditArguments, screen: Screen) -> Result<Exit, Failure> {
    let AuditArguments { store, command } = arguments;
    if let AuditCommand::Verify(VerifyArguments {
        file: Some(file),
        key,
        checkpoints,
    }) = command
    {
        return examine::run(file, key, checkpoints, screen).await;
    }
    let act = async |store: &Store| match command {
        AuditCommand::List(arguments) => list(store, arguments, screen).await,
        AuditCommand::Export(arguments) => export::run(store, arguments).await,
        AuditCommand::Verify(_) => verify(store, screen).await,
        AuditCommand::Proof { event } => checkpoints::proof(store, &event, screen).await,
        AuditCommand::Checkpoint => checkpoints::make(store, screen).await,
        AuditCommand::Checkpoints { limit } => checkpoints::list(store, limit, screen).await,
        AuditCommand::Key => checkpoints::key(store, screen),
    };
    store.with(act).await
}

fn filter(store: &Store, arguments: FilterArguments) -> Result<AuditFilter, Failure> {
    let now = store.app.sources().now();
    let time = |text: Option<String>| {
        let millis = text.map(|text| when::parse(&text, now)).transpose()?;
        Ok::<_, Failure>(millis.map(claviger_model::UnixMillis))
    };
    Ok(AuditFilter {
        action: arguments.action,
        actor: arguments.actor,
        target: arguments.target,
        from: time(arguments.from)?,
        to: time(arguments.to)?,
    })
}

async fn list(store: &Store, arguments: ListArguments, screen: Screen) -> Result<Exit, Failure> {
    let filter = filter(store, arguments.filter)?;
    let access = store.caller.evidence()?;
    let mut rows: Vec<Value> = Vec::new();
    let mut after = None;
    loop {
        let left = arguments
            .limit
            .saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        let page = audit::page(&store.app, &access, &filter, after, left.min(PAGE)).await?;
        for event in &page.events {
            rows.push(object(&EventView::new(event))?);
        }
        after = page.next;
        if after.is_none() || left <= PAGE {
            break;
        }
    }
    screen.list(&COLUMNS, &rows, "no such event")?;
    Ok(Exit::Done)
}

async fn verify(store: &Store, screen: Screen) -> Result<Exit, Failure> {
    match audit::check(&store.app).await? {
        ChainReport::Intact {
            events,
            head,
            checkpoint,
        } => {
            let signed = checkpoint.as_ref().map(|signed| signed.checkpoint.seq);
            if screen.is_json {
                let report = json!({"intact": true, "events": events, "head": head,
                    "checkpoint_seq": signed});
                screen.data(&report.to_string())?;
            } else {
                screen.data(&format!("intact: {events} events, head {head}"))?;
                screen.note(&match signed {
                    Some(seq) => format!("the last checkpoint is signed over event {seq}"),
                    None => "no checkpoint is signed yet".to_owned(),
                });
            }
            Ok(Exit::Done)
        }
        ChainReport::Broken { seq, why } => {
            if screen.is_json {
                screen.data(&json!({"intact": false, "seq": seq, "why": why}).to_string())?;
            }
            let message = format!("the audit log is not as it was written, from event {seq} on");
            Err(Failure::new(Exit::Failed, format!("{message}: {why}"))
                .hint("compare with a backup, and ask who can write to the database"))
        }
    }
}
