//! What access tokens are signed with. The private halves are encrypted before they come here.

use claviger_model::apis::SigningAlgorithm;
use claviger_model::seal::Sealed as _;
use claviger_model::signing_keys::SigningKey;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{BadRow, Fields, Stored, one_row, open_each};

impl Stored for SigningKey {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: fields.parsed()?,
            algorithm: fields.word(SigningAlgorithm::parse)?,
            generation: fields.int()?,
            public_jwk: fields.text()?,
            sealed_private: fields.optional_bytes()?.ok_or_else(|| fields.corrupt())?,
            created_at: fields.time()?,
            signs_from: fields.time()?,
            published_until: fields.optional_time()?,
            version: fields.int()?,
        })
    }
}

/// Adds a key. `signing_keys.generation` conflicts when somebody else has just made the key of
/// this generation: then that one is to be read and used.
pub async fn insert(tx: &mut Tx, key: &SigningKey) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(key);
    tx.query(
        "INSERT INTO signing_keys (id, algorithm, generation, public_jwk, sealed_private,
             created_at, signs_from, published_until, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .shown(key.id)
    .bind(key.algorithm.as_str())
    .bind(key.generation)
    .bind(key.public_jwk.as_str())
    .bind(key.sealed_private.as_slice())
    .time(key.created_at)
    .time(key.signs_from)
    .time_option(key.published_until)
    .bind(key.version)
    .bind(seal)
    .execute()
    .await?;
    Ok(())
}

/// Writes when a key signs and how long it is published, over the version before it.
pub async fn update(tx: &mut Tx, key: &SigningKey) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(key);
    let touched = tx
        .query(
            "UPDATE signing_keys SET signs_from = $2, published_until = $3, row_version = $4,
                 seal = $5
             WHERE id = $1 AND row_version = $4 - 1",
        )
        .shown(key.id)
        .time(key.signs_from)
        .time_option(key.published_until)
        .bind(key.version)
        .bind(seal)
        .execute()
        .await?;
    one_row(touched, SigningKey::TABLE)
}

/// Every key, those of before too, by algorithm and generation; and the rows that cannot be
/// trusted.
pub async fn all(conn: &mut Conn) -> Result<(Vec<SigningKey>, Vec<BadRow>), StoreError> {
    let rows = conn
        .query(
            "SELECT id, algorithm, generation, public_jwk, sealed_private, created_at, signs_from,
                 published_until, row_version, seal
             FROM signing_keys ORDER BY algorithm, generation",
        )
        .fetch_all()
        .await?;
    open_each(conn, &rows)
}

/// The highest generation of an algorithm, of rows that cannot be trusted too; zero when there is
/// none.
pub async fn last_generation(
    conn: &mut Conn,
    algorithm: SigningAlgorithm,
) -> Result<i64, StoreError> {
    conn.query("SELECT COALESCE(MAX(generation), 0) FROM signing_keys WHERE algorithm = $1")
        .bind(algorithm.as_str())
        .fetch_one()
        .await?
        .get(0)
}

/// The longest life of a token that some API or client asks for, in seconds; none when all leave
/// it to the instance.
pub async fn longest_lifetime_seconds(conn: &mut Conn) -> Result<Option<u32>, StoreError> {
    let row = conn
        .query(
            "SELECT MAX(longest) FROM (
                 SELECT MAX(token_lifetime_seconds) AS longest FROM apis
                 UNION ALL
                 SELECT MAX(token_lifetime_seconds) AS longest FROM clients
                     WHERE deleted_at IS NULL
             ) AS lifetimes",
        )
        .fetch_one()
        .await?;
    Fields::of("apis", &row).optional_small()
}
