//! The members of an account.

mod add;
mod edit;
mod keys_made;
mod list;
mod remove;

use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, UserId};
use claviger_model::members::{Member, User};
use claviger_model::roles::{BuiltInRole, RoleRef};
use claviger_store::{Conn, members, users};
use serde_json::{Value, json};

pub(crate) use add::join;
pub use add::{Added, NewMember, add};
pub use edit::edit;
pub use keys_made::keys_made;
pub use list::{MemberPage, list, show, who_manages};
pub use remove::remove;

use crate::error::Error;
use crate::roles::{NamedRole, named};

/// A member as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedMember {
    /// The account.
    pub account_id: AccountId,
    /// The user.
    pub user_id: UserId,
    /// The user's address.
    pub email: String,
    /// What the user wants to be called.
    pub name: Option<String>,
    /// Since when the operator lets the user sign in nowhere.
    pub suspended_at: Option<UnixMillis>,
    /// Which role.
    pub role: RoleRef,
    /// What the role is called.
    pub role_name: String,
    /// Since when.
    pub created_at: UnixMillis,
    /// Counts changes of the membership.
    pub version: i64,
}

impl NamedMember {
    /// What to call the user: the name, else the address.
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.email)
    }

    fn new(member: &Member, user: &User, role_name: String, name: Option<String>) -> Self {
        Self {
            account_id: member.account_id,
            user_id: member.user_id,
            email: user.email.clone(),
            name,
            suspended_at: user.suspended_at,
            role: member.role,
            role_name,
            created_at: member.created_at,
            version: member.version,
        }
    }
}

/// A member of the account with its user and role; the role is none when it is gone.
async fn find(
    conn: &mut Conn,
    account_id: AccountId,
    user_id: UserId,
) -> Result<(Member, User, Option<NamedRole>), Error> {
    let member = members::get(conn, account_id, user_id).await?;
    let member = member.ok_or_else(|| Error::not_found("member"))?;
    let user = users::get(conn, user_id).await?;
    let user = user.ok_or_else(|| Error::not_found("member"))?;
    let role = named(conn, account_id, member.role).await?;
    Ok((member, user, role))
}

/// Refuses to take the last owner of an account away. The caller holds the account's lock.
async fn keep_an_owner(conn: &mut Conn, member: &Member) -> Result<(), Error> {
    let owner = RoleRef::BuiltIn(BuiltInRole::Owner);
    if member.role == owner && members::count_role(conn, member.account_id, owner).await? <= 1 {
        let message = "This is the last owner of the account. Make somebody else one first.";
        return Err(Error::conflict(message));
    }
    Ok(())
}

/// The members of a membership that an audit event tells of.
pub(crate) fn audited(member: &Member, email: &str) -> Value {
    json!({ "user_id": member.user_id, "email": email, "role": member.role.to_string() })
}
