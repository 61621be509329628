//! Rows to store, and a way to store them.

use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::audit::{Action, Event};
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::credentials::{KeySecret, StoredSecret};
use claviger_model::ids::{AccountId, EventId, KeyId, SecretId, SessionId, UserId};
use claviger_model::keys::{ApiKey, KeySettings, KeyState};
use claviger_model::limits::RateLimit;
use claviger_model::members::User;
use claviger_model::scopes::ScopeName;
use claviger_model::secret::Lookup;
use claviger_model::sessions::Session;
use claviger_model::{Environment, UnixMillis};
use claviger_store::{Committed, Db, StoreError, Tx, accounts, keys, users};
use futures_core::future::BoxFuture;

pub(crate) const NOW: UnixMillis = UnixMillis(1_741_564_800_000);

pub(crate) fn scope(name: &str) -> ScopeName {
    ScopeName::new(name).expect("a scope")
}

pub(crate) fn stored(number: u64) -> StoredSecret {
    StoredSecret {
        lookup: Lookup(number),
        hash: [number.to_le_bytes()[0]; 32],
        pepper_version: 1,
        hint: "wxyz".into(),
    }
}

pub(crate) fn account(number: u128) -> Account {
    Account {
        id: AccountId(number),
        name: format!("Acme {number}"),
        status: AccountStatus::Active,
        created_at: NOW,
        version: 1,
    }
}

pub(crate) fn user(number: u128) -> User {
    User {
        id: UserId(number),
        email: format!("user{number}@acme.test"),
        password_hash: "$argon2id$".into(),
        suspended_at: None,
        created_at: NOW,
        version: 1,
    }
}

pub(crate) fn session(number: u64, user: &User, account: Option<&Account>) -> Session {
    Session {
        id: SessionId(number.into()),
        user_id: user.id,
        account_id: account.map(|account| account.id),
        stored: stored(number),
        created_at: NOW,
        expires_at: NOW.plus_seconds(60),
        ended_at: None,
        version: 1,
    }
}

/// Key `number` of the account, made `number` milliseconds after [`NOW`], with its secret.
pub(crate) fn key(number: u64, account: AccountId) -> (ApiKey, KeySecret) {
    let id = KeyId(number.into());
    let key = ApiKey {
        id,
        account_id: account,
        environment: Environment::Live,
        settings: KeySettings {
            name: format!("Key {number}"),
            description: String::new(),
            scopes: vec![scope("read:people"), scope("write:leads")],
            expires_at: None,
            allowed_ips: vec!["10.0.0.0/8".parse().expect("a network")],
            rate_limit: Some(RateLimit {
                limit: 100,
                window_seconds: 60,
            }),
        },
        rate_ceiling: None,
        state: KeyState::Active,
        created_by: "usr_x".into(),
        created_at: NOW.plus_millis(i64::try_from(number).expect("small")),
        version: 1,
    };
    let secret = KeySecret {
        id: SecretId(number.into()),
        key_id: id,
        stored: stored(number),
        created_at: NOW,
        version: 1,
    };
    (key, secret)
}

pub(crate) fn event(number: u128, action: Action, target: &str) -> Event {
    Event {
        id: EventId(number),
        at: NOW.plus_millis(i64::try_from(number).expect("small")),
        account_id: Some(AccountId(1)),
        actor: "usr_a".into(),
        action: action.as_str().into(),
        target: target.into(),
        before: None,
        after: Some(serde_json::json!({"name": "x\u{0}", "n": [1, 2.5]})),
        ip: Some("203.0.113.9".into()),
        request_id: None,
        salt: [3; 16],
    }
}

pub(crate) fn key_change(id: KeyId) -> Change {
    Change::new(ChangeKind::Key, id)
}

/// A write whose errors are the store's.
pub(crate) async fn write<T, F>(db: &Db, work: F) -> Result<Committed<T>, StoreError>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync + 'static,
{
    db.write(work).await
}

/// The same, of a write that has to succeed; what it returned.
pub(crate) async fn wrote<T, F>(db: &Db, work: F) -> T
where
    T: Send + 'static,
    F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync + 'static,
{
    write(db, work).await.expect("the write commits").value
}

/// Stores accounts 1 to `count`.
pub(crate) async fn with_accounts(db: &Db, count: u128) {
    wrote(db, move |tx| {
        Box::pin(async move {
            for number in 1..=count {
                accounts::insert(tx, &account(number)).await?;
            }
            Ok(())
        })
    })
    .await;
}

/// Stores users 1 to `count`.
pub(crate) async fn with_users(db: &Db, count: u128) {
    wrote(db, move |tx| {
        Box::pin(async move {
            for number in 1..=count {
                users::insert(tx, &user(number)).await?;
            }
            Ok(())
        })
    })
    .await;
}

/// Stores account 1 and keys 1 to `count` of it.
pub(crate) async fn with_keys(db: &Db, count: u64) {
    with_accounts(db, 1).await;
    wrote(db, move |tx| {
        Box::pin(async move {
            for number in 1..=count {
                let (key, secret) = key(number, AccountId(1));
                keys::insert(tx, &key, &secret).await?;
            }
            Ok(())
        })
    })
    .await;
}

/// Runs one statement of a test.
pub(crate) async fn run(db: &Db, sql: &'static str) {
    let touched = write(db, move |tx| {
        Box::pin(async move { tx.query(sql).execute().await })
    })
    .await;
    assert_ne!(touched.expect("the statement runs").value, 0, "{sql}");
}
