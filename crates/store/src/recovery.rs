//! Opening a database again that came back from a backup.

use claviger_model::ids::AccountId;
use claviger_model::tokens::TokenOwner;

use crate::db::{Conn, JournalEntry, Thing, Tx};
use crate::error::StoreError;
use crate::rows::Fields;

/// What was ended as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ended {
    /// Sessions of people.
    pub sessions: u64,
    /// Families of refresh tokens.
    pub families: u64,
    /// Invitations that waited.
    pub invitations: u64,
    /// Accounts whose tokens were ended.
    pub accounts: u64,
}

/// What the journal knows that a database of this epoch does not: each thing as it was last.
pub fn latest(entries: &[JournalEntry], epoch: i64) -> Vec<Thing> {
    crate::db::latest(entries, epoch)
}

/// Ends what may be used once or was handed out in the time that the database does not know of:
/// sessions, codes, refresh tokens, invitations, letters that wait, and every access token.
pub async fn end_all(tx: &mut Tx) -> Result<Ended, StoreError> {
    let invitations = tx.query("DELETE FROM invitations").execute().await?;
    let sessions = tx.query("DELETE FROM sessions").execute().await?;
    let families = tx.query("DELETE FROM token_families").execute().await?;
    tx.query("DELETE FROM refresh_tokens").execute().await?;
    tx.query("DELETE FROM authorization_codes")
        .execute()
        .await?;
    tx.query("DELETE FROM pushed_requests").execute().await?;
    tx.query("DELETE FROM device_authorizations")
        .execute()
        .await?;
    tx.query("DELETE FROM device_polls").execute().await?;
    tx.query("DELETE FROM mails").execute().await?;
    // Those that are listed are of another time.
    tx.query("DELETE FROM nodes").execute().await?;
    let owners = accounts(tx).await?;
    let accounts = owners.len() as u64;
    for id in owners {
        tx.end_tokens(TokenOwner::Account(id));
    }
    Ok(Ended {
        sessions,
        families,
        invitations,
        accounts,
    })
}

/// Raises the epoch, so that this commit is later than any that a node may have seen, and forgets
/// the changes: every node reads everything anew.
pub async fn raise_epoch(tx: &mut Tx, to: i64) -> Result<(), StoreError> {
    tx.query("DELETE FROM changes").execute().await?;
    let query = tx.query("UPDATE ledger SET epoch = $1, changes_floor = $1 WHERE id = 1");
    query.bind(to).execute().await?;
    Ok(())
}

async fn accounts(conn: &mut Conn) -> Result<Vec<AccountId>, StoreError> {
    let rows = conn
        .query("SELECT id FROM accounts ORDER BY id")
        .fetch_all()
        .await?;
    rows.iter()
        .map(|row| Fields::of("accounts", row).parsed())
        .collect()
}
