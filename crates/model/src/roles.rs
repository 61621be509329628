//! Roles: what a member of an account may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, RoleId};
use crate::scopes::{ScopeName, ScopePatterns};
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// What a role lets its members do in the account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Create, edit and revoke the account's credentials.
    Settings,
    /// Invite and remove members, and make roles.
    Team,
    /// Read usage, decisions and the audit log.
    Evidence,
    /// Everything that ends or renames the account itself.
    Account,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Settings, Self::Team, Self::Evidence, Self::Account];

    /// The word in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Team => "team",
            Self::Evidence => "evidence",
            Self::Account => "account",
        }
    }

    /// The permission that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == word)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a role comes down to: its permissions and the scopes of its sessions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Powers {
    /// What its members may do in the account.
    pub permissions: Vec<Permission>,
    /// What their sessions may do at the APIs.
    pub scopes: ScopePatterns,
}

impl Powers {
    /// Whether it holds `permission`.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Whether somebody with these powers may give `other` away: nobody gives more than they have.
    pub fn cover(&self, other: &Self) -> bool {
        other
            .permissions
            .iter()
            .all(|permission| self.may(*permission))
            && self.scopes.cover_all(&other.scopes)
    }
}

/// The roles that every account has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BuiltInRole {
    /// Everything.
    Owner,
    /// Everything but the account itself.
    Admin,
    /// Reads evidence and uses every scope that is not an administrator's.
    Developer,
    /// Uses the scopes that read.
    Viewer,
}

impl BuiltInRole {
    /// All of them, the most powerful first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Developer, Self::Viewer];

    /// The role's name, which is also its id.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Developer => "developer",
            Self::Viewer => "viewer",
        }
    }

    /// The role that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// What it comes down to.
    pub fn powers(self) -> Powers {
        let (permissions, patterns): (&[Permission], &[&str]) = match self {
            Self::Owner => (&Permission::ALL, &["*"]),
            Self::Admin => (
                &[Permission::Settings, Permission::Team, Permission::Evidence],
                &["*"],
            ),
            Self::Developer => (&[Permission::Evidence], &["read:*", "write:*", "webhooks"]),
            Self::Viewer => (&[], &["read:*"]),
        };
        let scopes = patterns
            .iter()
            .filter_map(|pattern| ScopeName::new(pattern).ok())
            .collect();
        Powers {
            permissions: permissions.to_vec(),
            scopes: ScopePatterns(scopes),
        }
    }
}

/// Which role a member has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RoleRef {
    /// One that every account has.
    BuiltIn(BuiltInRole),
    /// One that the account made.
    Custom(RoleId),
}

/// A text that names no role.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be owner, admin, developer, viewer, or the name or id of a role of the account")]
pub struct InvalidRole;

impl fmt::Display for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(role) => f.write_str(role.as_str()),
            Self::Custom(id) => fmt::Display::fmt(id, f),
        }
    }
}

impl FromStr for RoleRef {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        BuiltInRole::parse(text)
            .map(Self::BuiltIn)
            .or_else(|| text.parse().ok().map(Self::Custom))
            .ok_or(InvalidRole)
    }
}

/// A role that an account made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Whose it is.
    pub account_id: AccountId,
    /// Its name, unique in the account, none of the built-in ones.
    pub name: String,
    /// What it comes down to.
    pub powers: Powers,
    /// When it was made.
    pub created_at: UnixMillis,
    /// Counts changes of the row.
    pub version: i64,
}

impl Sealed for Role {
    const TABLE: &'static str = "roles";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.id)
            .shown(self.account_id)
            .text(&self.name)
            .list(&self.powers.permissions)
            .list(&self.powers.scopes.0)
            .time(self.created_at)
            .int(self.version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_role_covers_the_ones_below_it() {
        for (position, role) in BuiltInRole::ALL.iter().enumerate() {
            for lower in &BuiltInRole::ALL[position..] {
                assert!(role.powers().cover(&lower.powers()), "{role:?} {lower:?}");
            }
            for higher in &BuiltInRole::ALL[..position] {
                assert!(
                    !role.powers().cover(&higher.powers()),
                    "{role:?} {higher:?}"
                );
            }
        }
    }

    #[test]
    fn only_owner_and_admin_manage_credentials() {
        let managers = BuiltInRole::ALL
            .into_iter()
            .filter(|r| r.powers().may(Permission::Settings));
        assert_eq!(
            managers.collect::<Vec<_>>(),
            [BuiltInRole::Owner, BuiltInRole::Admin]
        );
    }
}
