//! `claviger backup`: a copy of everything, while the server runs.

use std::path::PathBuf;

use claviger_model::UnixMillis;
use claviger_service::backup::{self, BackupReport};

use crate::exit::{Exit, Failure};
use crate::screen::{Screen, time};
use crate::store::{Store, StoreArguments, object};
use crate::variables::variable;

/// Write an encrypted copy of the database, while the server runs, and read it back
#[derive(clap::Args, Debug)]
pub(crate) struct BackupArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The file to write; it must not exist
    file: PathBuf,
}

/// Runs the command.
pub(crate) async fn run(arguments: BackupArguments, screen: Screen) -> Result<Exit, Failure> {
    let config = arguments.store.configuration()?;
    if config.storage(&variable)?.lock_file.is_none() {
        return Err(on_postgres());
    }
    let act = async |store: &Store| {
        let access = store.caller.operator()?;
        let made = backup::create(&store.app, &access, &arguments.file).await?;
        show(&made, screen)?;
        Ok(Exit::Done)
    };
    arguments.store.with(act).await
}

/// What is said where the database has its own backups.
pub(super) fn on_postgres() -> Failure {
    let message = "the data is in PostgreSQL, which has its own backups";
    let hint = "pg_dump --format=custom --file=claviger.dump \"$CLAVIGER_POSTGRES_URL\" copies \
                it, and continuous archiving (PITR) loses the least; keep the master key apart";
    Failure::new(Exit::Usage, message).hint(hint)
}

fn show(made: &BackupReport, screen: Screen) -> Result<(), Failure> {
    if screen.is_json {
        return screen.data(&object(made)?.to_string());
    }
    let BackupReport { file, bytes, point } = made;
    let at = time(UnixMillis(point.at));
    screen.data(&format!(
        "{}: {bytes} bytes, read back and sound; recovery point {at}, epoch {}, {} audit events",
        file.display(),
        point.epoch,
        point.audit_events,
    ))?;
    screen.note(&format!(
        "Keep it on another machine, and apart from it version {} of the master key: neither is \
         of use without the other.\n\
         Copy revocations.journal from the data directory as often as you can: it has the \
         revocations that come after this backup.\n\
         claviger restore {} --data DIR brings it back.",
        point.master_key,
        file.display(),
    ));
    Ok(())
}
