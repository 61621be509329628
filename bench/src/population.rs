//! Databases with many keys, made once for each size and schema and kept beside what cargo builds.
//!
//! The first start of `claviger dev` makes instance, account and API; the keys are written as the
//! program writes them, sealed, a page in one transaction, and without their audit events. They are
//! written in the order of their identifiers, so that no tree of the database has to be torn open:
//! that takes minutes instead of hours.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use claviger_model::UnixMillis;
use claviger_model::accounts::Account;
use claviger_model::credentials::KeySecret;
use claviger_model::ids::AccountId;
use claviger_model::keyring::Keyring;
use claviger_model::keys::ApiKey;
use claviger_store::{Db, Location, StoreError, Tx, accounts, keys};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::resident;
use crate::server::{self, Scratch, dev, directory};

/// Of what is written here, beside the schema.
const FORMAT: u32 = 1;
/// Rows of a transaction.
const PAGE: usize = 20_000;
/// Keys of an account, where they are not all the first one's.
const KEYS_OF_ACCOUNT: u64 = 100;
/// Up to how many keys are all the first account's, whose pages are measured.
const KEYS_OF_FIRST_MAX: u64 = 10_000;
/// How long ago the keys were made: so short a time that nobody is reminded of them.
const AGE_MILLIS: u128 = 86_400_000;
/// Where the time stands in an identifier.
const TIME_SHIFT: u32 = 80;

/// A data directory of `claviger dev` with so many keys.
pub(crate) struct Population {
    pub(crate) path: PathBuf,
    /// What the first start on it showed.
    pub(crate) first: Value,
}

/// The database with keys of these numbers, which is made if it is not there.
pub(crate) async fn of(count: u64) -> Result<Population> {
    let schema = schema().await?;
    let path = directory()?.join(format!("{count}-keys"));
    // Beside the directory, which is the server's alone.
    let note = path.with_extension("json");
    let known = std::fs::read_to_string(&note).ok();
    let known = known.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    if let Some(known) = known.filter(|known| known["schema"] == json!(schema)) {
        let first = known["first"].clone();
        return Ok(Population { path, first });
    }
    let _ = std::fs::remove_dir_all(&path);
    let (mut process, first) = dev(&path).context("claviger dev")?;
    process.end(Signal::TERM)?;
    let account_id: AccountId = server::text(&first, "/account_id")?.parse()?;
    let (db, keyring) = open(&path).await?;
    write(&db, &keyring, count, account_id).await?;
    db.close().await;
    let known = json!({"schema": schema, "first": first});
    std::fs::write(note, known.to_string())?;
    Ok(Population { path, first })
}

/// The latest migration of a new database, and what is written here.
async fn schema() -> Result<String> {
    let scratch = Scratch::new()?;
    std::fs::create_dir_all(scratch.path())?;
    let file = scratch.path().join("claviger.db");
    let db = Db::open(&Location::Sqlite { file }, resident::keyring()?).await?;
    let schema = db.schema().await?;
    db.close().await;
    Ok(format!("{} {FORMAT}", schema.unwrap_or_default()))
}

/// The main database of a data directory.
async fn open(path: &Path) -> Result<(Db, Arc<Keyring>)> {
    let line = std::fs::read_to_string(path.join("master.key"))?;
    let keyring = Arc::new(Keyring::parse(&line)?);
    let file = path.join("claviger.db");
    let db = Db::open_existing(&Location::Sqlite { file }, Arc::clone(&keyring)).await?;
    Ok((db, keyring))
}

async fn write(db: &Db, keyring: &Keyring, count: u64, first: AccountId) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let begun = now - AGE_MILLIS;
    let id = |at: u64| (begun << TIME_SHIFT) + u128::from(at) + 1;
    let at = UnixMillis(begun.try_into()?);
    let is_spread = count > KEYS_OF_FIRST_MAX;
    let accounts = if is_spread {
        count / KEYS_OF_ACCOUNT
    } else {
        0
    };
    let others: Vec<Account> = (0..accounts)
        .map(|number| Account {
            created_at: at,
            ..resident::account(AccountId(id(number)))
        })
        .collect();
    for page in others.chunks(PAGE) {
        insert_accounts(db, page.into()).await?;
    }
    let mut places = 0;
    let ordered = in_order(count)?;
    for page in ordered.chunks(PAGE) {
        let rows: Vec<_> = page
            .iter()
            .map(|number| {
                let account = match accounts {
                    0 => first,
                    accounts => AccountId(id(number % accounts)),
                };
                places += 1;
                resident::row(*number, (at, id(places)), account, keyring)
            })
            .collect::<Result<_>>()?;
        insert_keys(db, rows.into()).await?;
        if count >= 100_000 && places % 200_000 == 0 {
            eprintln!("bench: {places} of {count} keys are written");
        }
    }
    Ok(())
}

/// The numbers of the keys in the order in which their secrets are looked up.
fn in_order(count: u64) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    for number in resident::numbers(count) {
        let secret = resident::minted(number).context("enough digits")?;
        found.push((secret.lookup().to_text(), number));
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, number)| number).collect())
}

async fn insert_accounts(db: &Db, rows: Arc<[Account]>) -> Result<(), StoreError> {
    let committed = db.write(move |tx: &mut Tx| {
        let rows = Arc::clone(&rows);
        Box::pin(async move {
            for account in rows.iter() {
                accounts::insert(tx, account).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    committed.await.map(drop)
}

/// Writes keys in one transaction, durably.
pub(crate) async fn insert_keys(
    db: &Db,
    rows: Arc<[(ApiKey, KeySecret)]>,
) -> Result<(), StoreError> {
    let committed = db.write(move |tx: &mut Tx| {
        let rows = Arc::clone(&rows);
        Box::pin(async move {
            for (key, secret) in rows.iter() {
                keys::insert(tx, key, secret).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    committed.await.map(drop)
}
