//! Users, their memberships in accounts, operators and invitations.

use crate::credentials::StoredSecret;
use crate::ids::{AccountId, InvitationId, UserId};
use crate::roles::RoleRef;
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// How long an invitation can be accepted, in milliseconds: seven days.
pub const INVITATION_LIFETIME_MILLIS: i64 = 7 * crate::time::DAY_MILLIS;

/// A person who signs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Unique, in lower case.
    pub email: String,
    /// The argon2id hash in PHC form.
    pub password_hash: String,
    /// Since when the user may not sign in.
    pub suspended_at: Option<UnixMillis>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// Counts changes of the row.
    pub version: i64,
}

impl Sealed for User {
    const TABLE: &'static str = "users";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.id)
            .text(&self.email)
            .text(&self.password_hash)
            .optional(self.suspended_at, Columns::time)
            .time(self.created_at)
            .int(self.version);
    }
}

/// A user in an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// The account.
    pub account_id: AccountId,
    /// The user.
    pub user_id: UserId,
    /// What the user may do there.
    pub role: RoleRef,
    /// Since when.
    pub created_at: UnixMillis,
    /// Counts changes of the row.
    pub version: i64,
}

impl Sealed for Member {
    const TABLE: &'static str = "members";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.account_id)
            .shown(self.user_id)
            .shown(self.role)
            .time(self.created_at)
            .int(self.version);
    }
}

/// A user who runs the instance. Not a role: a principal of its own kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operator {
    /// The user.
    pub user_id: UserId,
    /// Since when.
    pub created_at: UnixMillis,
    /// Counts changes of the row.
    pub version: i64,
}

impl Sealed for Operator {
    const TABLE: &'static str = "operators";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.user_id)
            .time(self.created_at)
            .int(self.version);
    }
}

/// An offer to become a member, open until it is accepted, withdrawn or expired.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The account.
    pub account_id: AccountId,
    /// Whom it is for.
    pub email: String,
    /// The role that it gives.
    pub role: RoleRef,
    /// The stored form of the secret in its link.
    pub stored: StoredSecret,
    /// When it was made.
    pub created_at: UnixMillis,
    /// From when it cannot be accepted.
    pub expires_at: UnixMillis,
    /// Counts changes of the row.
    pub version: i64,
}

impl Sealed for Invitation {
    const TABLE: &'static str = "invitations";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.id)
            .shown(self.account_id)
            .text(&self.email)
            .shown(self.role);
        self.stored.columns(columns);
        columns
            .time(self.created_at)
            .time(self.expires_at)
            .int(self.version);
    }
}
