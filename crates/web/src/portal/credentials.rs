//! `/credentials`: what an account can have to call the API with. The same sections stand in the
//! account settings.

use askama::Template;
use claviger_model::clients::{ClientKind, ClientScopes};
use claviger_model::credentials::CredentialKind;
use claviger_service::access::KeyAccess;
use claviger_service::keys::{self, ListFilter, Listed};
use claviger_service::{Caller, apis, clients};

use super::keys::list::{KeyRow, rows};
use super::parts::Status;
use super::scopes::FewScopes;
use super::{Answer, Band, Portal, Section, Shell};
use crate::error::Failure;

/// How many of each kind are shown.
const SHOWN: u32 = 5;

/// The page.
#[derive(Template)]
#[template(path = "portal/credentials.html")]
struct CredentialsPage {
    frame: Shell,
    title: String,
    sections: Sections,
    /// The page of the legacy key, and what it is called.
    legacy: Option<(String, String)>,
}

/// The kinds of credential that the instance offers, each with its newest.
pub struct Sections {
    /// API keys.
    pub keys: Option<KeySection>,
    /// Clients.
    pub clients: Option<ClientSection>,
}

/// The newest API keys.
pub struct KeySection {
    /// What they are called.
    pub title: String,
    /// All of them, with the issuer's path.
    pub all: String,
    /// The button that makes one.
    pub create: (String, String),
    /// The newest.
    pub(super) rows: Vec<KeyRow>,
}

/// The newest clients.
pub struct ClientSection {
    /// What they are called.
    pub title: String,
    /// What their public half is called.
    pub id_label: String,
    /// All of them, with the issuer's path.
    pub all: String,
    /// The button that makes one.
    pub create: (String, String),
    /// The newest.
    pub(super) rows: Vec<ClientRow>,
}

/// A client in short.
pub(super) struct ClientRow {
    pub href: String,
    pub name: String,
    pub client_id: String,
    pub scopes: FewScopes,
    pub has_all: bool,
    pub status: Status,
}

/// Shows the page.
pub async fn show(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::key_reading).await?;
    let labels = &portal.web.app().settings().portal.labels;
    let offered = apis::offered_kinds(portal.web.app());
    let has_legacy = offered.contains(&CredentialKind::LegacyKey);
    let page = CredentialsPage {
        title: labels.api.clone(),
        sections: sections(&portal, &access).await?,
        legacy: has_legacy.then(|| (portal.href("/legacy-key"), labels.legacy_key.clone())),
        frame: portal
            .shell(Section::Credentials, Band::At("/credentials".into()))
            .await?,
    };
    Ok(Portal::page(page))
}

/// The sections of what the instance offers.
pub(super) async fn sections(portal: &Portal, access: &KeyAccess) -> Result<Sections, Failure> {
    let offered = apis::offered_kinds(portal.web.app());
    let keys = if offered.contains(&CredentialKind::ApiKey) {
        Some(key_section(portal, access).await?)
    } else {
        None
    };
    let clients = if offered.contains(&CredentialKind::AccessToken) {
        Some(client_section(portal).await?)
    } else {
        None
    };
    Ok(Sections { keys, clients })
}

async fn key_section(portal: &Portal, access: &KeyAccess) -> Result<KeySection, Failure> {
    let labels = &portal.web.app().settings().portal.labels;
    let filter = ListFilter {
        environment: Some(portal.environment),
        listed: Listed::All,
        after: None,
        limit: SHOWN,
    };
    let page = keys::list(portal.web.app(), access, filter).await?;
    Ok(KeySection {
        title: labels.api_keys.clone(),
        all: portal.href("/keys"),
        create: (portal.href("/keys/new"), labels.create_api_key.clone()),
        rows: rows(portal, access, page.keys).await?,
    })
}

async fn client_section(portal: &Portal) -> Result<ClientSection, Failure> {
    let labels = &portal.web.app().settings().portal.labels;
    let access = portal.allowed(Caller::client_reading).await?;
    let filter = clients::ListFilter {
        with_deleted: false,
        kind: Some(ClientKind::Machine),
        environment: Some(portal.environment),
        after: None,
        limit: SHOWN,
    };
    let page = clients::list(portal.web.app(), &access, filter).await?;
    Ok(ClientSection {
        title: labels.clients.clone(),
        id_label: labels.client_id.clone(),
        all: portal.href("/clients"),
        create: (portal.href("/clients/new"), labels.create_client.clone()),
        rows: page
            .clients
            .iter()
            .map(|found| client_row(portal, found))
            .collect(),
    })
}

fn client_row(portal: &Portal, found: &clients::ClientWithSecrets) -> ClientRow {
    let client = &found.client;
    let (scopes, has_all) = match &client.settings.scopes {
        ClientScopes::All => (FewScopes::of(&[] as &[String]), true),
        ClientScopes::Named(names) => (FewScopes::of(names), false),
    };
    ClientRow {
        href: portal.href(format!("/clients/{}", client.id)),
        name: client.settings.name.clone(),
        client_id: client.id.to_string(),
        scopes,
        has_all,
        status: Status::ACTIVE,
    }
}
