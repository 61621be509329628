//! `/clients`: the account's machine clients.

use askama::Template;
use claviger_model::clients::ClientKind;
use claviger_model::ids::{ClientId, SecretId};
use claviger_service::Caller;
use claviger_service::clients::{self, ListFilter};
use claviger_service::{tokens, uses};

use super::PATH;
use super::rows::{ClientRow, Quota};
use crate::api::TimeCursor;
use crate::portal::parts::Pager;
use crate::portal::{Answer, Band, Portal, ROWS, Section, Shell};

/// The list.
#[derive(Template)]
#[template(path = "portal/clients.html")]
struct ClientsPage {
    frame: Shell,
    title: String,
    client_id: String,
    client_secret: String,
    rows: Vec<ClientRow>,
    has_quotas: bool,
    is_first: bool,
    pager: Pager,
    create: (String, String),
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
        kind: Some(ClientKind::Machine),
        environment: Some(portal.environment),
        after: after.map(|TimeCursor(at, id)| (at, id)),
        limit: ROWS,
    };
    let page = clients::list(app, &access, filter).await?;
    let secrets = page.clients.iter().flat_map(|found| &found.secrets);
    let ids: Vec<SecretId> = secrets.map(|secret| secret.id).collect();
    let uses = uses::of(app, &ids).await?;
    let ids: Vec<ClientId> = page.clients.iter().map(|found| found.client.id).collect();
    let today = tokens::used_today(app, &ids).await?;
    let now = app.sources().now();
    let row = |found: &clients::ClientWithSecrets| {
        let tokens = today.get(&found.client.id).copied().unwrap_or_default();
        let quota = Quota::of(&portal, &found.client, tokens, now);
        ClientRow::of(&portal, found, &uses, quota, now)
    };
    let rows: Vec<ClientRow> = page.clients.iter().map(row).collect();
    let next = page.next.map(|(at, id)| TimeCursor(at, id));
    let labels = super::labels(&portal);
    let page = ClientsPage {
        title: labels.clients.clone(),
        client_id: labels.client_id.clone(),
        client_secret: labels.client_secret.clone(),
        has_quotas: rows.iter().any(|row| row.quota.is_some()),
        is_first,
        pager: Pager {
            first: (!is_first).then(|| portal.href(PATH)),
            next: next.map(|next| portal.href(format!("{PATH}?after={next}"))),
        },
        create: (
            portal.href(format!("{PATH}/new")),
            labels.create_client.clone(),
        ),
        frame: portal
            .shell(Section::Clients, Band::At(PATH.into()))
            .await?,
        rows,
    };
    Ok(Portal::page(page))
}
