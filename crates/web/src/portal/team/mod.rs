//! The team: members, invitations, and the forms about one of them.

pub mod invite;
pub mod list;
pub mod member;
pub mod withdraw;

use claviger_model::roles::{BuiltInRole, Permission, RoleRef};
use claviger_service::access::TeamAccess;
use claviger_service::roles::{self, NamedRole};
use http::StatusCode;

use super::Portal;
use super::form::{Choice, Field, Form};
use super::shell::capital;
use crate::error::Failure;

/// The path of the list, without the issuer's.
pub(super) const PATH: &str = "/team";
/// What the list is called.
pub(super) const TITLE: &str = "Team and roles";
/// Up to how many roles are all seen at once.
const SEEN_AT_ONCE: usize = 8;

/// The list: where the pages of a member lead back to.
fn back(portal: &Portal) -> (String, String) {
    (portal.href(PATH), TITLE.to_owned())
}

/// What a role is called on pages.
pub(super) fn role_title(role: &NamedRole) -> String {
    match role.role {
        RoleRef::BuiltIn(_) => capital(&role.name),
        RoleRef::Custom(_) => role.name.clone(),
    }
}

/// What somebody with the role may do, in a few words.
pub(super) fn role_sentence(role: &NamedRole) -> String {
    let sentence = match role.role {
        RoleRef::BuiltIn(BuiltInRole::Owner) => "Everything, also the account itself.",
        RoleRef::BuiltIn(BuiltInRole::Admin) => "Credentials, team and evidence.",
        RoleRef::BuiltIn(BuiltInRole::Developer) => {
            "Sees usage, decisions and the audit log. Makes no credentials."
        }
        RoleRef::BuiltIn(BuiltInRole::Viewer) => "Lets apps read. Manages nothing.",
        RoleRef::Custom(_) if role.powers.permissions.is_empty() => "Manages nothing.",
        RoleRef::Custom(_) => {
            let held = role.powers.permissions.iter();
            let held: Vec<String> = held.map(|one| permission_title(*one)).collect();
            return format!("{}.", held.join(", "));
        }
    };
    sentence.to_owned()
}

/// What a permission is called on pages.
pub(super) fn permission_title(permission: Permission) -> String {
    capital(permission.as_str())
}

/// The roles that the caller may give, one of them chosen.
async fn role_field(portal: &Portal, access: &TeamAccess, chosen: &str) -> Result<Field, Failure> {
    let roles = roles::list(portal.web.app(), access).await?;
    let offered = roles.iter().filter(|role| access.may_give(&role.powers));
    let choices: Vec<Choice> = offered
        .map(|role| {
            let value = role.role.to_string();
            let is_chosen = value == chosen;
            Choice::new(value, role_title(role), is_chosen).hint(role_sentence(role))
        })
        .collect();
    let field = if choices.len() > SEEN_AT_ONCE {
        Field::pick("role", "Role", choices)
    } else {
        Field::radios("role", "Role", choices)
    };
    Ok(field
        .required()
        .hint("What is offered holds no more than your own role."))
}

/// The form after a use case refused it; a role above one's own is a matter of the form.
pub(super) fn refused(
    mut form: Form,
    portal: &Portal,
    error: claviger_service::Error,
) -> Result<Form, Failure> {
    if error.reason() != claviger_model::Reason::PermissionRequired {
        return form.refused(portal, error);
    }
    form.problem = Some(error.to_string());
    form.status = StatusCode::FORBIDDEN;
    Ok(form)
}
