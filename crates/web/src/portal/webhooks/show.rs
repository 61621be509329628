//! `/webhooks/{id}`: one webhook and what was sent to it.

use askama::Template;
use claviger_model::UnixMillis;
use claviger_model::ids::{DeliveryId, WebhookId};
use claviger_model::webhooks::{Attempt, DeliveryState, EVERYTHING, OffWhy};
use claviger_service::users;
use claviger_service::webhooks::{self, DeliveryWithAttempts, WebhookInfo};

use super::{PATH, Whose, found, status};
use crate::extract::Id;
use crate::portal::parts::{Pager, Status, When};
use crate::portal::{Answer, Band, Portal, ROWS, Shell};

/// A webhook.
#[derive(Template)]
#[template(path = "portal/webhook.html")]
struct WebhookPage {
    frame: Shell,
    back: (String, String),
    /// Its path, with the issuer's.
    own: String,
    id: WebhookId,
    url: String,
    status: Status,
    is_active: bool,
    /// Why it is told nothing, or since when nothing reaches it.
    trouble: Option<String>,
    /// Which events; none is everything.
    events: Option<Vec<String>>,
    is_of_instance: bool,
    created: When,
    owner: String,
    old_secret_ends: Option<When>,
    done: Option<&'static str>,
    rows: Vec<DeliveryRow>,
    is_first: bool,
    pager: Pager,
}

/// A delivery as a row shows it.
pub(super) struct DeliveryRow {
    pub(super) href: String,
    pub(super) event: String,
    pub(super) event_id: String,
    pub(super) status: Status,
    pub(super) created: When,
    /// When it is tried next.
    pub(super) next: Option<When>,
    pub(super) attempts: usize,
    pub(super) last: Option<AttemptRow>,
}

/// An attempt as a row shows it.
pub(super) struct AttemptRow {
    pub(super) number: u32,
    pub(super) when: When,
    pub(super) millis: u32,
    /// The status of the answer, or why there was none.
    pub(super) outcome: String,
}

/// Shows the webhook.
pub async fn show(portal: Portal, Id(id): Id<WebhookId>) -> Answer {
    let (access, info) = found(&portal, id).await?;
    let app = portal.web.app();
    let now = app.sources().now();
    let after: Option<DeliveryId> = portal.query.get("after").and_then(|text| text.parse().ok());
    let page = webhooks::deliveries(app, &access, id, after, ROWS).await?;
    let webhook = &info.webhook;
    let whose = Whose::of(&info);
    let own = portal.href(format!("{PATH}/{id}"));
    let names = users::actor_names(app, [webhook.created_by.as_str()]).await?;
    let is_everything = webhook.events.iter().any(|event| event == EVERYTHING);
    let old_secret = webhook.old_secret.as_ref().map(|(_, ends)| *ends);
    Ok(Portal::page(WebhookPage {
        frame: portal.shell(whose.section(), Band::Neither).await?,
        back: whose.back(&portal),
        id,
        url: webhook.url.clone(),
        status: status(&info),
        is_active: webhook.is_active(),
        trouble: trouble(&info, now),
        events: (!is_everything).then(|| webhook.events.clone()),
        is_of_instance: whose == Whose::Instance,
        created: When::of(webhook.created_at, now),
        owner: users::told(&names, &webhook.created_by),
        old_secret_ends: old_secret
            .filter(|ends| *ends > now)
            .map(|ends| When::of(ends, now)),
        done: portal.query.get("done").and_then(done),
        rows: page
            .deliveries
            .iter()
            .map(|found| DeliveryRow::of(&own, found, now))
            .collect(),
        is_first: after.is_none(),
        pager: Pager {
            first: after.map(|_| own.clone()),
            next: page.next.map(|next| format!("{own}?after={next}")),
        },
        own,
    }))
}

fn trouble(info: &WebhookInfo, now: UnixMillis) -> Option<String> {
    let told = |at: UnixMillis| When::of(at, now).told;
    if let Some((at, why)) = info.webhook.off {
        return match why {
            OffWhy::SwitchedOff => None,
            OffWhy::Failing => Some(format!(
                "It was switched off {}, because nothing had reached it for more than two days. \
                 Mend the receiver, and make it active again: what waits is sent then.",
                told(at)
            )),
            OffWhy::Gone => Some(format!(
                "It was switched off {}, because its server answered 410: nobody will be there \
                 again.",
                told(at)
            )),
        };
    }
    let since = info.failing_since?;
    Some(format!(
        "Nothing has reached it since {}. What waits is tried again; after two and a half days it \
         is switched off.",
        told(since)
    ))
}

/// What is said of what was just done.
fn done(what: &str) -> Option<&'static str> {
    Some(match what {
        "saved" => "Saved. It holds for what is sent from now on.",
        "test" => "A test message is on its way. Reload the page to see what became of it.",
        "again" => "It is sent again. Reload the page to see what became of it.",
        _ => return None,
    })
}

impl DeliveryRow {
    pub(super) fn of(webhook: &str, found: &DeliveryWithAttempts, now: UnixMillis) -> Self {
        let delivery = &found.delivery;
        Self {
            href: format!("{webhook}/deliveries/{}", delivery.id),
            event: delivery.event_type.clone(),
            event_id: delivery.event_id.to_string(),
            status: match delivery.state() {
                DeliveryState::Waiting => Status::of("WAITING", "expiring"),
                DeliveryState::Delivered => Status::of("DELIVERED", "active"),
                DeliveryState::Failed => Status::of("FAILED", "revoked"),
            },
            created: When::of(delivery.created_at, now),
            next: delivery.next_at.map(|at| When::of(at, now)),
            attempts: found.attempts.len(),
            last: found
                .attempts
                .last()
                .map(|attempt| AttemptRow::of(attempt, now)),
        }
    }
}

impl AttemptRow {
    pub(super) fn of(attempt: &Attempt, now: UnixMillis) -> Self {
        let problem = attempt.problem.clone().unwrap_or_default();
        Self {
            number: attempt.number,
            when: When::of(attempt.at, now),
            millis: attempt.millis,
            outcome: attempt.status.map_or(problem, |status| status.to_string()),
        }
    }
}
