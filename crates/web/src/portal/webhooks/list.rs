//! `/webhooks`: the addresses that are told what happens.

use askama::Template;
use claviger_model::UnixMillis;
use claviger_model::webhooks::EVERYTHING;
use claviger_service::webhooks::{self, WebhookInfo};

use super::{Whose, status, to_webhook};
use crate::portal::parts::{Status, When};
use crate::portal::{Answer, Band, Portal, Shell};

/// How many events a row names.
const EVENTS_SHOWN: usize = 3;

/// The list.
#[derive(Template)]
#[template(path = "portal/webhooks.html")]
struct WebhooksPage {
    frame: Shell,
    intro: &'static str,
    rows: Vec<WebhookRow>,
    create: String,
}

/// A webhook as a row shows it.
struct WebhookRow {
    href: String,
    url: String,
    status: Status,
    failing: Option<When>,
    /// Some of the events; none is everything.
    events: Option<Vec<String>>,
    more: usize,
    created: When,
}

/// Shows the account's.
pub async fn show(portal: Portal) -> Answer {
    page(&portal, Whose::Account).await
}

/// Shows the instance's.
pub async fn show_of_instance(portal: Portal) -> Answer {
    page(&portal, Whose::Instance).await
}

async fn page(portal: &Portal, whose: Whose) -> Answer {
    let access = whose.access(portal).await?;
    let app = portal.web.app();
    let now = app.sources().now();
    let found = webhooks::list(app, &access).await?;
    Ok(Portal::page(WebhooksPage {
        frame: portal.shell(whose.section(), Band::Neither).await?,
        intro: match whose {
            Whose::Account => {
                "Addresses of yours that are told what happens to your credentials, as it happens."
            }
            Whose::Instance => {
                "Addresses of yours that are told what happens in every account, as it happens."
            }
        },
        rows: found.iter().map(|info| row(portal, info, now)).collect(),
        create: portal.href(format!("{}/new", whose.path())),
    }))
}

fn row(portal: &Portal, info: &WebhookInfo, now: UnixMillis) -> WebhookRow {
    let webhook = &info.webhook;
    let (href, url) = to_webhook(portal, info);
    let is_everything = webhook.events.iter().any(|event| event == EVERYTHING);
    let named = webhook.events.iter().take(EVENTS_SHOWN).cloned().collect();
    WebhookRow {
        href,
        url,
        status: status(info),
        failing: info.failing_since.map(|at| When::of(at, now)),
        events: (!is_everything).then_some(named),
        more: webhook.events.len().saturating_sub(EVENTS_SHOWN),
        created: When::of(webhook.created_at, now),
    }
}
