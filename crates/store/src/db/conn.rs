//! A connection, a transaction, and what a transaction has to tell at its end.

use std::collections::HashSet;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use claviger_model::UnixMillis;
use claviger_model::audit::{Action, Event};
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::{AccountId, EventId};
use claviger_model::keyring::Keyring;
use claviger_model::tokens::TokenOwner;
use claviger_model::webhooks::is_told;
use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Sqlite, SqliteConnection, raw_sql};

use super::condition::Signs;
use super::plan::Plan;
use super::query::{Faults, Query, noted};
use crate::error::{Cause, StoreError};

pub(super) enum Handle {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A connection on which the functions of the tables run.
pub struct Conn {
    handle: Handle,
    keyring: Arc<Keyring>,
    pub(super) faults: Faults,
}

/// A connection to read from. Each statement sees what was committed when it began.
pub struct Reader(Conn);

/// A transaction. What it records with [`Tx::change`], [`Tx::end_tokens`], [`Tx::audit`] and
/// [`Tx::outbox`] is written at its end, so that the ledger's lock is short.
pub struct Tx {
    conn: Conn,
    pub(super) pending: Pending,
}

/// What waits for the end of a transaction.
#[derive(Default)]
pub(super) struct Pending {
    /// A change of every owner in `ended` is among them.
    pub(super) changes: Vec<Change>,
    pub(super) ended: Vec<TokenOwner>,
    pub(super) audit: Vec<Event>,
    pub(super) outbox: Vec<OutboxEntry>,
}

/// A message to the outside that is sent after the commit.
pub(super) struct OutboxEntry {
    pub(super) topic: String,
    pub(super) account_id: Option<AccountId>,
    pub(super) payload: serde_json::Value,
    /// Of what it tells; none until the audit event comes that it goes with.
    pub(super) about: Option<About>,
}

/// Of what a message to the outside tells.
pub(super) struct About {
    pub(super) event_id: EventId,
    pub(super) at: UnixMillis,
    pub(super) actor: String,
    pub(super) target: String,
}

/// A message to the outside of which the audit log has no event: somebody is reminded.
#[derive(Clone, PartialEq, Debug)]
pub struct Reminder {
    /// Its id.
    pub id: EventId,
    /// When it came about.
    pub at: UnixMillis,
    /// What it is.
    pub topic: &'static str,
    /// Whose matter it is.
    pub account_id: AccountId,
    /// About which thing: an id.
    pub target: String,
    /// What there is to know.
    pub payload: serde_json::Value,
}

impl Conn {
    pub(super) fn new(handle: Handle, keyring: Arc<Keyring>) -> Self {
        Self {
            handle,
            keyring,
            faults: Faults::default(),
        }
    }

    /// The same for whoever follows this plan.
    pub(super) fn following(mut self, plan: Plan) -> Self {
        self.faults.plan = plan;
        self
    }

    /// The same; its errors of the disk are noted there.
    pub(super) fn reporting_to(mut self, signs: Arc<Signs>) -> Self {
        self.faults.signs = Some(signs);
        self
    }

    /// A statement in the portable subset.
    pub fn query(&mut self, sql: &'static str) -> Query<'_> {
        match &mut self.handle {
            Handle::Sqlite(conn) => Query::sqlite(conn, sql, &mut self.faults),
            Handle::Postgres(conn) => Query::postgres(conn, sql, &mut self.faults),
        }
    }

    /// A statement that cannot be said in one way: those that take a list as JSON.
    pub fn query2(&mut self, sqlite: &'static str, postgres: &'static str) -> Query<'_> {
        match &mut self.handle {
            Handle::Sqlite(conn) => Query::sqlite(conn, sqlite, &mut self.faults),
            Handle::Postgres(conn) => Query::postgres(conn, postgres, &mut self.faults),
        }
    }

    /// The derived keys that seal and check rows.
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    pub(super) fn is_sqlite(&self) -> bool {
        matches!(self.handle, Handle::Sqlite(_))
    }

    /// Runs statements that take no parameters and are not worth preparing.
    pub(super) async fn run(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.faults.admit()?;
        let result = match &mut self.handle {
            Handle::Sqlite(conn) => raw_sql(sql).execute(&mut **conn).await.map(drop),
            Handle::Postgres(conn) => raw_sql(sql).execute(&mut **conn).await.map(drop),
        };
        noted(result, &mut self.faults)
    }

    /// The driver's connection, where it is SQLite's.
    pub(super) fn sqlite(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        match &mut self.handle {
            Handle::Sqlite(conn) => Ok(&mut **conn),
            Handle::Postgres(_) => Err(StoreError::Internal(Cause::new("no SQLite database"))),
        }
    }

    /// Closes the connection for good: its state is not known any more.
    pub(super) fn discard(mut self) {
        match &mut self.handle {
            Handle::Sqlite(conn) => conn.close_on_drop(),
            Handle::Postgres(conn) => conn.close_on_drop(),
        }
    }
}

impl Reader {
    pub(super) fn new(conn: Conn) -> Self {
        Self(conn)
    }
}

impl Deref for Reader {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

impl Tx {
    pub(super) fn new(conn: Conn) -> Self {
        Self {
            conn,
            pending: Pending::default(),
        }
    }

    pub(super) fn into_conn(self) -> Conn {
        self.conn
    }

    /// Announces that a thing has to be read again by every node.
    pub fn change(&mut self, change: Change) {
        self.pending.changes.push(change);
    }

    /// Ends every token of `owner` that was issued before this transaction's commit: the floor
    /// below which they are dead is the commit's own epoch.
    pub fn end_tokens(&mut self, owner: TokenOwner) {
        self.pending.ended.push(owner);
        self.change(Change::new(ChangeKind::TokenFloor, owner));
    }

    /// Appends to the audit log. What somebody would act on is told to the outside after the
    /// commit: by the message of the same action and account that goes with it, or by its own
    /// members where there is none.
    pub fn audit(&mut self, event: Event) {
        let mut entries = self.pending.outbox.iter_mut().rev();
        let own = entries.find(|entry| entry.about.is_none() && entry.is_of(&event));
        if let Some(entry) = own {
            entry.about = Some(About::of(&event));
        }
        self.pending.audit.push(event);
    }

    /// Leaves a message that is delivered after the commit. It goes with the transaction's audit
    /// event of the same action and account.
    pub fn outbox(&mut self, topic: &str, account: Option<AccountId>, payload: serde_json::Value) {
        let mut entry = OutboxEntry {
            topic: topic.to_owned(),
            account_id: account,
            payload,
            about: None,
        };
        let mut events = self.pending.audit.iter().rev();
        let own = events.find(|event| entry.is_of(event) && !self.pending.tells_of(event));
        entry.about = own.map(About::of);
        self.pending.outbox.push(entry);
    }

    /// Leaves a message of which the audit log has no event.
    pub fn remind(&mut self, reminder: Reminder) {
        self.pending.outbox.push(OutboxEntry {
            topic: reminder.topic.to_owned(),
            account_id: Some(reminder.account_id),
            payload: reminder.payload,
            about: Some(About {
                event_id: reminder.id,
                at: reminder.at,
                actor: "system".to_owned(),
                target: reminder.target,
            }),
        });
    }
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl OutboxEntry {
    /// Whether it can be about this event.
    fn is_of(&self, event: &Event) -> bool {
        self.topic == event.action && self.account_id == event.account_id
    }
}

impl About {
    fn of(event: &Event) -> Self {
        Self {
            event_id: event.id,
            at: event.at,
            actor: event.actor.clone(),
            target: event.target.clone(),
        }
    }
}

impl Pending {
    /// Whether there is a message about this event.
    fn tells_of(&self, event: &Event) -> bool {
        let mut told = self.outbox.iter().filter_map(|entry| entry.about.as_ref());
        told.any(|about| about.event_id == event.id)
    }

    /// Adds the messages about events that somebody would act on and that nobody wrote one about.
    pub(super) fn tell_the_rest(&mut self) {
        let is_told = |event: &&Event| {
            let mut actions = Action::ALL.iter();
            let action = actions.find(|action| action.as_str() == event.action);
            action.is_none_or(|action| is_told(*action))
        };
        let told: HashSet<EventId> = {
            let abouts = self.outbox.iter().filter_map(|entry| entry.about.as_ref());
            abouts.map(|about| about.event_id).collect()
        };
        let rest = self.audit.iter().filter(is_told);
        let rest = rest.filter(|event| !told.contains(&event.id));
        let entries: Vec<OutboxEntry> = rest
            .map(|event| OutboxEntry {
                topic: event.action.clone(),
                account_id: event.account_id,
                payload: event.after.clone().unwrap_or_default(),
                about: Some(About::of(event)),
            })
            .collect();
        self.outbox.extend(entries);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.audit.is_empty() && self.outbox.is_empty()
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.changes.append(&mut other.changes);
        self.ended.append(&mut other.ended);
        self.audit.append(&mut other.audit);
        self.outbox.append(&mut other.outbox);
    }
}
