//! A connection, a transaction, and what a transaction has to tell at its end.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use claviger_model::audit::Event;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::AccountId;
use claviger_model::keyring::Keyring;
use claviger_model::tokens::TokenOwner;
use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Sqlite, raw_sql};

use super::query::{Faults, Query, noted};
use crate::error::StoreError;

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
}

impl Conn {
    pub(super) fn new(handle: Handle, keyring: Arc<Keyring>) -> Self {
        Self {
            handle,
            keyring,
            faults: Faults::default(),
        }
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
        let result = match &mut self.handle {
            Handle::Sqlite(conn) => raw_sql(sql).execute(&mut **conn).await.map(drop),
            Handle::Postgres(conn) => raw_sql(sql).execute(&mut **conn).await.map(drop),
        };
        noted(result, &mut self.faults)
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

    /// Appends to the audit log.
    pub fn audit(&mut self, event: Event) {
        self.pending.audit.push(event);
    }

    /// Leaves a message that is delivered after the commit. It is dated by the transaction's last
    /// audit event.
    pub fn outbox(&mut self, topic: &str, account: Option<AccountId>, payload: serde_json::Value) {
        self.pending.outbox.push(OutboxEntry {
            topic: topic.to_owned(),
            account_id: account,
            payload,
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

impl Pending {
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
