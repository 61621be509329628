//! Open offers to become a member.

use claviger_model::ids::{AccountId, InvitationId};
use claviger_model::members::Invitation;
use claviger_model::secret::Lookup;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, open_good, open_one};

impl Stored for Invitation {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            account_id: fields.parsed()?,
            email: fields.text()?,
            role: fields.parsed()?,
            stored: fields.stored_secret()?,
            created_at: fields.time()?,
            expires_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

/// Adds an invitation.
pub async fn insert(tx: &mut Tx, invitation: &Invitation) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(invitation);
    tx.query(
        "INSERT INTO invitations (id, account_id, email, role, lookup, hash, pepper_version,
             hint, created_at, expires_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .shown(invitation.id)
    .shown(invitation.account_id)
    .bind(invitation.email.as_str())
    .shown(invitation.role)
    .bind(invitation.stored.lookup.to_text())
    .bind(invitation.stored.hash.as_slice())
    .bind(i64::from(invitation.stored.pepper_version))
    .bind(invitation.stored.hint.as_str())
    .time(invitation.created_at)
    .time(invitation.expires_at)
    .bind(invitation.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// The account's invitation.
pub async fn get(
    conn: &mut Conn,
    account: AccountId,
    id: InvitationId,
) -> Result<Option<Invitation>, StoreError> {
    let row = conn
        .query(
            "SELECT id, account_id, email, role, lookup, hash, pepper_version, hint, created_at,
                 expires_at, row_version, seal
             FROM invitations WHERE id = $1 AND account_id = $2",
        )
        .shown(id)
        .shown(account)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// The invitation whose secret has this public identifier; the secret's hash is not compared
/// here.
pub async fn by_lookup(conn: &mut Conn, lookup: Lookup) -> Result<Option<Invitation>, StoreError> {
    let row = conn
        .query(
            "SELECT id, account_id, email, role, lookup, hash, pepper_version, hint, created_at,
                 expires_at, row_version, seal
             FROM invitations WHERE lookup = $1",
        )
        .bind(lookup.to_text())
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Uses an invitation up, or withdraws it; whether it was still there. Of several at once exactly
/// one gets `true`.
pub async fn take(tx: &mut Tx, id: InvitationId) -> Result<bool, StoreError> {
    let query = tx.query("DELETE FROM invitations WHERE id = $1 RETURNING id");
    Ok(query.shown(id).fetch_optional().await?.is_some())
}

/// Every open invitation of the account, the oldest first; expired ones too.
pub async fn of_account(
    conn: &mut Conn,
    account: AccountId,
) -> Result<Vec<Invitation>, StoreError> {
    let rows = conn
        .query(
            "SELECT id, account_id, email, role, lookup, hash, pepper_version, hint, created_at,
                 expires_at, row_version, seal
             FROM invitations WHERE account_id = $1 ORDER BY id",
        )
        .shown(account)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}
