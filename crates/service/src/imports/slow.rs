//! Keys whose hash has a salt: it can only be tried, which takes as long as it was meant to take.
//!
//! It is done beside the decision, and only for a text that starts as such a key does. However many
//! of those come, only so many hashes run, so many wait and each network tries so many; what was
//! wrong once is not tried again. Whoever finds no place is told to come again, never that the key
//! is wrong.

use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use argon2::{Argon2, PasswordVerifier as _};
use claviger_model::credentials::StoredSecret;
use claviger_model::imports::HashAlgorithm;
use claviger_model::keyring::Mac;
use claviger_model::limits::RateLimit;
use claviger_verify::imported::SlowHash;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::app::App;
use crate::network::NetworkLimits;

/// How many texts may wait, and each of them how long.
const WAITING_MAX: usize = 32;
const WAIT: Duration = Duration::from_millis(900);
/// How many texts each network may have tried.
const TRIES: RateLimit = RateLimit {
    limit: 30,
    window_seconds: 60,
};
/// How many wrong texts are remembered.
const WRONG_MAX: usize = 10_000;

/// What became of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tried {
    /// It is no such key.
    Wrong,
    /// It is one: the next decision knows it.
    Right,
    /// Nobody can say now.
    Busy,
}

/// Tries hashes with a salt.
pub(crate) struct SlowPool {
    running: Arc<Semaphore>,
    places: Semaphore,
    networks: NetworkLimits,
    /// Keyed hashes of texts that were wrong, and how many slow hashes there had been by then.
    wrong: Cache<Mac, u64>,
}

impl SlowPool {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        // One core stays free for decisions.
        let running = cores.saturating_sub(1).max(1);
        Self {
            running: Arc::new(Semaphore::new(running)),
            places: Semaphore::new(running + WAITING_MAX),
            networks: NetworkLimits::new(TRIES),
            wrong: Cache::new(WRONG_MAX),
        }
    }
}

/// Tries whether a text that is no known credential is a key that was made elsewhere and hashed
/// with a salt. Costs next to nothing as long as there are none, and for what does not start as
/// one of them does.
pub async fn try_slow(app: &App, credential: &str, ip: Option<IpAddr>) -> Tried {
    let index = app.verifier().index();
    let imported = index.imported();
    // Before the candidates: those that come meanwhile are tried at the next time.
    let generation = imported.generation();
    let candidates = imported.candidates(credential);
    if candidates.is_empty() {
        return Tried::Wrong;
    }
    let pool = app.slow_keys();
    let stored = StoredSecret::of_foreign(credential, app.keyring());
    if pool.wrong.get(&stored.hash) == Some(generation) {
        return Tried::Wrong;
    }
    let now = app.sources().both();
    if pool.networks.take(ip, now.boot_nanos).is_err() {
        return Tried::Busy;
    }
    let Some(found) = pool.run(credential, candidates).await else {
        return Tried::Busy;
    };
    let Some(found) = found else {
        pool.wrong.insert(stored.hash, generation);
        return Tried::Wrong;
    };
    imported.prove(&found, stored.lookup, stored.hash);
    app.upgrader().note_secret(found.secret_id, || stored);
    Tried::Right
}

impl SlowPool {
    /// The candidate whose key a text is; the outer none when there was no turn for it.
    async fn run(&self, credential: &str, candidates: Vec<SlowHash>) -> Option<Option<SlowHash>> {
        let _place = self.places.try_acquire().ok()?;
        let turn = Arc::clone(&self.running).acquire_owned();
        let turn = tokio::time::timeout(WAIT, turn).await.ok()?.ok()?;
        let credential = Zeroizing::new(credential.to_owned());
        // The task holds the turn: work goes on, and counts, when its caller has gone away.
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            candidates
                .into_iter()
                .find(|candidate| matches(candidate, credential.as_bytes()))
        });
        task.await.ok()
    }
}

fn matches(candidate: &SlowHash, credential: &[u8]) -> bool {
    match candidate.algorithm {
        // What bcrypt would cut off is not taken: another key that starts the same would pass.
        HashAlgorithm::Bcrypt => {
            bcrypt::non_truncating_verify(credential, &candidate.text).unwrap_or(false)
        }
        HashAlgorithm::Argon2 => Argon2::default()
            .verify_password(credential, &*candidate.text)
            .is_ok(),
        HashAlgorithm::Sha256 | HashAlgorithm::Sha512 | HashAlgorithm::HmacSha256 => false,
    }
}
