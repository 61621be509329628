//! Accounts: the operator's customers.

use serde::Serialize;

use crate::ids::AccountId;
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// Whether an account's credentials work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase", tag = "status")]
pub enum AccountStatus {
    /// They do.
    Active,
    /// None does, and nobody of the account acts, until the operator makes it active again.
    Suspended {
        /// Since when.
        at: UnixMillis,
    },
}

impl AccountStatus {
    /// The word in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended { .. } => "suspended",
        }
    }

    /// Since when it is suspended.
    pub const fn suspended_at(self) -> Option<UnixMillis> {
        match self {
            Self::Active => None,
            Self::Suspended { at } => Some(at),
        }
    }
}

/// A customer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Whether its credentials work.
    pub status: AccountStatus,
    /// When the operator made it.
    pub created_at: UnixMillis,
    /// Counts changes of the row.
    pub version: i64,
}

impl Account {
    /// Suspends it; one that is suspended keeps its first date.
    #[must_use]
    pub fn suspend(self, at: UnixMillis) -> Self {
        match self.status {
            AccountStatus::Active => self.with_status(AccountStatus::Suspended { at }),
            AccountStatus::Suspended { .. } => self,
        }
    }

    /// Makes it active.
    #[must_use]
    pub fn activate(self) -> Self {
        match self.status {
            AccountStatus::Active => self,
            AccountStatus::Suspended { .. } => self.with_status(AccountStatus::Active),
        }
    }

    /// Gives it another name.
    #[must_use]
    pub fn rename(self, name: String) -> Self {
        if self.name == name {
            return self;
        }
        Self {
            name,
            version: self.version + 1,
            ..self
        }
    }

    fn with_status(self, status: AccountStatus) -> Self {
        Self {
            status,
            version: self.version + 1,
            ..self
        }
    }
}

impl Sealed for Account {
    const TABLE: &'static str = "accounts";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.id)
            .text(&self.name)
            .optional(self.status.suspended_at(), Columns::time)
            .time(self.created_at)
            .int(self.version);
    }
}
