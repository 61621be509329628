//! `/environments`: live and test side by side, and the sandbox's resets.

pub mod reset;

use askama::Template;
use claviger_model::Environment;
use claviger_model::credentials::CredentialKind;
use claviger_model::roles::Permission;
use claviger_service::environments::{self, EnvironmentFacts};
use claviger_service::sandbox::{self, SandboxFacts};
use claviger_service::{apis, users};

use super::parts::When;
use super::settings::tabs;
use super::shell::{NavLink, may, told};
use super::{Answer, Band, Portal, Section, Shell, href};
use crate::error::Failure;

/// The path, without the issuer's.
pub(super) const PATH: &str = "/environments";

/// Both environments.
#[derive(Template)]
#[template(path = "portal/environments.html")]
struct EnvironmentsPage {
    frame: Shell,
    tabs: Vec<NavLink>,
    environments: Vec<Shown>,
    sandbox: Sandbox,
    is_reset: bool,
}

/// The resets of the test environment.
struct Sandbox {
    /// When it is reset by itself; none when it never is.
    next: Option<When>,
    /// The last reset, and by whom.
    last: Option<(When, String)>,
    /// What a reset clears, and what it keeps.
    clears: Vec<String>,
    keeps: Vec<String>,
    /// Where it is reset, for somebody who may.
    reset: Option<String>,
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
    let app = portal.web.app();
    let found = environments::facts(app, portal.place()?).await?;
    let facts = sandbox::facts(app, portal.place()?).await?;
    let shown = found.into_iter().map(|facts| of(&portal, facts));
    let page = EnvironmentsPage {
        environments: shown.collect(),
        sandbox: of_sandbox(&portal, facts).await?,
        is_reset: portal.query.get("done") == Some("reset"),
        tabs: tabs(&portal, Section::Environments),
        frame: portal.shell(Section::Environments, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

async fn of_sandbox(portal: &Portal, facts: SandboxFacts) -> Result<Sandbox, Failure> {
    let app = portal.web.app();
    let now = app.sources().now();
    let last = match &facts.last {
        Some(last) => {
            let names = users::actor_names(app, [last.actor.as_str()]).await?;
            let who = match last.actor.as_str() {
                "system" => "by itself".to_owned(),
                actor => format!("by {}", users::told(&names, actor)),
            };
            Some((When::of(last.at, now), who))
        }
        None => None,
    };
    let may_reset = may(portal, Permission::Settings);
    Ok(Sandbox {
        next: facts.next.map(|next| When::of(next, now)),
        last,
        clears: clears(facts.has_demo),
        keeps: keeps(),
        reset: may_reset.then(|| href(&portal.web, format!("{PATH}/reset"), Environment::Live)),
    })
}

/// What a reset clears.
fn clears(has_demo: bool) -> Vec<String> {
    let mut clears = vec![
        "What users allowed test apps to do, with their refresh tokens.".to_owned(),
        "Every access token of the test clients of this account.".to_owned(),
        "Decisions and usage of test requests.".to_owned(),
    ];
    if has_demo {
        let demo =
            "What this account added to the sandbox of the demo API; what others added stays.";
        clears.push(demo.to_owned());
    }
    clears
}

/// What a reset keeps.
fn keeps() -> Vec<String> {
    vec![
        "Test keys, clients and their secrets: they go on working.".to_owned(),
        "How many tokens each client got today, and the audit log.".to_owned(),
        "Everything live.".to_owned(),
    ]
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
