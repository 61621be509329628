//! Sending due deliveries: a few at once to each webhook, and writing what became of each.

use std::collections::HashMap;

use claviger_model::UnixMillis;
use claviger_model::audit::Action;
use claviger_model::ids::WebhookId;
use claviger_model::webhooks::{Attempt, Delivery, FAILING_MILLIS_MAX, OffWhy, Webhook, next_try};
use claviger_store::{Tx, webhook_deliveries, webhooks};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::{sign, write_change};
use crate::access::Signature;
use crate::app::{App, Effect};
use crate::error::Error;
use crate::outbound;

/// How long a node has for an attempt before others may try, in milliseconds. Longer than any
/// attempt takes.
const LEASE_MILLIS: i64 = 60_000;
/// Messages that are sent at once by this node.
const AT_ONCE: usize = 64;
/// Of those, to webhooks that nothing reaches: each may take all the time that one has.
const TO_FAILING_AT_ONCE: usize = 16;
/// Messages that are sent at once to one webhook.
const TO_ONE_AT_ONCE: usize = 4;

/// Sends what is due. One on each node.
pub struct Sender {
    app: App,
    tasks: JoinSet<WebhookId>,
    under_way: HashMap<WebhookId, UnderWay>,
    /// The webhook that was served last, so that none waits for those before it for ever.
    last: Option<WebhookId>,
    /// Whether something may be due for which there was no room.
    is_behind: bool,
}

#[derive(Clone, Copy, Default)]
struct UnderWay {
    count: usize,
    is_failing: bool,
}

impl Sender {
    /// A sender that sends nothing yet.
    pub fn new(app: App) -> Self {
        Self {
            app,
            tasks: JoinSet::new(),
            under_way: HashMap::new(),
            last: None,
            is_behind: false,
        }
    }

    /// Begins to send what is due, as far as there is room; how many.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn start_due(&mut self) -> Result<usize, Error> {
        let mut begun = 0;
        self.is_behind = false;
        while let Some(ended) = self.tasks.try_join_next() {
            self.ended(&ended);
        }
        let now = self.app.sources().now();
        let mut due = webhook_deliveries::due_webhooks(&mut *self.app.read().await?, now).await?;
        if let Some(last) = self.last {
            let next = due.partition_point(|(id, _)| *id <= last);
            due.rotate_left(next);
        }
        for (id, is_failing) in due {
            let room = self.room(id, is_failing);
            if room == 0 {
                self.is_behind = true;
                continue;
            }
            let taken = self.take(id, now, room).await?;
            self.is_behind |= taken.len() == room;
            begun += taken.len();
            for delivery in taken {
                let under_way = self.under_way.entry(id).or_default();
                under_way.count += 1;
                under_way.is_failing = is_failing;
                let app = self.app.clone();
                self.tasks.spawn(async move {
                    if let Err(error) = send(&app, &delivery).await {
                        let id = delivery.id;
                        tracing::warn!(%error, %id, "what became of a delivery is not noted");
                    }
                    delivery.webhook_id
                });
            }
            self.last = Some(id);
        }
        Ok(begun)
    }

    /// Waits until there is room for something that may be due; for ever when nothing is.
    pub(crate) async fn room_for_more(&mut self) {
        if self.is_behind
            && let Some(ended) = self.tasks.join_next().await
        {
            self.ended(&ended);
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Waits until everything that was begun is done.
    pub async fn settle(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            self.ended(&ended);
        }
    }

    fn ended(&mut self, ended: &Result<WebhookId, tokio::task::JoinError>) {
        let Ok(id) = ended else {
            // Whose it was is not known: what runs is counted anew from nothing.
            self.under_way.clear();
            return;
        };
        if let Some(under_way) = self.under_way.get_mut(id) {
            under_way.count = under_way.count.saturating_sub(1);
            if under_way.count == 0 {
                self.under_way.remove(id);
            }
        }
    }

    /// How many more may be sent to this webhook now.
    fn room(&self, id: WebhookId, is_failing: bool) -> usize {
        let own = self.under_way.get(&id).map_or(0, |own| own.count);
        let of_failing = self.under_way.values().filter(|other| other.is_failing);
        let to_failing: usize = of_failing.map(|other| other.count).sum();
        let of_all = AT_ONCE.saturating_sub(self.tasks.len());
        if is_failing {
            let room = TO_FAILING_AT_ONCE.saturating_sub(to_failing);
            1_usize.saturating_sub(own).min(room).min(of_all)
        } else {
            TO_ONE_AT_ONCE.saturating_sub(own).min(of_all)
        }
    }

    async fn take(
        &self,
        id: WebhookId,
        now: UnixMillis,
        room: usize,
    ) -> Result<Vec<Delivery>, Error> {
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        let lease = (now, now.plus_millis(LEASE_MILLIS));
        self.app
            .change(Effect::Grants, move |tx: &mut Tx| {
                Box::pin(
                    async move { Ok(webhook_deliveries::take_due(tx, id, lease, limit).await?) },
                )
            })
            .await
    }
}

/// One attempt, and writing what became of it.
async fn send(app: &App, delivery: &Delivery) -> Result<(), Error> {
    let webhook = webhooks::get(&mut *app.read().await?, delivery.webhook_id).await?;
    // Deleted or switched off since it was taken: it is told nothing.
    let Some(webhook) = webhook.filter(Webhook::is_active) else {
        return Ok(());
    };
    let began = app.sources().both();
    let answer = attempt(app, &webhook, delivery).await;
    let nanos = app.sources().both().boot_nanos - began.boot_nanos;
    let (status, problem) = match answer {
        Ok(status) => (Some(status), None),
        Err(problem) => (None, Some(problem)),
    };
    let attempt = Attempt {
        number: delivery.attempts,
        at: began.wall,
        millis: u32::try_from(nanos / 1_000_000).unwrap_or(u32::MAX),
        status,
        problem,
    };
    note(app, delivery.clone(), attempt).await
}

/// The status of the answer, or a sentence that says why there is none.
async fn attempt(app: &App, webhook: &Webhook, delivery: &Delivery) -> Result<u16, String> {
    let now = app.sources().now();
    let unreadable = |_| "The signing secret cannot be read with this master key.".to_owned();
    let context = sign::context(webhook.id);
    let open = |sealed: &[u8]| app.keyring().decrypt(context.as_bytes(), sealed);
    let mut keys: Vec<Zeroizing<Vec<u8>>> = vec![open(&webhook.secret).map_err(unreadable)?];
    if let Some((old, ends)) = &webhook.old_secret
        && *ends > now
    {
        keys.push(open(old).map_err(unreadable)?);
    }
    let headers = sign::headers(&keys, delivery.event_id, now, &delivery.body);
    let networks = &app.settings().webhooks.networks;
    let body = delivery.body.clone();
    let posted = outbound::post(
        app.webhook_outbound(),
        networks,
        &webhook.url,
        &headers,
        body,
    )
    .await;
    posted.map_err(told)
}

/// Why there was no answer, for whoever looks after the receiver.
fn told(error: outbound::FetchError) -> String {
    match error {
        outbound::FetchError::Forbidden => {
            "The address leads into a private network; nothing was sent.".to_owned()
        }
        other => other.to_string(),
    }
}

async fn note(app: &App, delivery: Delivery, attempt: Attempt) -> Result<(), Error> {
    let app_inside = app.clone();
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, delivery, attempt) = (app_inside.clone(), delivery.clone(), attempt.clone());
        Box::pin(async move {
            let now = app.sources().now();
            let is_success = attempt.is_success();
            let next_at = if is_success || attempt.is_gone() {
                None
            } else {
                next_try(delivery.tries, now)
            };
            let delivered_at = is_success.then_some(now);
            webhook_deliveries::insert_attempt(tx, delivery.id, &attempt).await?;
            if !webhook_deliveries::finish(tx, &delivery, next_at, delivered_at).await? {
                return Ok(());
            }
            let failed_at = (!is_success).then_some(attempt.at);
            let since = webhooks::note_health(tx, delivery.webhook_id, failed_at).await?;
            let is_lost = |since: UnixMillis| now.since(since) >= FAILING_MILLIS_MAX;
            if attempt.is_gone() {
                switch_off(tx, &app, delivery.webhook_id, OffWhy::Gone).await
            } else if !is_success && since.is_some_and(is_lost) {
                switch_off(tx, &app, delivery.webhook_id, OffWhy::Failing).await
            } else {
                Ok(())
            }
        })
    })
    .await
}

async fn switch_off(tx: &mut Tx, app: &App, id: WebhookId, why: OffWhy) -> Result<(), Error> {
    webhooks::lock(tx, id).await?;
    let Some(before) = webhooks::get(tx, id).await? else {
        return Ok(());
    };
    let after = before.clone().switched(Some(why), app.sources().now());
    let system = Signature::of("system", None, None);
    let changed = (&before, after);
    write_change(tx, app, &system, changed, Action::WebhookDisabled)
        .await
        .map(drop)
}
