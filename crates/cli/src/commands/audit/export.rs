//! `claviger audit export`.

use std::io::{ErrorKind, Write as _};

use claviger_service::audit::Export;

use super::{ExportArguments, filter};
use crate::exit::{Exit, Failure};
use crate::store::Store;

/// Writes events to standard output.
pub(super) async fn run(store: &Store, arguments: ExportArguments) -> Result<Exit, Failure> {
    let filter = filter(store, arguments.filter)?;
    let access = match arguments.account.as_deref() {
        Some(account) => {
            let account = store.account(Some(account)).await?;
            store.caller.evidence_of(account.id)?
        }
        None => store.caller.evidence()?,
    };
    let mut export = Export::begin(&store.app, &access, &filter).await?;
    while let Some(lines) = export.next(&store.app).await? {
        let mut out = std::io::stdout().lock();
        match out.write_all(&lines).and_then(|()| out.flush()) {
            Ok(()) => {}
            // Whoever reads has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
            Err(error) => {
                let message = format!("standard output: {error}");
                return Err(Failure::new(Exit::Failed, message));
            }
        }
    }
    Ok(Exit::Done)
}
