//! How the instance is: what an operator looks at first.

use claviger_model::UnixMillis;
use claviger_store::{Db, accounts, ledger, nodes};

use crate::access::OperatorAccess;
use crate::app::App;
use crate::error::Error;

/// How the instance is, as this node knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Health {
    /// Milliseconds since the last heartbeat of this node; none when its lease has run out, and it
    /// decides nothing.
    pub staleness_millis: Option<u64>,
    /// How long a lease is, in milliseconds.
    pub lease_millis: u64,
    /// Up to which epoch this node has applied the changes.
    pub applied_epoch: i64,
    /// The epoch of the last change.
    pub epoch: i64,
    /// Secrets and tokens in the resident index.
    pub index: IndexSize,
    /// The databases.
    pub databases: Vec<DatabaseHealth>,
    /// Records of decisions that were lost since the start, because too many waited or the database
    /// did not take them.
    pub decisions_dropped: u64,
    /// How many accounts there are.
    pub accounts: i64,
    /// How many of them are suspended.
    pub accounts_suspended: i64,
    /// The nodes, in the order of their names.
    pub nodes: Vec<NodeHealth>,
}

/// How much a node keeps in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexSize {
    /// Secrets.
    pub secrets: usize,
    /// Access tokens whose signature was checked.
    pub tokens: usize,
    /// What those take, in bytes.
    pub token_bytes: u64,
}

/// How a database is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatabaseHealth {
    /// What is in it.
    pub name: &'static str,
    /// `SQLite` or `PostgreSQL`.
    pub kind: &'static str,
    /// The latest migration that was applied to it; none when it does not answer.
    pub schema: Option<String>,
}

/// A process that serves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeHealth {
    /// The name that the configuration gives it.
    pub name: String,
    /// Which start of it.
    pub incarnation: String,
    /// Whether it is this one.
    pub is_this: bool,
    /// Up to which epoch it has applied the changes.
    pub applied_epoch: i64,
    /// How many changes it has still to apply.
    pub behind: i64,
    /// For how long it decides after a heartbeat, in milliseconds.
    pub lease_millis: u64,
    /// When it started.
    pub started_at: UnixMillis,
}

/// Looks at the instance. A usage database that does not answer is part of the answer; without the
/// main one there is none.
///
/// # Errors
/// The main database does not answer.
pub async fn look(app: &App, _access: &OperatorAccess) -> Result<Health, Error> {
    let freshness = app.verifier().freshness();
    let index = app.verifier().index();
    let (epoch, (all, suspended), found) = {
        let mut reader = app.read().await?;
        let epoch = ledger::epoch(&mut reader).await?;
        let counts = accounts::count(&mut reader).await?;
        (epoch, counts, nodes::list(&mut reader).await?)
    };
    let own = app.propagation().incarnation();
    let applied_epoch = freshness.epoch();
    let node = |node: nodes::Node| {
        let is_this = Some(node.incarnation.as_str()) == own;
        // Alone a node has nobody to tell how far it is: its row stays behind.
        let applied = if is_this {
            applied_epoch.max(node.applied_epoch)
        } else {
            node.applied_epoch
        };
        let name = node.id.strip_suffix(&node.incarnation);
        let name = name.and_then(|name| name.strip_suffix('/'));
        NodeHealth {
            name: name.unwrap_or(&node.id).to_owned(),
            is_this,
            applied_epoch: applied,
            behind: (epoch - applied).max(0),
            lease_millis: u64::try_from(node.lease_millis).unwrap_or(0),
            started_at: node.started_at,
            incarnation: node.incarnation,
        }
    };
    Ok(Health {
        staleness_millis: freshness.staleness_millis(app.sources().both()),
        lease_millis: freshness.lease_millis(),
        applied_epoch,
        epoch: epoch.max(applied_epoch),
        index: IndexSize {
            secrets: index.len(),
            tokens: index.remembered_tokens(),
            token_bytes: index.remembered_token_bytes(),
        },
        databases: vec![
            database("Credentials and accounts", app.db()).await,
            database("Decisions and uses", app.usage_db()).await,
        ],
        decisions_dropped: app.decisions().dropped(),
        accounts: all,
        accounts_suspended: suspended,
        nodes: found.into_iter().map(node).collect(),
    })
}

async fn database(name: &'static str, db: &Db) -> DatabaseHealth {
    let schema = db.schema().await;
    if let Err(error) = &schema {
        tracing::warn!(%error, database = name, "a database does not answer");
    }
    DatabaseHealth {
        name,
        kind: if db.is_sqlite() {
            "SQLite"
        } else {
            "PostgreSQL"
        },
        schema: schema.ok().flatten(),
    }
}
