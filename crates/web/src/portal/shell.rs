//! What stands around every page of the portal: where one can go, whose things these are and which
//! data they reach.

use std::ops::Deref;

use claviger_model::Environment;
use claviger_model::credentials::CredentialKind;
use claviger_model::roles::Permission;
use claviger_service::settings::Labels;
use claviger_service::{accounts, apis, users};

use super::Portal;
use super::account::switch;
use crate::error::Failure;
use crate::pages::{Frame, assets};

/// Which entry of the navigation a page belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// `/`.
    Overview,
    /// `/credentials`.
    Credentials,
    /// `/keys`.
    Keys,
    /// `/clients`.
    Clients,
    /// `/apps`.
    Apps,
    /// `/connected-apps`.
    ConnectedApps,
    /// `/usage`.
    Usage,
    /// `/decisions`.
    Decisions,
    /// `/audit`.
    Audit,
    /// `/settings`.
    Settings,
    /// `/team` and `/roles`.
    Team,
    /// `/environments`.
    Environments,
    /// `/webhooks`.
    Webhooks,
    /// `/account`.
    Account,
    /// `/operator`.
    Operator,
    /// `/operator/accounts`.
    Accounts,
    /// `/operator/apis`.
    Apis,
    /// `/operator/signing-keys`.
    SigningKeys,
    /// `/operator/policies`.
    Policies,
    /// `/operator/operators`.
    Operators,
    /// `/operator/webhooks`.
    InstanceWebhooks,
    /// Something that no entry leads to.
    Elsewhere,
}

/// Whether the page is about one environment's things, and where the others are.
#[derive(Clone, Debug)]
pub enum Band {
    /// It is about both or neither.
    Neither,
    /// It is about one; the others are at this path, without the issuer's.
    At(String),
}

/// What stands around a page of the portal. It is a [`Frame`] with more.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing of its own"
)]
pub struct Shell {
    frame: Frame,
    /// The name of the account, for operators who are in none the instance's.
    pub account: String,
    /// What stands behind a page's own title.
    pub place: String,
    /// Where one can go.
    pub groups: Vec<NavGroup>,
    /// The links to the environments, and which one this is.
    pub environments: Option<[EnvironmentLink; 2]>,
    /// Whether what is shown is test data alone.
    pub is_test: bool,
    /// What the signed-in person is called.
    pub person: String,
    /// The person's role or office, if there is one.
    pub role: Option<String>,
    /// The token of the forms of this session.
    pub form_token: String,
    /// What the page with one's own settings is called.
    pub account_settings: String,
    /// Whether this is that page.
    pub is_own_settings: bool,
    /// Where one goes on in another account, for somebody who can.
    pub switch: Option<String>,
    /// Whether keys can be searched.
    pub may_search: bool,
    /// Whether the page came about because a form was out of date.
    pub out_of_date: bool,
    /// The scripts of every page.
    pub scripts: Vec<String>,
}

/// Entries that belong together.
pub struct NavGroup {
    /// What they are, where that leads somewhere itself.
    pub head: Option<NavLink>,
    /// What they are, where it does not.
    pub title: Option<&'static str>,
    /// The entries.
    pub links: Vec<NavLink>,
}

/// An entry of the navigation.
pub struct NavLink {
    /// Where it leads, with the issuer's path.
    pub href: String,
    /// What it is called.
    pub label: String,
    /// Whether the page is there.
    pub is_current: bool,
}

/// A link to an environment's things.
pub struct EnvironmentLink {
    /// Where it leads, with the issuer's path.
    pub href: String,
    /// What it is called.
    pub label: &'static str,
    /// Whether the page is there.
    pub is_current: bool,
}

impl Deref for Shell {
    type Target = Frame;

    fn deref(&self) -> &Frame {
        &self.frame
    }
}

impl Shell {
    /// What stands around a page of this section.
    pub(super) async fn of(portal: &Portal, section: Section, band: Band) -> Result<Self, Failure> {
        let app = portal.web.app();
        let user = portal.session.user();
        let frame = Frame::of(&portal.web, &portal.session);
        let account = match &user.place {
            Some(place) => accounts::own(app, place).await?.name,
            None => frame.product.clone(),
        };
        let names = users::names(app, &[user.user_id]).await?;
        let person = names.into_values().next();
        let role = user.place.as_ref().and_then(|place| place.role);
        let environments = match band {
            Band::Neither => None,
            Band::At(path) => Some(Environment::ALL.map(|environment| EnvironmentLink {
                href: super::href(&portal.web, &path, environment),
                label: told(environment),
                is_current: environment == portal.environment,
            })),
        };
        let which = match &environments {
            Some(_) => format!(" ({})", told(portal.environment)),
            None => String::new(),
        };
        Ok(Self {
            place: format!("{account} - {}{which}", frame.product),
            account,
            groups: groups(portal, section),
            is_test: environments.is_some() && portal.environment == Environment::Test,
            environments,
            person: person.unwrap_or_else(|| user.email.clone()),
            role: match role {
                Some(claviger_model::roles::RoleRef::BuiltIn(role)) => Some(capital(role.as_str())),
                _ => user.is_operator.then(|| "Operator".to_owned()),
            },
            form_token: portal.session.form_token(&portal.web),
            account_settings: labels(portal).account_settings.clone(),
            is_own_settings: section == Section::Account,
            switch: switch::is_offered(portal)
                .await?
                .then(|| format!("{}{}", portal.web.issuer_path(), switch::PATH)),
            may_search: may(portal, Permission::Settings),
            out_of_date: portal.query.is_sent(),
            scripts: assets::scripts(&portal.web),
            frame,
        })
    }
}

/// The word for an environment.
pub(crate) fn told(environment: Environment) -> &'static str {
    match environment {
        Environment::Live => "Live",
        Environment::Test => "Test",
    }
}

/// A word with a capital.
pub(super) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next();
    first
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect()
}

fn labels(portal: &Portal) -> &Labels {
    &portal.web.app().settings().portal.labels
}

/// Whether the signed-in user's role has a permission.
pub(super) fn may(portal: &Portal, permission: Permission) -> bool {
    let place = portal.session.user().place.as_ref();
    place.is_some_and(|place| place.powers.may(permission))
}

fn groups(portal: &Portal, section: Section) -> Vec<NavGroup> {
    let entry = |of: Section, path: &str, label: &str| NavLink {
        href: portal.href(path),
        label: label.to_owned(),
        is_current: of == section,
    };
    let user = portal.session.user();
    let mut groups = Vec::new();
    if user.place.is_some() {
        groups.push(NavGroup {
            head: None,
            title: None,
            links: vec![entry(Section::Overview, "/", "Overview")],
        });
    }
    groups.push(credentials(portal, &entry));
    if portal.caller().evidence().is_ok() {
        groups.push(NavGroup {
            head: None,
            title: Some("Evidence"),
            links: vec![
                entry(Section::Usage, "/usage", "Usage"),
                entry(Section::Decisions, "/decisions", "Decisions"),
                entry(Section::Audit, "/audit", "Audit"),
            ],
        });
    }
    if user.place.is_some() {
        let mut links = Vec::new();
        if may(portal, Permission::Team) {
            links.push(entry(Section::Team, "/team", "Team and roles"));
        }
        links.push(entry(
            Section::Environments,
            "/environments",
            "Environments",
        ));
        if may(portal, Permission::Settings) {
            links.push(entry(Section::Webhooks, "/webhooks", "Webhooks"));
        }
        let head = Some(entry(Section::Settings, "/settings", "Settings"));
        groups.push(NavGroup {
            head,
            title: None,
            links,
        });
    }
    if user.is_operator {
        groups.push(NavGroup {
            head: Some(entry(Section::Operator, "/operator", "Operator")),
            title: None,
            links: vec![
                entry(Section::Accounts, "/operator/accounts", "Accounts"),
                entry(Section::Apis, "/operator/apis", "APIs"),
                entry(
                    Section::SigningKeys,
                    "/operator/signing-keys",
                    "Signing keys",
                ),
                entry(Section::Policies, "/operator/policies", "Policies"),
                entry(Section::Operators, "/operator/operators", "Operators"),
                entry(Section::InstanceWebhooks, "/operator/webhooks", "Webhooks"),
            ],
        });
    }
    groups
}

fn credentials(portal: &Portal, entry: &impl Fn(Section, &str, &str) -> NavLink) -> NavGroup {
    let labels = labels(portal);
    let connected = entry(Section::ConnectedApps, "/connected-apps", "Connected apps");
    if !may(portal, Permission::Settings) {
        return NavGroup {
            head: None,
            title: None,
            links: vec![connected],
        };
    }
    let mut links = Vec::new();
    let offered = apis::offered_kinds(portal.web.app());
    if offered.contains(&CredentialKind::ApiKey) {
        links.push(entry(Section::Keys, "/keys", &labels.api_keys));
    }
    if offered.contains(&CredentialKind::AccessToken) {
        links.push(entry(Section::Clients, "/clients", &labels.clients));
        links.push(entry(Section::Apps, "/apps", "Apps"));
    }
    links.push(connected);
    NavGroup {
        head: Some(entry(Section::Credentials, "/credentials", &labels.api)),
        title: None,
        links,
    }
}
