//! `/apps`: the account's apps.

use askama::Template;
use claviger_model::UnixMillis;
use claviger_model::clients::{ClientKind, ClientScopes};
use claviger_model::ids::ClientId;
use claviger_service::Caller;
use claviger_service::clients::{self, ClientWithSecrets, ListFilter};

use super::PATH;
use crate::api::TimeCursor;
use crate::portal::parts::{Pager, When};
use crate::portal::scopes::FewScopes;
use crate::portal::{Answer, Band, Portal, ROWS, Section, Shell};

/// The list.
#[derive(Template)]
#[template(path = "portal/apps.html")]
struct AppsPage {
    frame: Shell,
    rows: Vec<AppRow>,
    is_first: bool,
    pager: Pager,
    create: String,
}

/// An app as a row shows it.
struct AppRow {
    href: String,
    name: String,
    id: ClientId,
    kind: &'static str,
    redirect_uris: Vec<String>,
    /// What it may ask users for; none is everything.
    scopes: Option<FewScopes>,
    created: When,
}

/// Shows the list.
pub async fn show(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::client_reading).await?;
    let app = portal.web.app();
    let after = portal.query.get("after");
    let after: Option<TimeCursor<ClientId>> = after.and_then(|text| text.parse().ok());
    let is_first = after.is_none();
    let filter = ListFilter {
        with_deleted: false,
        kind: Some(ClientKind::App),
        environment: Some(portal.environment),
        after: after.map(|TimeCursor(at, id)| (at, id)),
        limit: ROWS,
    };
    let page = clients::list(app, &access, filter).await?;
    let now = app.sources().now();
    let page = AppsPage {
        rows: page
            .clients
            .iter()
            .map(|found| row(&portal, found, now))
            .collect(),
        is_first,
        pager: Pager {
            first: (!is_first).then(|| portal.href(PATH)),
            next: page
                .next
                .map(|(at, id)| portal.href(format!("{PATH}?after={}", TimeCursor(at, id)))),
        },
        create: portal.href("/apps/new"),
        frame: portal.shell(Section::Apps, Band::At(PATH.into())).await?,
    };
    Ok(Portal::page(page))
}

fn row(portal: &Portal, found: &ClientWithSecrets, now: UnixMillis) -> AppRow {
    let client = &found.client;
    let addresses = found.metadata.redirect_uris.iter();
    AppRow {
        href: portal.href(format!("{PATH}/{}", client.id)),
        name: client.settings.name.clone(),
        id: client.id,
        kind: super::show::kind(found),
        redirect_uris: addresses.map(|uri| uri.as_str().to_owned()).collect(),
        scopes: match &client.settings.scopes {
            ClientScopes::All => None,
            ClientScopes::Named(names) => Some(FewScopes::of(names)),
        },
        created: When::of(client.created_at, now),
    }
}
