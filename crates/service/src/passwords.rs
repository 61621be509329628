//! Passwords: hashing in a bounded pool, and checking a guess without helping whoever guesses.
//!
//! However many sign in at once, only so many hashes run (19 MiB each) and only so many wait.

mod attempts;

use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::Error as HashError;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use claviger_model::passwords::PASSWORD_LENGTH_MAX;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::sources::Sources;
use attempts::Attempts;

/// argon2id as RFC 9106 and OWASP give it: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
/// How many hashes may wait, and each of them how long before its caller is told to come again.
const WAITING_MAX: usize = 256;
const WAIT: Duration = Duration::from_millis(900);
/// The hash of nobody's password, so that an unknown address costs what a known one does.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
                      $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and checks passwords.
pub(crate) struct PasswordPool {
    running: Arc<Semaphore>,
    places: Semaphore,
    attempts: Attempts,
}

/// A password that somebody says is theirs.
pub(crate) struct Guess<'a> {
    /// Whose it is said to be.
    pub(crate) email: &'a str,
    /// From where.
    pub(crate) ip: Option<IpAddr>,
    /// The stored hash; none when there is no such user, or one who may not sign in.
    pub(crate) stored: Option<String>,
    /// The password.
    pub(crate) password: Zeroizing<String>,
}

impl PasswordPool {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        // One core stays free for decisions.
        let running = cores.saturating_sub(1).max(1);
        Self {
            running: Arc::new(Semaphore::new(running)),
            places: Semaphore::new(running + WAITING_MAX),
            attempts: Attempts::new(),
        }
    }

    /// The hash of a new password, in PHC form.
    pub(crate) async fn hash(
        &self,
        sources: &Sources,
        password: Zeroizing<String>,
    ) -> Result<String, Error> {
        let random = sources.key()?;
        let hash = move || {
            let salt = &random[..SALT_BYTES];
            let hash = argon2id()?.hash_password_with_salt(password.as_bytes(), salt)?;
            Ok::<_, HashError>(hash.to_string())
        };
        self.run(hash)
            .await?
            .map_err(|error| Error::Internal(Box::new(error)))
    }

    /// Whether a guess is right. After wrong ones for the same address, by e-mail or network, it
    /// takes a little longer, never more than two seconds; a right one is let through all the same.
    pub(crate) async fn check(&self, sources: &Sources, guess: Guess<'_>) -> Result<bool, Error> {
        let Guess {
            email,
            ip,
            stored,
            password,
        } = guess;
        // What never was accepted as a password is not worth a megabyte of hashing or of waiting.
        let fits = password.chars().take(PASSWORD_LENGTH_MAX + 1).count() <= PASSWORD_LENGTH_MAX;
        let password = if fits { password } else { Zeroizing::default() };
        let can_match = fits && stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.to_owned());

        let attempt = self.attempts.begin(email, ip, sources.now()).await?;
        let matches = self.run(move || matches(&stored, &password)).await?;
        let is_right = matches.map_err(|error| Error::Internal(Box::new(error)))? && can_match;
        if is_right {
            attempt.succeeded();
        }
        Ok(is_right)
    }

    /// Runs `work` when it is its turn.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(too_many());
        };
        let turn = Arc::clone(&self.running).acquire_owned();
        let turn = tokio::time::timeout(WAIT, turn).await;
        let turn = turn.map_err(|_| too_many())?;
        let turn = turn.map_err(|closed| Error::Internal(Box::new(closed)))?;
        // The task holds the turn: work goes on, and counts, when its caller has gone away.
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        task.await.map_err(|panic| Error::Internal(Box::new(panic)))
    }
}

fn too_many() -> Error {
    Error::too_many("Too many people sign in at the moment.", 2)
}

fn matches(stored: &str, password: &str) -> Result<bool, HashError> {
    match argon2id()?.verify_password(password.as_bytes(), stored) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(error) => Err(error),
    }
}

fn argon2id() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(stored: Option<&str>, password: &str) -> Guess<'static> {
        Guess {
            email: "ana@acme.test",
            ip: None,
            stored: stored.map(str::to_owned),
            password: Zeroizing::new(password.to_owned()),
        }
    }

    #[tokio::test]
    async fn only_the_right_password_of_somebody_matches() {
        let (pool, sources) = (PasswordPool::new(), Sources::system().unwrap());
        let password = "correct horse battery".to_owned();
        let stored = pool
            .hash(&sources, Zeroizing::new(password.clone()))
            .await
            .unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(
            pool.check(&sources, guess(Some(&stored), &password))
                .await
                .unwrap()
        );
        for (stored, password) in [
            (Some(stored.as_str()), "correct horse batterx"),
            (None, password.as_str()),
            (None, ""),
            (Some(stored.as_str()), &"x".repeat(1 << 20)),
        ] {
            assert!(!pool.check(&sources, guess(stored, password)).await.unwrap());
        }
    }

    #[tokio::test]
    async fn whoever_finds_no_place_or_waits_too_long_is_told_to_come_again() {
        let pool = PasswordPool::new();
        for semaphore in [&pool.places, &*pool.running] {
            let all = u32::try_from(semaphore.available_permits()).unwrap();
            let taken = semaphore.acquire_many(all).await.unwrap();
            let refused = pool.run(|| ()).await.unwrap_err();
            assert_eq!(refused.retry_after_seconds(), Some(2));
            drop(taken);
            assert!(pool.run(|| ()).await.is_ok());
        }
    }
}
