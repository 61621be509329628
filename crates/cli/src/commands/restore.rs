//! `claviger restore`: what a backup holds becomes the database, sealed.

use std::path::PathBuf;

use claviger_model::UnixMillis;
use claviger_service::backup::{self, RestoreReport, Restoring};

use super::backup::on_postgres;
use crate::exit::{Exit, Failure};
use crate::screen::{Screen, time};
use crate::store::{self, StoreArguments, object};
use crate::variables::variable;

/// Bring a backup back. It stays sealed until `claviger unseal`
#[derive(clap::Args, Debug)]
pub(crate) struct RestoreArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The backup
    file: PathBuf,
    /// Put the database that is there aside
    #[arg(long)]
    replace: bool,
    /// The journal of revocations, where it is not in the data directory
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(arguments: RestoreArguments, screen: Screen) -> Result<Exit, Failure> {
    let config = arguments.store.configuration()?;
    let storage = config.storage(&variable)?;
    if storage.lock_file.is_none() {
        return Err(on_postgres());
    }
    let keyring = store::keyring(&config)?;
    let sources = store::system_sources()?;
    let restoring = Restoring {
        file: &arguments.file,
        journal: arguments.journal.as_deref(),
        replaces: arguments.replace,
        public_url: &config.server.public_url,
    };
    let restored = backup::restore(&storage, keyring, &sources, &restoring).await;
    let restored = restored.map_err(|error| {
        let hint = "nothing was touched; `--replace` puts a database that is there aside, a \
                    server has to be stopped first";
        Failure::from(error).hint(hint)
    })?;
    show(&restored, sources.now(), screen)?;
    Ok(Exit::Done)
}

fn show(restored: &RestoreReport, now: UnixMillis, screen: Screen) -> Result<(), Failure> {
    if screen.is_json {
        return screen.data(&object(restored)?.to_string());
    }
    let point = &restored.point;
    let minutes = now.since(UnixMillis(point.at)) / 60_000;
    screen.data(&format!(
        "restored in {} ms; recovery point {}, epoch {}, {} audit events: what was done in the \
         {minutes} minutes since is not in it",
        restored.millis,
        time(UnixMillis(point.at)),
        point.epoch,
        point.audit_events,
    ))?;
    if let Some(aside) = &restored.put_aside {
        screen.note(&format!(
            "The database that was there is in {}.",
            aside.display()
        ));
    }
    screen.note(if restored.has_journal {
        "The journal of revocations is beside it."
    } else {
        "There is no journal of revocations: what was revoked since is not known. If another \
         machine has revocations.journal, name it with --journal."
    });
    screen.note("It is sealed: nothing is decided and nothing changed until `claviger unseal`.");
    Ok(())
}
