//! Signing keys: made, published, signing, retired and gone, without a failed verification.
//!
//! 1. A key is published when its row is committed: every node verifies with it and shows it.
//! 2. It signs from when verifiers that keep the JWKS must have seen it.
//! 3. Its predecessor stays published until the last token that it signed has expired.
//!
//! Nodes decide nothing together: each makes the key of the next generation, and the uniqueness of
//! generations lets one of them win.

mod list;
mod make;
mod pair;
mod rotate;
mod signer;
mod upkeep;
mod withdraw;

use std::sync::Arc;

use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::clients::TOKEN_LIFETIME_SECONDS_MAX;
use claviger_model::signing_keys::{Lifetimes, SigningKey, succession};
use claviger_store::{Conn, Tx, settings, signing_keys};
use serde_json::{Value, json};

pub use list::{ListedKey, list};
pub use make::ensure;
pub use rotate::rotate;
pub use signer::{Jwks, NoSigningKey, Signer};
pub(crate) use upkeep::upkeep;
pub use withdraw::withdraw;

use crate::access::Signature;
use crate::app::App;
use crate::error::Error;

/// How many keys of an algorithm may wait for their turn.
const WAITING_MAX: usize = 20;
/// How often a change is tried again that another node was faster with.
const ATTEMPTS: usize = 5;
/// What verifiers may allow for clocks that differ from ours, in seconds.
const LEEWAY_SECONDS: i64 = 60;
/// The fact that says when every token that was issued until now has expired.
const TOKENS_END_BY: &str = "tokens.end_by";

/// The set of public keys as it is published, with a key of every algorithm: an API that is the
/// first to use one gets tokens that whoever keeps the set can verify.
///
/// # Errors
/// A key is missing, and none can be made.
pub async fn published(app: &App) -> Result<Arc<Jwks>, Error> {
    for algorithm in SigningAlgorithm::ALL {
        ensure(app, algorithm).await?;
    }
    Ok(app.signer().jwks())
}

/// Who acts when nobody does.
fn system() -> Signature {
    Signature::of("system", None, None)
}

/// The trusted keys of an algorithm, by generation.
async fn of_algorithm(
    conn: &mut Conn,
    algorithm: SigningAlgorithm,
) -> Result<Vec<SigningKey>, Error> {
    let (mut keys, _) = signing_keys::all(conn).await?;
    keys.retain(|key| key.algorithm == algorithm);
    Ok(keys)
}

/// How long tokens live, by what the instance, its APIs and its clients say and have said.
async fn lifetimes(app: &App, conn: &mut Conn, now: UnixMillis) -> Result<Lifetimes, Error> {
    let configured = signing_keys::longest_lifetime_seconds(conn).await?;
    let longest = configured
        .unwrap_or_default()
        .max(app.settings().tokens.lifetime_seconds);
    let noted = noted_end(conn).await?;
    let latest = now.plus_seconds(TOKEN_LIFETIME_SECONDS_MAX.into());
    let longest_millis = i64::from(longest) * 1_000;
    Ok(Lifetimes {
        longest_millis,
        earlier_end_by: noted
            .unwrap_or(now)
            .max(now.plus_millis(longest_millis))
            .min(latest),
        leeway_millis: LEEWAY_SECONDS * 1_000,
    })
}

/// When every token that was issued until now has expired, as far as it was written down.
async fn noted_end(conn: &mut Conn) -> Result<Option<UnixMillis>, Error> {
    let noted = settings::get(conn, TOKENS_END_BY).await?;
    Ok(noted.and_then(|text| text.parse().ok()).map(UnixMillis))
}

/// Writes how long each of these keys of one algorithm has to be published, as it is at `now`.
async fn write_succession(
    tx: &mut Tx,
    keys: &[SigningKey],
    now: UnixMillis,
    lifetimes: &Lifetimes,
) -> Result<(), Error> {
    for key in succession(keys, now, lifetimes) {
        signing_keys::update(tx, &key).await?;
        tx.change(Change::new(ChangeKind::SigningKey, key.id));
    }
    Ok(())
}

/// The members of a key that an audit event tells of.
fn audited(key: &SigningKey) -> Value {
    json!({
        "algorithm": key.algorithm.as_str(),
        "generation": key.generation,
        "signs_from": key.signs_from,
        "published_until": key.published_until,
    })
}
