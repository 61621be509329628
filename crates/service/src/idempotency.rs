//! `Idempotency-Key`: a creating POST that is sent twice creates once.
//!
//! The key is claimed in the transaction that creates, so a parallel duplicate waits for the first
//! to commit and then replays it. What is kept is the id of what was made and, for ten minutes,
//! its secret, encrypted under a key that only a request with the same header can derive.

use aws_lc_rs::digest::{SHA256, digest};
use claviger_model::keyring::Keyring;
use claviger_model::seal::Columns;
use claviger_model::secret::Plaintext;
use claviger_model::time::DAY_MILLIS;
use claviger_model::{Reason, UnixMillis};
use claviger_store::{Tx, idempotency};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::sources::Sources;

/// How long a replay shows the secret again, in milliseconds.
const SECRET_MILLIS: i64 = 10 * 60 * 1_000;
const HEADER_LENGTH_MAX: usize = 255;

/// One use of the header, by one actor, for one method and path.
#[derive(Clone)]
pub struct IdempotencyKey {
    scope: [u8; 32],
    body: [u8; 32],
    /// What the secret is encrypted under, beside the key-encryption key.
    context: Zeroizing<Vec<u8>>,
}

/// What a claim found.
pub enum Claimed {
    /// Nothing: create it.
    New,
    /// It was created before.
    Before {
        /// Its id.
        object_id: String,
        /// Its secret, for the first ten minutes.
        secret: Option<Plaintext>,
    },
}

impl IdempotencyKey {
    /// Checks the header. `actor` is who asks, `body` the request's bytes.
    pub fn new(
        header: &str,
        actor: &str,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<Self, Error> {
        let printable = header.bytes().all(|b| (0x20..0x7f).contains(&b));
        if header.is_empty() || header.len() > HEADER_LENGTH_MAX || !printable {
            let message =
                format!("Idempotency-Key must be 1 to {HEADER_LENGTH_MAX} printable characters.");
            return Err(Error::because(Reason::Malformed, message));
        }
        let mut columns = Columns::of("idempotency");
        columns.text(actor).text(method).text(path).text(header);
        let context = Zeroizing::new(columns.into_bytes());
        Ok(Self {
            scope: sha256(&context),
            body: sha256(body),
            context,
        })
    }

    /// Claims it in the transaction that creates. Another body under the same key is refused.
    pub(crate) async fn claim(
        &self,
        tx: &mut Tx,
        keyring: &Keyring,
        now: UnixMillis,
    ) -> Result<Claimed, Error> {
        let claim = idempotency::Claim {
            scope_hash: self.scope,
            body_hash: self.body,
            created_at: now,
            expires_at: now.plus_millis(DAY_MILLIS),
        };
        match idempotency::claim(tx, &claim).await? {
            idempotency::Claimed::New => Ok(Claimed::New),
            idempotency::Claimed::Existing { body_hash, .. } if body_hash != self.body => {
                Err(Error::refused(Reason::IdempotencyMismatch))
            }
            idempotency::Claimed::Existing {
                object_id,
                sealed_secret,
                secret_expires_at,
                ..
            } => {
                let open = secret_expires_at.is_some_and(|end| end > now);
                let secret = sealed_secret
                    .filter(|_| open)
                    .map(|sealed| self.open_secret(keyring, &sealed))
                    .transpose()?;
                Ok(Claimed::Before { object_id, secret })
            }
        }
    }

    /// Notes what was created, in the same transaction.
    pub(crate) async fn complete(
        &self,
        tx: &mut Tx,
        object_id: &str,
        sealed_secret: Option<&[u8]>,
        now: UnixMillis,
    ) -> Result<(), Error> {
        let end = sealed_secret.map(|_| now.plus_millis(SECRET_MILLIS));
        Ok(idempotency::complete(tx, &self.scope, object_id, sealed_secret, end).await?)
    }

    /// Encrypts a secret for replays.
    pub(crate) fn seal_secret(
        &self,
        keyring: &Keyring,
        sources: &Sources,
        secret: &Plaintext,
    ) -> Result<Vec<u8>, Error> {
        keyring
            .encrypt(&self.context, sources.nonce()?, secret.expose().as_bytes())
            .map_err(|error| Error::Internal(Box::new(error)))
    }

    fn open_secret(&self, keyring: &Keyring, sealed: &[u8]) -> Result<Plaintext, Error> {
        let bytes = keyring
            .decrypt(&self.context, sealed)
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let text = std::str::from_utf8(&bytes).map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(Plaintext::restore(text.to_owned()))
    }
}

/// What was made before under the same header.
#[derive(Clone)]
pub(crate) struct Before {
    /// Its id.
    pub(crate) object_id: String,
    /// Its secret, for the first ten minutes.
    pub(crate) secret: Option<Plaintext>,
}

/// Claims `key`, when there is one, for the object `id` that is about to be made; or finds what was
/// made before.
pub(crate) async fn replay(
    key: Option<&IdempotencyKey>,
    tx: &mut Tx,
    keyring: &Keyring,
    (id, sealed_secret): (impl std::fmt::Display, Option<&[u8]>),
    now: UnixMillis,
) -> Result<Option<Before>, Error> {
    let Some(key) = key else { return Ok(None) };
    if let Claimed::Before { object_id, secret } = key.claim(tx, keyring, now).await? {
        return Ok(Some(Before { object_id, secret }));
    }
    key.complete(tx, &id.to_string(), sealed_secret, now)
        .await?;
    Ok(None)
}

/// The id of what was made before.
pub(crate) fn replayed_id<T>(before: &Before) -> Result<T, Error>
where
    T: std::str::FromStr<Err = claviger_model::ids::InvalidId>,
{
    before
        .object_id
        .parse()
        .map_err(|error| Error::Internal(Box::new(error)))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}
