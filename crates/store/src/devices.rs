//! Authorizations that devices ask for, and how the devices poll.

use claviger_model::UnixMillis;
use claviger_model::clients::HashedToken;
use claviger_model::devices::{
    DeviceAuthorization, DeviceState, POLL_INTERVAL_SECONDS, POLL_TOLERANCE_MILLIS,
    SLOW_DOWN_SECONDS,
};
use claviger_model::keyring::Mac;
use claviger_model::secret::Lookup;

use crate::db::{Conn, Tx};
use crate::error::StoreError;
use crate::rows::{Fields, Stored, json_text, open_one};

/// What a poll came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Poll {
    /// How long the device has to wait until the next one, in seconds.
    pub interval_seconds: u32,
    /// Whether it came too early.
    pub is_early: bool,
}

impl Stored for DeviceAuthorization {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            stored: fields.stored_secret()?,
            user_code: HashedToken {
                hash: fields.hash()?,
                pepper_version: fields.small()?,
            },
            client_id: fields.parsed()?,
            authorized: fields.json()?,
            state: state(fields)?,
            created_at: fields.time()?,
            expires_at: fields.time()?,
            version: fields.int()?,
        })
    }
}

/// Adds an authorization that nobody has decided on, as if its device had polled before its time
/// began. A user code that another one has is a conflict.
pub async fn insert(tx: &mut Tx, device: &DeviceAuthorization) -> Result<(), StoreError> {
    let seal = tx.keyring().seal(device);
    tx.query(
        "INSERT INTO device_authorizations (lookup, hash, pepper_version, hint, user_code_hash,
             user_code_pepper_version, client_id, authorized, state, decided_at, grant_id, used_at,
             created_at, expires_at, row_version, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(device.stored.lookup.to_text())
    .bind(device.stored.hash.as_slice())
    .bind(i64::from(device.stored.pepper_version))
    .bind(device.stored.hint.as_str())
    .bind(device.user_code.hash.as_slice())
    .bind(i64::from(device.user_code.pepper_version))
    .shown(device.client_id)
    .bind(json_text(&device.authorized)?)
    .bind(device.state.as_str())
    .time_option(device.state.decided_at())
    .shown_option(device.state.grant_id())
    .time_option(device.state.used_at())
    .time(device.created_at)
    .time(device.expires_at)
    .bind(device.version)
    .bind(seal)
    .execute()
    .await?;
    tx.query(
        "INSERT INTO device_polls (lookup, polled_at, interval_seconds, early, expires_at)
         VALUES ($1, 0, $2, 0, $3)",
    )
    .bind(device.stored.lookup.to_text())
    .bind(i64::from(POLL_INTERVAL_SECONDS))
    .time(device.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Writes what an authorization in the state `before` became: one statement, which of several at
/// the same time exactly one does. Whether it was this one.
pub async fn advance(
    tx: &mut Tx,
    before: DeviceState,
    device: &DeviceAuthorization,
) -> Result<bool, StoreError> {
    let seal = tx.keyring().seal(device);
    let touched = tx
        .query(
            "UPDATE device_authorizations SET authorized = $2, state = $3, decided_at = $4,
                 grant_id = $5, used_at = $6, row_version = $7, seal = $8
             WHERE lookup = $1 AND row_version = $7 - 1 AND state = $9",
        )
        .bind(device.stored.lookup.to_text())
        .bind(json_text(&device.authorized)?)
        .bind(device.state.as_str())
        .time_option(device.state.decided_at())
        .shown_option(device.state.grant_id())
        .time_option(device.state.used_at())
        .bind(device.version)
        .bind(seal)
        .bind(before.as_str())
        .execute()
        .await?;
    Ok(touched == 1)
}

/// The authorization with this public identifier of its device code, whose hash is not compared
/// here.
pub async fn by_lookup(
    conn: &mut Conn,
    lookup: Lookup,
) -> Result<Option<DeviceAuthorization>, StoreError> {
    let row = conn
        .query(
            "SELECT lookup, hash, pepper_version, hint, user_code_hash, user_code_pepper_version,
                 client_id, authorized, state, decided_at, grant_id, used_at, created_at,
                 expires_at, row_version, seal
             FROM device_authorizations WHERE lookup = $1",
        )
        .bind(lookup.to_text())
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// The authorization whose user code has this hash.
pub async fn by_user_code(
    conn: &mut Conn,
    hash: &Mac,
) -> Result<Option<DeviceAuthorization>, StoreError> {
    let row = conn
        .query(
            "SELECT lookup, hash, pepper_version, hint, user_code_hash, user_code_pepper_version,
                 client_id, authorized, state, decided_at, grant_id, used_at, created_at,
                 expires_at, row_version, seal
             FROM device_authorizations WHERE user_code_hash = $1",
        )
        .bind(hash.as_slice())
        .fetch_optional()
        .await?;
    open_one(conn, row)
}

/// Counts a poll at `now`. One statement, so that of any number at the same time one is in time.
/// Each that is too early makes the device wait longer, counted from it.
pub async fn poll(
    tx: &mut Tx,
    lookup: Lookup,
    now: UnixMillis,
) -> Result<Option<Poll>, StoreError> {
    let row = tx
        .query(
            "UPDATE device_polls SET
                 early = CASE WHEN polled_at + interval_seconds * 1000 - $3 > $2
                     THEN 1 ELSE 0 END,
                 interval_seconds = CASE WHEN polled_at + interval_seconds * 1000 - $3 > $2
                     THEN interval_seconds + $4 ELSE interval_seconds END,
                 polled_at = $2
             WHERE lookup = $1 RETURNING interval_seconds, early",
        )
        .bind(lookup.to_text())
        .time(now)
        .bind(POLL_TOLERANCE_MILLIS)
        .bind(i64::from(SLOW_DOWN_SECONDS))
        .fetch_optional()
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let seconds: i64 = row.get(0)?;
    let early: i64 = row.get(1)?;
    Ok(Some(Poll {
        interval_seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
        is_early: early == 1,
    }))
}

/// Deletes at most `limit` authorizations that ended before `before`; how many.
pub async fn delete_before(tx: &mut Tx, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM device_authorizations WHERE lookup IN
             (SELECT lookup FROM device_authorizations WHERE expires_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}

/// Deletes at most `limit` counts of polls of what ended before `before`; how many.
pub async fn delete_polls_before(
    tx: &mut Tx,
    before: UnixMillis,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.query(
        "DELETE FROM device_polls WHERE lookup IN
             (SELECT lookup FROM device_polls WHERE expires_at < $1 LIMIT $2)",
    )
    .time(before)
    .bind(i64::from(limit))
    .execute()
    .await
}

fn state(fields: &mut Fields<'_>) -> Result<DeviceState, StoreError> {
    let word = fields.text()?;
    let decided_at = fields.optional_time()?;
    let grant_id = fields.optional_parsed()?;
    let used_at = fields.optional_time()?;
    let state = DeviceState::of_columns(&word, decided_at, grant_id, used_at);
    state.ok_or_else(|| fields.corrupt())
}
