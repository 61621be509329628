//! Webhooks: who is told of which events, when a delivery is tried again, and when one that nobody
//! answers is given up.

use crate::audit::Action;
use crate::ids::{AccountId, DeliveryId, EventId, WebhookId};
use crate::seal::{Columns, Sealed};
use crate::time::{DAY_MILLIS, UnixMillis};

/// What stands for every event, those of later too.
pub const EVERYTHING: &str = "*";
/// The event of a test: it is sent whatever a webhook listens to.
pub const TEST_EVENT: &str = "webhook.test";
/// The most webhooks of one account, and of the instance.
pub const WEBHOOKS_MAX: usize = 20;
/// The longest URL, in bytes.
pub const URL_LENGTH_MAX: usize = 2_000;
/// For how long the secret before the last one signs too, in milliseconds: a day.
pub const OLD_SECRET_MILLIS: i64 = DAY_MILLIS;
/// How long a webhook may fail without a success before it is switched off, in milliseconds: two
/// and a half days, so that the last try of a single delivery is behind that.
pub const FAILING_MILLIS_MAX: i64 = 60 * HOUR;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// How long after each failure a delivery is tried again, in milliseconds: nearly three days
/// together. After the last one it is given up.
const PAUSES: [i64; 9] = [
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    HOUR,
    6 * HOUR,
    12 * HOUR,
    24 * HOUR,
    24 * HOUR,
];
/// Events that follow from no single change: somebody is reminded of something.
const REMINDERS: [&str; 4] = [
    KEY_EXPIRING,
    SECRET_EXPIRING,
    KEY_ROTATION_DUE,
    CLIENT_ROTATION_DUE,
];

/// A key ends soon.
pub const KEY_EXPIRING: &str = "key.expiring";
/// A secret of a client ends soon.
pub const SECRET_EXPIRING: &str = "client.secret_expiring";
/// A key is so old that it should be replaced.
pub const KEY_ROTATION_DUE: &str = "key.rotation_due";
/// The secret of a client is so old that it should be replaced.
pub const CLIENT_ROTATION_DUE: &str = "client.rotation_due";

/// Whether somebody would act on it. Left out is what happens at every sign-in, or many times an
/// hour by programs.
pub const fn is_told(action: Action) -> bool {
    !matches!(
        action,
        Action::SessionStarted | Action::SessionEnded | Action::TokenRevoked | Action::UserRenamed
    )
}

/// Every event that a webhook can listen to.
pub fn event_types() -> impl Iterator<Item = &'static str> {
    let told = Action::ALL.iter().filter(|action| is_told(**action));
    told.map(|action| action.as_str()).chain(REMINDERS)
}

/// The events that a request asks for, each once.
///
/// # Errors
/// None at all, or the first one that is not known, with the list of those that are.
pub fn read_events(asked: &[String]) -> Result<Vec<String>, String> {
    if asked.is_empty() {
        return Err(format!("must name an event, or \"{EVERYTHING}\" for all"));
    }
    let mut events: Vec<String> = Vec::new();
    for event in asked {
        if event != EVERYTHING && !event_types().any(|known| known == event) {
            let known: Vec<&str> = event_types().collect();
            return Err(format!(
                "holds an event that is not known; known are {EVERYTHING}, {}",
                known.join(", ")
            ));
        }
        if !events.contains(event) {
            events.push(event.clone());
        }
    }
    if events.iter().any(|event| event == EVERYTHING) {
        events = vec![EVERYTHING.to_owned()];
    }
    Ok(events)
}

/// Why a webhook is told nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OffWhy {
    /// Somebody switched it off.
    SwitchedOff,
    /// It failed for too long.
    Failing,
    /// Its server said that there will be nobody again (410).
    Gone,
}

impl OffWhy {
    /// The word in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SwitchedOff => "switched_off",
            Self::Failing => "failing",
            Self::Gone => "gone",
        }
    }

    /// The reason that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::SwitchedOff, Self::Failing, Self::Gone]
            .into_iter()
            .find(|why| why.as_str() == word)
    }
}

/// An address that is told what happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose events it is told; none is everybody's, for whoever runs the instance.
    pub account_id: Option<AccountId>,
    /// Where they are sent.
    pub url: String,
    /// Which ones.
    pub events: Vec<String>,
    /// Since when, and why, it is told nothing.
    pub off: Option<(UnixMillis, OffWhy)>,
    /// What signs, encrypted under the key-encryption key.
    pub secret: Vec<u8>,
    /// What signed before and does so too until a time.
    pub old_secret: Option<(Vec<u8>, UnixMillis)>,
    /// The place in the outbox after which it is told: what happened before is not told.
    pub after_place: i64,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: UnixMillis,
    /// Counts changes of the row; the `ETag`.
    pub version: i64,
}

impl Webhook {
    /// Whether it is told.
    pub const fn is_active(&self) -> bool {
        self.off.is_none()
    }

    /// Whether it is told of this event of this account.
    pub fn listens_to(&self, event: &str, account_id: Option<AccountId>) -> bool {
        let is_its_own = self.account_id.is_none() || self.account_id == account_id;
        is_its_own
            && self
                .events
                .iter()
                .any(|own| own == EVERYTHING || own == event)
    }

    /// Told again, or nothing any more. One that is so already is not changed.
    #[must_use]
    pub fn switched(mut self, to: Option<OffWhy>, now: UnixMillis) -> Self {
        match to {
            Some(why) if self.off.is_none() => self.off = Some((now, why)),
            None => self.off = None,
            Some(_) => {}
        }
        self
    }

    /// With a new secret; the one before signs too for a day.
    #[must_use]
    pub fn with_secret(mut self, secret: Vec<u8>, now: UnixMillis) -> Self {
        let old = std::mem::replace(&mut self.secret, secret);
        self.old_secret = Some((old, now.plus_millis(OLD_SECRET_MILLIS)));
        self
    }
}

impl Sealed for Webhook {
    const TABLE: &'static str = "webhooks";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.id)
            .optional(self.account_id, Columns::shown)
            .text(&self.url)
            .list(&self.events)
            .optional(self.off, |columns, (at, why)| {
                columns.time(at).text(why.as_str())
            })
            .bytes(&self.secret)
            .optional(self.old_secret.as_ref(), |columns, (secret, ends)| {
                columns.bytes(secret).time(*ends)
            })
            .int(self.after_place)
            .text(&self.created_by)
            .time(self.created_at)
            .int(self.version);
    }
}

/// What became of a delivery so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeliveryState {
    /// It is, or will be, tried.
    Waiting,
    /// It was taken.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// One message to one webhook.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// To which.
    pub webhook_id: WebhookId,
    /// The event; the `webhook-id` of every attempt.
    pub event_id: EventId,
    /// What happened.
    pub event_type: String,
    /// The message, byte for byte.
    pub body: String,
    /// When it came about.
    pub created_at: UnixMillis,
    /// How often it was tried.
    pub attempts: u32,
    /// How often since it was last asked for.
    pub tries: u32,
    /// When it is tried next, if it is.
    pub next_at: Option<UnixMillis>,
    /// When it was taken.
    pub delivered_at: Option<UnixMillis>,
}

impl Delivery {
    /// What became of it.
    pub const fn state(&self) -> DeliveryState {
        match (self.next_at, self.delivered_at) {
            (Some(_), _) => DeliveryState::Waiting,
            (None, Some(_)) => DeliveryState::Delivered,
            (None, None) => DeliveryState::Failed,
        }
    }
}

/// One try.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// Which, from one.
    pub number: u32,
    /// When it began.
    pub at: UnixMillis,
    /// How long it took, in milliseconds.
    pub millis: u32,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why there was none.
    pub problem: Option<String>,
}

impl Attempt {
    /// Whether the message was taken: any 2xx.
    pub fn is_success(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the server says that it will never take another one.
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

/// When a delivery that failed for the `tries`-th time is tried again; none when it is given up.
pub fn next_try(tries: u32, failed_at: UnixMillis) -> Option<UnixMillis> {
    let index = usize::try_from(tries.checked_sub(1)?).ok()?;
    let pause = PAUSES.get(index)?;
    Some(failed_at.plus_millis(*pause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(words: &[&str]) -> Result<Vec<String>, String> {
        let asked: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        read_events(&asked)
    }

    #[test]
    fn events_are_known_ones() {
        assert_eq!(
            events(&["key.created", "key.created", KEY_EXPIRING]),
            Ok(vec!["key.created".to_owned(), KEY_EXPIRING.to_owned()])
        );
        assert_eq!(
            events(&["key.created", "*"]),
            Ok(vec![EVERYTHING.to_owned()])
        );
        assert!(events(&[]).is_err());
        let unknown = events(&["key.made"]).unwrap_err();
        assert!(unknown.contains("key.revoked"), "{unknown}");
        assert!(!unknown.contains("session.started"), "{unknown}");
    }

    #[test]
    fn pauses_grow_to_about_three_days_and_end() {
        let mut at = UnixMillis(0);
        let mut before = 0;
        let mut tries = 0;
        loop {
            tries += 1;
            let Some(next) = next_try(tries, at) else {
                break;
            };
            let pause = next.since(at);
            assert!(pause >= before);
            (at, before) = (next, pause);
        }
        assert_eq!(tries, 10);
        assert!((FAILING_MILLIS_MAX..=3 * DAY_MILLIS).contains(&at.0));
        assert_eq!(next_try(0, at), None);
    }
}
