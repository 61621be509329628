//! Making keys.

use claviger_model::Reason;
use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::audit::Action;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::SigningKeyId;
use claviger_model::signing_keys::{SigningKey, signing};
use claviger_store::{Tx, signing_keys};

use super::pair::Pair;
use super::{ATTEMPTS, audited, of_algorithm, system};
use crate::access::Signature;
use crate::app::{App, Effect};
use crate::error::Error;

/// A key pair that has no place among the others yet.
#[derive(Clone)]
pub(super) struct FreshKey {
    id: SigningKeyId,
    algorithm: SigningAlgorithm,
    public_jwk: String,
    sealed_private: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
#[error("a new signing key cannot be read or encrypted")]
struct Unusable;

/// Makes the first key of an algorithm, which signs at once; nothing when there is one. Cheap when
/// this node holds one.
///
/// # Errors
/// The store's.
pub async fn ensure(app: &App, algorithm: SigningAlgorithm) -> Result<(), Error> {
    if app.signer().can_sign(algorithm, app.sources().now()) {
        return Ok(());
    }
    let _turn = app.signer().making.lock().await;
    if app.signer().can_sign(algorithm, app.sources().now()) {
        return Ok(());
    }
    let fresh = fresh(app, algorithm).await?;
    persistently(|| first(app, fresh.clone())).await
}

/// Makes a key pair, away from the tasks that answer requests.
pub(super) async fn fresh(app: &App, algorithm: SigningAlgorithm) -> Result<FreshKey, Error> {
    let sources = app.sources().clone();
    let made = tokio::task::spawn_blocking(move || sources.signing_key(algorithm));
    let pkcs8 = made.await.map_err(Error::internal)??;
    let jwk = Pair::parse(algorithm, &pkcs8).and_then(|pair| pair.public_jwk());
    let public_jwk = jwk.ok_or_else(|| Error::internal(Unusable))?;
    let id = SigningKeyId::new(app.sources().now(), &app.sources().id()?);
    let sealed_private = app
        .keyring()
        .encrypt(&SigningKey::context(id), app.sources().nonce()?, &pkcs8)
        .map_err(|_| Error::internal(Unusable))?;
    Ok(FreshKey {
        id,
        algorithm,
        public_jwk,
        sealed_private,
    })
}

impl FreshKey {
    /// Its id.
    pub(super) fn id(&self) -> SigningKeyId {
        self.id
    }

    /// What it signs with.
    pub(super) fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Writes the key as the next generation.
    pub(super) async fn insert(
        self,
        tx: &mut Tx,
        app: &App,
        signature: &Signature,
        (now, signs_from): (UnixMillis, UnixMillis),
    ) -> Result<SigningKey, Error> {
        let key = SigningKey {
            id: self.id,
            algorithm: self.algorithm,
            generation: signing_keys::last_generation(tx, self.algorithm).await? + 1,
            public_jwk: self.public_jwk,
            sealed_private: self.sealed_private,
            created_at: now,
            signs_from,
            published_until: None,
            version: 1,
        };
        signing_keys::insert(tx, &key).await?;
        tx.change(Change::new(ChangeKind::SigningKey, key.id));
        tx.audit(signature.event(
            app.sources(),
            None,
            Action::SigningKeyCreated,
            key.id,
            (None, Some(audited(&key))),
        )?);
        Ok(key)
    }
}

/// Tries again as long as another node is faster with the same change.
pub(super) async fn persistently<T, F>(attempt: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut attempts = 1;
    loop {
        match attempt().await {
            Err(error) if error.reason() == Reason::Conflict && attempts < ATTEMPTS => {
                attempts += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn first(app: &App, fresh: FreshKey) -> Result<(), Error> {
    let app_inside = app.clone();
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, fresh) = (app_inside.clone(), fresh.clone());
        Box::pin(async move {
            let now = app.sources().now();
            let keys = of_algorithm(tx, fresh.algorithm).await?;
            if let Some(there) = signing(&keys, fresh.algorithm, now) {
                // Another node was first. To announce it again is to wait until it is here.
                tx.change(Change::new(ChangeKind::SigningKey, there.id));
                return Ok(());
            }
            fresh.insert(tx, &app, &system(), (now, now)).await?;
            Ok::<_, Error>(())
        })
    })
    .await
}
