//! The audit log of a copy: from its last checkpoint to its end, and its end against the ledger.

use claviger_model::audit::checkpoint;
use claviger_model::audit::{CHAIN_START, ChainVerifier};
use claviger_model::keyring::Keyring;
use claviger_store::{Conn, audit, audit_checkpoints, ledger};

use crate::audit::checkpoints::keys_of;
use crate::error::Error;

/// Events read at once.
const EVENTS_AT_ONCE: u32 = 1_000;

/// Follows the end of the chain. `public_url` is the instance's, by whose name checkpoints go.
///
/// # Errors
/// `conflict` where it is not as it was written; the store's.
pub(super) async fn follow(
    conn: &mut Conn,
    keyring: &Keyring,
    public_url: &str,
) -> Result<(), Error> {
    let broken = |why: String| Error::conflict(format!("The audit log in it is broken: {why}."));
    let last = audit_checkpoints::last(conn).await?;
    let (mut seq, mut chain) = (0, CHAIN_START);
    if let Some(last) = &last {
        let keys = keys_of(keyring, public_url);
        let signed = checkpoint::open(&last.note, &keys)
            .map_err(|bad| broken(format!("its last checkpoint {bad}")))?;
        if signed.checkpoint.root != last.tree.root() || signed.checkpoint.seq != last.tree.size() {
            return Err(broken("its last checkpoint was changed".to_owned()));
        }
        seq = i64::try_from(signed.checkpoint.seq).unwrap_or(i64::MAX);
        chain = signed.checkpoint.chain;
    }
    let mut verifier = ChainVerifier::after(seq, chain);
    loop {
        let (at, _) = verifier.head();
        let page = audit::chain_page(conn, at, EVENTS_AT_ONCE).await?;
        for event in &page {
            verifier
                .follow(event)
                .map_err(|why| broken(why.to_string()))?;
        }
        if page.is_empty() {
            break;
        }
    }
    if verifier.head() == ledger::audit_head(conn).await? {
        Ok(())
    } else {
        Err(broken("it does not end where the ledger says".to_owned()))
    }
}
