//! Roles: the built-in ones and those that an account makes.

mod create;
mod delete;
mod edit;
mod list;

use claviger_model::ids::AccountId;
use claviger_model::roles::{BuiltInRole, InvalidRole, Permission, Powers, Role, RoleRef};
use claviger_model::scopes::{ScopePatterns, parse_names};
use claviger_model::{Problems, Reason, UnixMillis, text};
use claviger_store::{Conn, StoreError, roles};
use serde_json::{Value, json};

pub use create::create;
pub use delete::delete;
pub use edit::edit;
pub use list::{list, show};

use crate::error::Error;

/// What a role is asked to be; what is absent stays, or is empty at the start.
#[derive(Clone, Default, Debug)]
pub struct RoleDraft {
    /// Its name, unique in the account.
    pub name: Option<String>,
    /// The words of its permissions.
    pub permissions: Option<Vec<String>>,
    /// Scope names, where a final `*` stands for any rest.
    pub scopes: Option<Vec<String>>,
}

/// A role as it is shown: built in or the account's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedRole {
    /// Which one.
    pub role: RoleRef,
    /// Its name.
    pub name: String,
    /// What it comes down to.
    pub powers: Powers,
    /// When it was made; none for a built-in one.
    pub created_at: Option<UnixMillis>,
    /// Counts its changes; none for a built-in one, which cannot be changed.
    pub version: Option<i64>,
}

impl From<BuiltInRole> for NamedRole {
    fn from(role: BuiltInRole) -> Self {
        Self {
            role: RoleRef::BuiltIn(role),
            name: role.as_str().to_owned(),
            powers: role.powers(),
            created_at: None,
            version: None,
        }
    }
}

impl From<Role> for NamedRole {
    fn from(role: Role) -> Self {
        Self {
            role: RoleRef::Custom(role.id),
            name: role.name,
            powers: role.powers,
            created_at: Some(role.created_at),
            version: Some(role.version),
        }
    }
}

/// What the roles of an account are called, for lists.
pub(crate) struct RoleNames(Vec<Role>);

impl RoleNames {
    pub(crate) async fn load(conn: &mut Conn, account_id: AccountId) -> Result<Self, StoreError> {
        roles::of_account(conn, account_id).await.map(Self)
    }

    /// The name; the id of one that is gone.
    pub(crate) fn of(&self, role: RoleRef) -> String {
        let made = self.0.iter().find(|made| RoleRef::Custom(made.id) == role);
        made.map_or_else(|| role.to_string(), |made| made.name.clone())
    }
}

/// The role that a text names in an account: a built-in one, an id, or a name.
pub(crate) async fn resolve(
    conn: &mut Conn,
    account_id: AccountId,
    text: &str,
) -> Result<NamedRole, Error> {
    let text = text.trim();
    let found = match text.parse() {
        Ok(role) => named(conn, account_id, role).await?,
        // Only what can be a name is looked for.
        Err(InvalidRole) if text::name(text).is_ok() => roles::by_name(conn, account_id, text)
            .await?
            .map(NamedRole::from),
        Err(InvalidRole) => None,
    };
    found.ok_or_else(|| Error::invalid("role", InvalidRole.to_string()))
}

/// The role behind a reference; none when the account has no such one, or not any more.
pub(crate) async fn named(
    conn: &mut Conn,
    account_id: AccountId,
    role: RoleRef,
) -> Result<Option<NamedRole>, StoreError> {
    match role {
        RoleRef::BuiltIn(role) => Ok(Some(role.into())),
        RoleRef::Custom(id) => {
            let role = roles::get(conn, id).await?;
            Ok(role
                .filter(|role| role.account_id == account_id)
                .map(NamedRole::from))
        }
    }
}

/// A role that the account made and may change.
async fn find(conn: &mut Conn, account_id: AccountId, role: RoleRef) -> Result<Role, Error> {
    let RoleRef::Custom(id) = role else {
        let message = "The built-in roles cannot be changed. Make one of your own.";
        return Err(Error::because(Reason::Conflict, message));
    };
    let found = roles::get(conn, id)
        .await?
        .filter(|role| role.account_id == account_id);
    found.ok_or_else(|| Error::not_found("role"))
}

impl RoleDraft {
    /// Name and powers after the draft is applied to those before; all problems at once.
    fn apply(&self, before: (&str, &Powers)) -> Result<(String, Powers), Problems> {
        let mut problems = Problems::default();
        let mut name = before.0.to_owned();
        if let Some(text) = &self.name {
            name = problems.check("name", text::name(text)).unwrap_or_default();
            // Such a name could never be told from a built-in role or an id.
            if name.to_lowercase().parse::<RoleRef>().is_ok() {
                problems.add("name", "must not be the name or id of another role");
            }
        }
        let mut powers = before.1.clone();
        if let Some(words) = &self.permissions {
            powers.permissions = parse_permissions(words, &mut problems);
        }
        if let Some(patterns) = &self.scopes {
            powers.scopes = ScopePatterns(parse_names("scopes", patterns, &mut problems));
        }
        problems.into_result().map(|()| (name, powers))
    }
}

/// In the order of the list of all, without repetitions.
fn parse_permissions(words: &[String], problems: &mut Problems) -> Vec<Permission> {
    let parsed = words.iter().enumerate().filter_map(|(position, word)| {
        let permission = Permission::parse(word);
        if permission.is_none() {
            let sentence = "must be one of settings, team, evidence, account";
            problems.add(format!("permissions[{position}]"), sentence);
        }
        permission
    });
    let asked: Vec<Permission> = parsed.collect();
    Permission::ALL
        .into_iter()
        .filter(|permission| asked.contains(permission))
        .collect()
}

/// Refuses a name that another role of the account has.
async fn check_name(
    conn: &mut Conn,
    account_id: AccountId,
    name: &str,
    own: Option<claviger_model::ids::RoleId>,
) -> Result<(), Error> {
    let found = roles::by_name(conn, account_id, name).await?;
    if found.is_some_and(|role| Some(role.id) != own) {
        return Err(Error::conflict(
            "The account has a role of this name already.",
        ));
    }
    Ok(())
}

/// The members of a role that an audit event tells of.
fn audited(role: &Role) -> Value {
    json!({
        "name": role.name,
        "permissions": role.powers.permissions,
        "scopes": role.powers.scopes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_draft_is_checked_as_a_whole() {
        let none = Powers {
            permissions: Vec::new(),
            scopes: ScopePatterns(Vec::new()),
        };
        let draft = RoleDraft {
            name: Some("Owner ".to_owned()),
            permissions: Some(words(&["settings", "everything"])),
            scopes: Some(words(&["read:*", "a b"])),
        };
        let problems = draft.apply(("", &none)).unwrap_err();
        let members: Vec<_> = problems.members().keys().map(String::as_str).collect();
        assert_eq!(members, ["name", "permissions[1]", "scopes[1]"]);
        let draft = RoleDraft {
            permissions: Some(words(&["team", "settings", "team"])),
            ..RoleDraft::default()
        };
        let (name, powers) = draft.apply(("Support", &none)).unwrap();
        assert_eq!(name, "Support");
        assert_eq!(powers.permissions, [Permission::Settings, Permission::Team]);
    }
}
