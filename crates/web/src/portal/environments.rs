//! `/environments`: live and test side by side.

use askama::Template;
use claviger_model::Environment;
use claviger_model::credentials::CredentialKind;
use claviger_model::roles::Permission;
use claviger_service::apis;
use claviger_service::environments::{self, EnvironmentFacts};

use super::settings::tabs;
use super::shell::{NavLink, may, told};
use super::{Answer, Band, Portal, Section, Shell, href};

/// Both environments.
#[derive(Template)]
#[template(path = "portal/environments.html")]
struct EnvironmentsPage {
    frame: Shell,
    tabs: Vec<NavLink>,
    environments: Vec<Shown>,
}

/// One environment.
struct Shown {
    name: &'static str,
    is_test: bool,
    apis: Vec<environments::ReachedApi>,
    prefixes: Vec<Prefix>,
    counts: Vec<Count>,
}

/// How one kind of credential begins.
struct Prefix {
    label: String,
    prefix: String,
}

/// How many there are of one kind of credential.
struct Count {
    label: String,
    number: i64,
    /// Where they are, for somebody who may see them.
    href: Option<String>,
}

/// Shows them.
pub async fn show(portal: Portal) -> Answer {
    let found = environments::facts(portal.web.app(), portal.place()?).await?;
    let shown = found.into_iter().map(|facts| of(&portal, facts));
    let page = EnvironmentsPage {
        environments: shown.collect(),
        tabs: tabs(&portal, Section::Environments),
        frame: portal.shell(Section::Environments, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

fn of(portal: &Portal, facts: EnvironmentFacts) -> Shown {
    let labels = &portal.web.app().settings().portal.labels;
    let offered = apis::offered_kinds(portal.web.app());
    let link = |path: &str| {
        may(portal, Permission::Settings).then(|| href(&portal.web, path, facts.environment))
    };
    let (mut prefixes, mut counts) = (Vec::new(), Vec::new());
    if offered.contains(&CredentialKind::ApiKey) {
        prefixes.push(Prefix {
            label: labels.api_keys.clone(),
            prefix: facts.key_prefix,
        });
        counts.push(Count {
            label: labels.api_keys.clone(),
            number: facts.counts.keys,
            href: link("/keys"),
        });
    }
    if offered.contains(&CredentialKind::AccessToken) {
        prefixes.push(Prefix {
            label: labels.client_secret.clone(),
            prefix: facts.client_secret_prefix,
        });
        counts.push(Count {
            label: labels.clients.clone(),
            number: facts.counts.clients,
            href: link("/clients"),
        });
    }
    Shown {
        name: told(facts.environment),
        is_test: facts.environment == Environment::Test,
        apis: facts.apis,
        prefixes,
        counts,
    }
}
