//! Roles that accounts made.

use claviger_model::ids::{AccountId, RoleId};
use claviger_model::roles::{Powers, Role};
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, json_text, one_row, open_good, open_one};

impl Stored for Role {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            account_id: fields.parsed()?,
            name: fields.text()?,
            powers: Powers {
                permissions: fields.json()?,
                scopes: fields.json()?,
            },
            created_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a role; a name that the account has conflicts with `roles.name`.
pub async fn insert(tx: &mut Tx, role: &Role) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(role);
    tx.query(
        "INSERT INTO roles
             (id, account_id, name, permissions, scopes, created_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .shown(role.id)
    .shown(role.account_id)
    .bind(role.name.as_str())
    .bind(json_text(&role.powers.permissions)?)
    .bind(json_text(&role.powers.scopes)?)
    .time(role.created_at)
    .bind(role.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed role over the version before it.
pub async fn update(tx: &mut Tx, role: &Role) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(role);
    let touched = tx
        .query(
            "UPDATE roles SET name = $2, permissions = $3, scopes = $4, row_version = $5, seal = $6
             WHERE id = $1 AND row_version = $5 - 1",
        )
        .shown(role.id)
        .bind(role.name.as_str())
        .bind(json_text(&role.powers.permissions)?)
        .bind(json_text(&role.powers.scopes)?)
        .bind(role.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, Role::TABLE)
}

/// Removes a role; whether it was there.
pub async fn delete(tx: &mut Tx, id: RoleId) -> Result<bool, StoreError> {
    let query = tx.query("DELETE FROM roles WHERE id = $1");
    Ok(query.shown(id).execute().await? == 1)
}

/// The role, of whichever account.
pub async fn get(conn: &mut Conn, id: RoleId) -> Result<Option<Role>, StoreError> {
    let row = conn
        .query(
            "SELECT id, account_id, name, permissions, scopes, created_at, row_version, seal
             FROM roles WHERE id = $1",
        )
        .shown(id)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Those of the roles that exist and can be trusted, in no particular order.
pub async fn by_ids(conn: &mut Conn, ids: &[RoleId]) -> Result<Vec<Role>, StoreError> {
    let rows = conn
        .query2(
            "SELECT id, account_id, name, permissions, scopes, created_at, row_version, seal
             FROM roles WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id, account_id, name, permissions, scopes, created_at, row_version, seal
             FROM roles WHERE id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// The account's role of this name.
pub async fn by_name(
    conn: &mut Conn,
    account: AccountId,
    name: &str,
) -> Result<Option<Role>, StoreError> {
    let row = conn
        .query(
            "SELECT id, account_id, name, permissions, scopes, created_at, row_version, seal
             FROM roles WHERE account_id = $1 AND name = $2",
        )
        .shown(account)
        .bind(name)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Every role that the account made, by name.
pub async fn of_account(conn: &mut Conn, account: AccountId) -> Result<Vec<Role>, StoreError> {
    let rows = conn
        .query(
            "SELECT id, account_id, name, permissions, scopes, created_at, row_version, seal
             FROM roles WHERE account_id = $1 ORDER BY name",
        )
        .shown(account)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}
