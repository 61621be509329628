//! The hashes of keys that were made elsewhere, and the peppers of some of them.

use std::collections::HashMap;

use claviger_model::UnixMillis;
use claviger_model::credentials::KeySecret;
use claviger_model::ids::{AccountId, SecretId};
use claviger_model::imports::{Fingerprint, ForeignHash, HashAlgorithm, ImportedHash};
use claviger_model::keys::ApiKey;
use claviger_model::seal::Sealed as _;
use claviger_model::secret::Lookup;
use zeroize::Zeroizing;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::keys;
use crate::rows::{BadRow, Fields, Opened, Stored, json_text, open_each, open_one};

/// What a pepper is encrypted for, with its number.
const PEPPER_CONTEXT: &str = "import pepper";

/// What is known of a hash that comes again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// Whose key it is.
    pub account_id: AccountId,
    /// What it was called elsewhere.
    pub external_id: Option<String>,
    /// By which the hash is recognised.
    pub fingerprint: Fingerprint,
}

/// A pepper by its number.
pub type Pepper = (u8, Zeroizing<Vec<u8>>);

impl Stored for ImportedHash {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        let secret_id = fields.parsed()?;
        let key_id = fields.parsed()?;
        let account_id = fields.parsed()?;
        let external_id = fields.optional_text()?;
        let fingerprint = fields.word(Fingerprint::parse)?;
        let algorithm = fields.word(HashAlgorithm::parse)?;
        let hash = fields.optional_text()?;
        let lead = fields.optional_text()?;
        let pepper = fields.optional_small()?;
        let restored = |text: String| {
            let hash = ForeignHash::restore(algorithm, &text, lead.as_deref(), pepper);
            hash.ok_or_else(|| fields.corrupt())
        };
        Ok(Self {
            secret_id,
            key_id,
            account_id,
            external_id,
            fingerprint,
            algorithm,
            hash: hash.map(restored).transpose()?,
            placeholder: fields.word(Lookup::from_text)?,
            created_at: fields.time()?,
            upgraded_at: fields.optional_time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a key that was made elsewhere, with its placeholder of a secret and what was brought along
/// for it. `imported_hashes.fingerprint` or `imported_hashes.external_id` conflicts where it was
/// imported before.
pub async fn insert(
    tx: &mut Tx,
    (key, secret): (&ApiKey, &KeySecret),
    row: &ImportedHash,
) -> Result<(), StoreError> {
    keys::insert(tx, key, secret).await?;
    let seal = tx.keyring().seal(row);
    let hash = row.hash.as_ref();
    tx.query(
        "INSERT INTO imported_hashes (secret_id, key_id, account_id, external_id, fingerprint,
             algorithm, hash, lead, pepper, placeholder, created_at, upgraded_at, row_version,
             seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .shown(row.secret_id)
    .shown(row.key_id)
    .shown(row.account_id)
    .bind(row.external_id.as_deref())
    .bind(row.fingerprint.to_text())
    .bind(row.algorithm.as_str())
    .bind(hash.map(ForeignHash::to_text))
    .bind(hash.and_then(ForeignHash::lead))
    .bind(hash.and_then(ForeignHash::pepper).map(i64::from))
    .bind(row.placeholder.to_text())
    .time(row.created_at)
    .time_option(row.upgraded_at)
    .bind(row.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Erases the foreign hash of a row; whether it was there. Of any number of callers exactly one
/// finds it.
pub async fn erase_hash(tx: &mut Tx, row: &ImportedHash) -> Result<bool, StoreError> {
    let seal = tx.keyring().seal(row);
    let touched = tx
        .query(
            "UPDATE imported_hashes SET hash = NULL, lead = NULL, pepper = NULL,
                 upgraded_at = $2, row_version = $3, seal = $4
             WHERE secret_id = $1 AND row_version = $3 - 1 AND hash IS NOT NULL",
        )
        .shown(row.secret_id)
        .time_option(row.upgraded_at)
        .bind(row.version)
        .bind(seal)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// What was brought along for one secret.
pub async fn get(conn: &mut Conn, id: SecretId) -> Result<Option<ImportedHash>, StoreError> {
    let row = conn
        .query(
            "SELECT secret_id, key_id, account_id, external_id, fingerprint, algorithm, hash,
                 lead, pepper, placeholder, created_at, upgraded_at, row_version, seal
             FROM imported_hashes WHERE secret_id = $1",
        )
        .shown(id)
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Those of the rows that exist and can be trusted, and the others.
pub async fn by_ids(
    conn: &mut Conn,
    ids: &[SecretId],
) -> Result<(Vec<ImportedHash>, Vec<BadRow>), StoreError> {
    let rows = conn
        .query2(
            "SELECT secret_id, key_id, account_id, external_id, fingerprint, algorithm, hash,
                 lead, pepper, placeholder, created_at, upgraded_at, row_version, seal
             FROM imported_hashes WHERE secret_id IN (SELECT value FROM json_each($1))",
            "SELECT secret_id, key_id, account_id, external_id, fingerprint, algorithm, hash,
                 lead, pepper, placeholder, created_at, upgraded_at, row_version, seal
             FROM imported_hashes
             WHERE secret_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(ids)?)
        .fetch_all()
        .await?;
    open_each(conn, &rows)
}

/// A page of the rows whose keys were not seen yet, in the order of their secrets, with those that
/// cannot be trusted, and where it ended; none after the last.
pub async fn unseen_page(
    conn: &mut Conn,
    after: Option<&str>,
    limit: u32,
) -> Result<(Opened<ImportedHash>, Option<String>), StoreError> {
    let rows = conn
        .query(
            "SELECT secret_id, key_id, account_id, external_id, fingerprint, algorithm, hash,
                 lead, pepper, placeholder, created_at, upgraded_at, row_version, seal
             FROM imported_hashes WHERE hash IS NOT NULL AND secret_id > $1
             ORDER BY secret_id LIMIT $2",
        )
        .bind(after.unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    let end = rows.last().map(|row| row.get(0)).transpose()?;
    Ok((open_each(conn, &rows)?, end))
}

/// What is known of those of the fingerprints that were imported before.
pub async fn known(
    conn: &mut Conn,
    fingerprints: &[Fingerprint],
) -> Result<Vec<Known>, StoreError> {
    let texts = fingerprints.iter().map(|one| one.to_text());
    let rows = conn
        .query2(
            "SELECT account_id, external_id, fingerprint FROM imported_hashes
             WHERE fingerprint IN (SELECT value FROM json_each($1))",
            "SELECT account_id, external_id, fingerprint FROM imported_hashes
             WHERE fingerprint IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(&texts.collect::<Vec<_>>())?)
        .fetch_all()
        .await?;
    let known = rows.iter().map(|row| {
        let mut fields = Fields::of(ImportedHash::TABLE, row);
        Ok(Known {
            account_id: fields.parsed()?,
            external_id: fields.optional_text()?,
            fingerprint: fields.word(Fingerprint::parse)?,
        })
    });
    known.collect()
}

/// Those of the names that keys of whichever account had elsewhere, with these accounts.
pub async fn external_ids(
    conn: &mut Conn,
    names: &[&str],
) -> Result<Vec<(AccountId, String)>, StoreError> {
    let rows = conn
        .query2(
            "SELECT account_id, external_id FROM imported_hashes
             WHERE external_id IN (SELECT value FROM json_each($1))",
            "SELECT account_id, external_id FROM imported_hashes
             WHERE external_id IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb)))",
        )
        .bind(json_text(names)?)
        .fetch_all()
        .await?;
    let pairs = rows.iter().map(|row| {
        let mut fields = Fields::of(ImportedHash::TABLE, row);
        Ok((fields.parsed()?, fields.text()?))
    });
    pairs.collect()
}

/// How many keys that were not seen yet start with each of these.
pub async fn leads(conn: &mut Conn, leads: &[&str]) -> Result<HashMap<String, i64>, StoreError> {
    let rows = conn
        .query2(
            "SELECT lead, COUNT(*) FROM imported_hashes
             WHERE lead IN (SELECT value FROM json_each($1)) GROUP BY lead",
            "SELECT lead, COUNT(*) FROM imported_hashes
             WHERE lead IN (SELECT jsonb_array_elements_text(CAST($1 AS jsonb))) GROUP BY lead",
        )
        .bind(json_text(leads)?)
        .fetch_all()
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Every pepper that can be decrypted, and the others.
pub async fn peppers(conn: &mut Conn) -> Result<(Vec<Pepper>, Vec<BadRow>), StoreError> {
    let rows = conn
        .query("SELECT id, ciphertext FROM import_peppers ORDER BY id")
        .fetch_all()
        .await?;
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for row in &rows {
        let mut fields = Fields::of("import_peppers", row);
        let number: u8 = fields.small()?;
        let ciphertext = fields.optional_bytes()?.unwrap_or_default();
        match conn.keyring().decrypt(&context(number), &ciphertext) {
            Ok(pepper) => good.push((number, pepper)),
            Err(error) => bad.push(BadRow {
                table: "import_peppers",
                id: number.to_string(),
                why: error.to_string(),
            }),
        }
    }
    Ok((good, bad))
}

/// Adds a pepper. `nonce` is fresh and random.
pub async fn insert_pepper(
    tx: &mut Tx,
    (number, pepper): (u8, &[u8]),
    nonce: [u8; 12],
    now: UnixMillis,
) -> Result<(), StoreError> {
    let ciphertext = tx.keyring().encrypt(&context(number), nonce, pepper);
    let ciphertext = ciphertext
        .map_err(|error| StoreError::Internal(crate::error::Cause::new(error.to_string())))?;
    tx.query("INSERT INTO import_peppers (id, ciphertext, created_at) VALUES ($1, $2, $3)")
        .bind(i64::from(number))
        .bind(ciphertext)
        .time(now)
        .execute()
        .await?;
    Ok(())
}

fn context(number: u8) -> Vec<u8> {
    format!("{PEPPER_CONTEXT} {number}").into_bytes()
}
