//! Changing a webhook: where it leads, what it is told, whether it is told anything.

use claviger_model::audit::Action;
use claviger_model::ids::WebhookId;
use claviger_model::webhooks::{OffWhy, Webhook, read_events};
use claviger_model::{Problems, Reason};
use claviger_store::{Tx, webhooks};

use super::{check_url, find, write_change};
use crate::access::WebhookAccess;
use crate::app::{App, Effect};
use crate::error::Error;

/// A merge patch of a webhook.
#[derive(Clone, Default, Debug)]
pub struct EditInput {
    /// Where events are sent.
    pub url: Option<String>,
    /// Which ones, or `*`.
    pub events: Option<Vec<String>>,
    /// Whether it is told. What was not delivered when it was switched off is then tried again.
    pub active: Option<bool>,
    /// The version that the caller read.
    pub expected_version: Option<i64>,
}

/// Applies a merge patch (RFC 7396) to a webhook.
///
/// # Errors
/// Unknown webhook, stale version, a URL or an event that is not acceptable. Then nothing was
/// changed.
pub async fn edit(
    app: &App,
    access: &WebhookAccess,
    id: WebhookId,
    input: EditInput,
) -> Result<Webhook, Error> {
    let mut problems = Problems::default();
    let events = input.events.as_deref().map(read_events);
    let events = events.and_then(|events| problems.check("events", events));
    if let Some(url) = &input.url
        && let Err(wrong) = check_url(app, url).await
    {
        problems.merge(wrong);
    }
    find(&mut *app.read().await?, access, id).await?;
    problems.into_result()?;
    let input = EditInput { events, ..input };
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, access, input) = (app_inside.clone(), access.clone(), input.clone());
        Box::pin(async move {
            webhooks::lock(tx, id).await?;
            let before = find(tx, &access, id).await?;
            let expected = input.expected_version;
            if expected.is_some_and(|expected| expected != before.version) {
                return Err(Error::refused(Reason::PreconditionFailed));
            }
            let mut after = before.clone();
            after.url = input.url.unwrap_or(after.url);
            after.events = input.events.unwrap_or(after.events);
            if let Some(active) = input.active {
                let to = (!active).then_some(OffWhy::SwitchedOff);
                after = after.switched(to, app.sources().now());
                if active && !before.is_active() {
                    // It gets as long as a new one to answer again.
                    webhooks::note_health(tx, id, None).await?;
                }
            }
            let changed = (&before, after);
            let action = Action::WebhookChanged;
            write_change(tx, &app, access.signature(), changed, action).await
        })
    })
    .await
}
