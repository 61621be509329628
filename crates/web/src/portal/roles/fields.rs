//! The fields of a role's form, from what was typed to what the use case takes, and back.

use claviger_model::roles::Permission;
use claviger_service::roles::{NamedRole, RoleDraft};

use crate::pages::Fields;
use crate::portal::Portal;
use crate::portal::form::{Choice, Field, Form};
use crate::portal::team::permission_title;

/// The form with the fields of a role; `before` is the one that is edited.
pub(super) fn of(form: Form, portal: &Portal, typed: &Fields, before: Option<&NamedRole>) -> Form {
    let name = before.map(|role| role.name.clone()).unwrap_or_default();
    let held: Vec<String> = match before {
        Some(role) => role
            .powers
            .permissions
            .iter()
            .map(ToString::to_string)
            .collect(),
        None => Vec::new(),
    };
    let patterns = match before {
        Some(role) => role
            .powers
            .scopes
            .0
            .iter()
            .map(ToString::to_string)
            .collect(),
        None => vec!["read:*".to_owned()],
    };
    let chosen = typed.several("permissions", &held);
    let own = portal.session.user().place.as_ref();
    // What somebody does not hold is not theirs to give.
    let offered = Permission::ALL
        .into_iter()
        .filter(|permission| own.is_some_and(|place| place.powers.may(*permission)));
    let permissions = offered.map(|permission| {
        let word = permission.as_str();
        let is_chosen = chosen.iter().any(|one| one == word);
        Choice::new(word, permission_title(permission), is_chosen).hint(sentence(permission))
    });
    let form = match before.and_then(|role| role.version) {
        Some(version) => form.field(Field::hidden(
            "version",
            typed.text("version", &version.to_string()),
        )),
        None => form,
    };
    form.field(
        Field::line("name", "Name", typed.text("name", &name))
            .required()
            .length_max(200)
            .hint("Such as Support or Billing."),
    )
    .field(
        Field::checks("permissions", "Permissions", permissions.collect())
            .hint("What its members may do in this account."),
    )
    .field(
        Field::lines(
            "scopes",
            "Scopes",
            typed.text("scopes", &patterns.join("\n")),
            4,
        )
        .hint(
            "What apps and sessions may do for its members at the APIs: one scope a line. A star \
             at the end stands for any rest, as in read:*.",
        ),
    )
}

/// What was typed, for the use case.
pub(super) fn draft(typed: &Fields) -> RoleDraft {
    let patterns = typed.get("scopes").unwrap_or_default();
    let patterns = patterns.split(['\n', ',', ' ']).map(str::trim);
    RoleDraft {
        name: Some(typed.get("name").unwrap_or_default().to_owned()),
        permissions: Some(typed.all("permissions").map(str::to_owned).collect()),
        scopes: Some(
            patterns
                .filter(|pattern| !pattern.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
    }
}

/// What somebody with a permission may do.
fn sentence(permission: Permission) -> &'static str {
    match permission {
        Permission::Settings => "Creates, edits and revokes the account's credentials.",
        Permission::Team => "Invites and removes members, and makes roles.",
        Permission::Evidence => "Reads usage, decisions and the audit log.",
        Permission::Account => "Renames the account, and whatever ends it.",
    }
}
