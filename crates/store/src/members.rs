//! Users in accounts.

use claviger_model::ids::{AccountId, UserId};
use claviger_model::members::{Member, User};
use claviger_model::roles::RoleRef;
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, good, json_text, one_row, open_good, open_one};

impl Stored for Member {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            account_id: fields.parsed()?,
            user_id: fields.parsed()?,
            role: fields.parsed()?,
            created_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a member; one who is there already conflicts with `members.user_id`.
pub async fn insert(tx: &mut Tx, member: &Member) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(member);
    tx.query(
        "INSERT INTO members (account_id, user_id, role, created_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .shown(member.account_id)
    .shown(member.user_id)
    .shown(member.role)
    .time(member.created_at)
    .bind(member.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes a changed member over the version before it.
pub async fn update(tx: &mut Tx, member: &Member) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(member);
    let touched = tx
        .query(
            "UPDATE members SET role = $3, row_version = $4, seal = $5
             WHERE account_id = $1 AND user_id = $2 AND row_version = $4 - 1",
        )
        .shown(member.account_id)
        .shown(member.user_id)
        .shown(member.role)
        .bind(member.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, Member::TABLE)
}

/// Removes a member; whether it was there.
pub async fn delete(tx: &mut Tx, account: AccountId, user: UserId) -> Result<bool, StoreError> {
    let removed = tx
        .query("DELETE FROM members WHERE account_id = $1 AND user_id = $2")
        .shown(account)
        .shown(user)
        .execute()
        .await?;
    Ok(removed == 1)
}

/// The member.
pub async fn get(
    conn: &mut Conn,
    account: AccountId,
    user: UserId,
) -> Result<Option<Member>, StoreError> {
    let row = conn
        .query(
            "SELECT account_id, user_id, role, created_at, row_version, seal
             FROM members WHERE account_id = $1 AND user_id = $2",
        )
        .shown(account)
        .shown(user)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// A page of the account's members, in the order of their users' ids. A short page is the last,
/// unless a row of it is bad: those are left out.
pub async fn of_account(
    conn: &mut Conn,
    account: AccountId,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<(Member, User)>, StoreError> {
    let rows = conn
        .query(
            "SELECT m.account_id, m.user_id, m.role, m.created_at, m.row_version, m.seal,
                 u.id, u.email, u.password_hash, u.suspended_at, u.created_at, u.row_version,
                 u.seal
             FROM members m JOIN users u ON u.id = m.user_id
             WHERE m.account_id = $1 AND m.user_id > $2 ORDER BY m.user_id LIMIT $3",
        )
        .shown(account)
        .bind(after.map_or_else(String::new, |id| id.to_string()))
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    let keyring = conn.keyring();
    let pair = |row| {
        let mut fields = Fields::of(Member::TABLE, row);
        let member = fields.sealed(keyring)?;
        let user = Fields::from(User::TABLE, row, fields.position()).sealed(keyring)?;
        Ok((member, user))
    };
    Ok(rows.iter().map(pair).filter_map(good).collect())
}

/// Every membership of a user.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Member>, StoreError> {
    let rows = conn
        .query(
            "SELECT account_id, user_id, role, created_at, row_version, seal
             FROM members WHERE user_id = $1 ORDER BY account_id",
        )
        .shown(user)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// Those of the memberships that exist and can be trusted.
pub async fn of_pairs(
    conn: &mut Conn,
    pairs: &[(AccountId, UserId)],
) -> Result<Vec<Member>, StoreError> {
    let rows = conn
        .query2(
            "SELECT m.account_id, m.user_id, m.role, m.created_at, m.row_version, m.seal
             FROM json_each($1) AS e
             JOIN members m ON m.account_id = e.value ->> 0 AND m.user_id = e.value ->> 1",
            "SELECT m.account_id, m.user_id, m.role, m.created_at, m.row_version, m.seal
             FROM jsonb_array_elements(CAST($1 AS jsonb)) AS e(v)
             JOIN members m ON m.account_id = v ->> 0 AND m.user_id = v ->> 1",
        )
        .bind(json_text(pairs)?)
        .fetch_all()
        .await?;
    Ok(open_good(conn, &rows))
}

/// How many members of the account have the role.
pub async fn count_role(
    conn: &mut Conn,
    account: AccountId,
    role: RoleRef,
) -> Result<i64, StoreError> {
    let query = conn.query("SELECT COUNT(*) FROM members WHERE account_id = $1 AND role = $2");
    query.shown(account).shown(role).fetch_one().await?.get(0)
}
