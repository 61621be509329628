//! The choice of scopes in forms, and how rows show them.

use claviger_service::scopes::{self, OfferedScope};

use super::Portal;
use super::form::{Choice, Field, Group};

/// How many scopes a row shows before it says how many more there are.
const SHOWN_IN_ROW: usize = 2;

/// Scopes in a row of a table: some, and how many more.
pub struct FewScopes {
    /// Some.
    pub some: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

/// The field `scopes`, with what the APIs offer, each with its sentence. What is held and not
/// offered any more stays to be chosen.
pub(super) fn field(portal: &Portal, label: &str, chosen: &[String]) -> Field {
    let offered = scopes::list(portal.web.app());
    let mut groups: Vec<Group> = Vec::new();
    for scope in &offered {
        let audience = scope.audiences.first().map_or("", String::as_str);
        let choice = choice(scope, chosen);
        match groups.iter_mut().find(|group| group.label == audience) {
            Some(group) => group.choices.push(choice),
            None => groups.push(Group {
                label: audience.to_owned(),
                choices: vec![choice],
            }),
        }
    }
    let is_known = |name: &String| offered.iter().any(|scope| scope.name.as_str() == name);
    let gone: Vec<Choice> = chosen
        .iter()
        .filter(|name| !is_known(name))
        .map(|name| Choice::new(name, name, true))
        .collect();
    if !gone.is_empty() {
        let label = "Not offered any more".to_owned();
        groups.push(Group {
            label,
            choices: gone,
        });
    }
    Field::several("scopes", label, groups)
}

fn choice(scope: &OfferedScope, chosen: &[String]) -> Choice {
    let name = scope.name.as_str();
    let mut label = name.to_owned();
    if !scope.description.is_empty() {
        label.push_str(" \u{2013} ");
        label.push_str(&scope.description);
    }
    if scope.sensitive {
        label.push_str(" (sensitive)");
    }
    Choice::new(name, label, chosen.iter().any(|chosen| chosen == name))
}

impl FewScopes {
    /// Of these.
    pub fn of(all: &[impl ToString]) -> Self {
        // One more than fits takes no more room than the number of them.
        let shown = if all.len() == SHOWN_IN_ROW + 1 {
            all.len()
        } else {
            SHOWN_IN_ROW
        };
        Self {
            some: all.iter().take(shown).map(ToString::to_string).collect(),
            more: all.len().saturating_sub(shown),
        }
    }
}
