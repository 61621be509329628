//! Who acts by a session: everything that must hold of them now, in one statement, since every
//! request of theirs asks.

use claviger_model::accounts::Account;
use claviger_model::ids::{AccountId, UserId};
use claviger_model::keyring::Keyring;
use claviger_model::members::{Member, Operator, User};
use claviger_model::roles::Role;
use claviger_model::seal::Sealed as _;

use crate::db::{Conn, Row};
use crate::error::StoreError;
use crate::rows::{Fields, Stored};

/// A user with what they are, in one account if one is given.
pub struct Principal {
    /// The user.
    pub user: User,
    /// What they are called.
    pub name: Option<String>,
    /// That they are an operator.
    pub operator: Option<Operator>,
    /// The account.
    pub account: Option<Account>,
    /// That they are its member.
    pub member: Option<Member>,
    /// The member's role, if the account made it.
    pub role: Option<Role>,
}

/// The columns of the tables that are joined, in their order, each with its seal.
const USER: usize = 0;
const OPERATOR: usize = USER + 7;
const ACCOUNT: usize = OPERATOR + 4;
const MEMBER: usize = ACCOUNT + 6;
const ROLE: usize = MEMBER + 6;
const NAME: usize = ROLE + 8;

/// The user, as they are in the account.
pub async fn get(
    conn: &mut Conn,
    user: UserId,
    account: Option<AccountId>,
) -> Result<Option<Principal>, StoreError> {
    let row = conn
        .query(
            "SELECT u.id, u.email, u.password_hash, u.suspended_at, u.created_at, u.row_version,
                 u.seal,
                 o.user_id, o.created_at, o.row_version, o.seal,
                 a.id, a.name, a.suspended_at, a.created_at, a.row_version, a.seal,
                 m.account_id, m.user_id, m.role, m.created_at, m.row_version, m.seal,
                 r.id, r.account_id, r.name, r.permissions, r.scopes, r.created_at, r.row_version,
                 r.seal,
                 p.name
             FROM users u
             LEFT JOIN operators o ON o.user_id = u.id
             LEFT JOIN accounts a ON a.id = $2
             LEFT JOIN members m ON m.account_id = a.id AND m.user_id = u.id
             LEFT JOIN roles r ON r.id = m.role
             LEFT JOIN user_profiles p ON p.user_id = u.id
             WHERE u.id = $1",
        )
        .shown(user)
        .shown_option(account)
        .fetch_optional()
        .await?;
    row.map(|row| opened(&row, conn.keyring())).transpose()
}

fn opened(row: &Row, keyring: &Keyring) -> Result<Principal, StoreError> {
    Ok(Principal {
        user: Fields::from(User::TABLE, row, USER).sealed(keyring)?,
        name: row.get(NAME)?,
        operator: joined(row, OPERATOR, keyring)?,
        account: joined(row, ACCOUNT, keyring)?,
        member: joined(row, MEMBER, keyring)?,
        role: joined(row, ROLE, keyring)?,
    })
}

/// The row of another table, if there is one: none has an empty id.
fn joined<T: Stored>(row: &Row, first: usize, keyring: &Keyring) -> Result<Option<T>, StoreError> {
    let id: Option<String> = row.get(first)?;
    let there = id.map(|_| Fields::from(T::TABLE, row, first).sealed(keyring));
    there.transpose()
}
