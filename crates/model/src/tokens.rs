//! Management tokens: credentials for automation at `/v1/keys`.

use std::fmt;

use crate::credentials::StoredSecret;
use crate::ids::{AccountId, ManagementTokenId};
use crate::scopes::ScopeName;
use crate::seal::{Columns, Sealed};
use crate::time::{DAY_MILLIS, UnixMillis};

/// How long a management token lives when nothing else is asked for, in milliseconds: one day.
pub const MANAGEMENT_TOKEN_LIFETIME_MILLIS: i64 = DAY_MILLIS;
/// The longest life of a management token, in milliseconds: one year.
pub const MANAGEMENT_TOKEN_LIFETIME_MILLIS_MAX: i64 = 366 * DAY_MILLIS;

/// What a management token may do at the management routes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ManagementScope {
    /// List and show keys.
    KeysRead,
    /// Create, edit and revoke keys.
    KeysWrite,
}

impl ManagementScope {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::KeysRead, Self::KeysWrite];

    /// The scope's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
        }
    }

    /// The management scope that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

impl fmt::Display for ManagementScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A management token of an account. It can hand on only the API scopes that it holds itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManagementToken {
    /// Its id.
    pub id: ManagementTokenId,
    /// Whose keys it manages.
    pub account_id: AccountId,
    /// What it is for.
    pub name: String,
    /// Management scopes, and the API scopes that it may hand on.
    pub scopes: Vec<ScopeName>,
    /// The stored form.
    pub stored: StoredSecret,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it ends.
    pub expires_at: UnixMillis,
    /// When it was revoked.
    pub revoked_at: Option<UnixMillis>,
    /// Counts changes of the row.
    pub version: i64,
}

impl ManagementToken {
    /// Revokes it; one that is revoked keeps its first date.
    #[must_use]
    pub fn revoke(self, at: UnixMillis) -> Self {
        if self.revoked_at.is_some() {
            return self;
        }
        Self {
            revoked_at: Some(at),
            version: self.version + 1,
            ..self
        }
    }
}

impl Sealed for ManagementToken {
    const TABLE: &'static str = "management_tokens";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.id)
            .shown(self.account_id)
            .text(&self.name)
            .list(&self.scopes);
        self.stored.columns(columns);
        columns
            .time(self.created_at)
            .time(self.expires_at)
            .optional(self.revoked_at, Columns::time)
            .int(self.version);
    }
}
