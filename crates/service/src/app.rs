//! The application: what every use case works with, and how a change is carried through.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use claviger_model::keyring::Keyring;
use claviger_store::{Db, Location, Reader, StoreError, Tx};
use claviger_verify::Verifier;
use futures_core::future::BoxFuture;

use crate::audit::checkpoints;
use crate::decisions::Recorder;
use crate::error::Error;
use crate::imports::{SlowPool, Upgrader};
use crate::keys::UnusedCounts;
use crate::leaks::Leaks;
use crate::network::NetworkLimits;
use crate::oauth::authorize::FailureLimits;
use crate::oauth::device::Guesses;
use crate::oauth::documents::Documents;
use crate::oauth::registration;
use crate::oauth::{Begun, Failures, KeyCache};
use crate::outbound::Outbound;
use crate::passwords::PasswordPool;
pub(crate) use crate::propagation::Effect;
use crate::propagation::{LockError, Propagation, Role};
use crate::settings::Settings;
use crate::signing_keys::Signer;
use crate::sources::Sources;
use crate::tokens::{FeedCache, UsedUp};
use crate::usage::UsageRecorder;
use crate::uses::FamilyUseRecorder;

/// The application. Cheap to clone; every clone is the same one.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    usage_db: Db,
    /// The checkpoints of the audit log beside a SQLite database.
    checkpoints_file: Option<PathBuf>,
    keyring: Arc<Keyring>,
    verifier: Arc<Verifier>,
    signer: Arc<Signer>,
    feed: FeedCache,
    sources: Sources,
    settings: Settings,
    propagation: Propagation,
    passwords: PasswordPool,
    client_failures: Failures,
    begun_requests: Begun,
    user_code_guesses: Guesses,
    client_keys: KeyCache,
    authorization_failures: FailureLimits,
    used_up_quotas: UsedUp,
    outbound: Outbound,
    webhook_outbound: Outbound,
    registrations: NetworkLimits,
    documents: Documents,
    decisions: Recorder,
    usage: UsageRecorder,
    family_uses: FamilyUseRecorder,
    slow_keys: SlowPool,
    upgrader: Upgrader,
    leaks: Leaks,
    unused_keys: UnusedCounts,
}

/// Where the data is.
#[derive(Clone)]
pub struct Storage {
    /// The main database.
    pub main: Location,
    /// The usage database; for PostgreSQL the same one.
    pub usage: Location,
    /// The lock file beside a SQLite database, by which one server at a time owns it.
    pub lock_file: Option<PathBuf>,
}

impl App {
    /// Opens the data and, as a server, starts to follow changes: when this returns, the index is
    /// loaded and the node may decide.
    pub async fn open(
        storage: &Storage,
        keyring: Keyring,
        settings: Settings,
        sources: Sources,
        role: Role,
    ) -> Result<Self, OpenError> {
        let keyring = Arc::new(keyring);
        let lock = match storage.lock_file.as_deref() {
            Some(file) => role.claim(file).await?,
            None => None,
        };
        let db = match role {
            Role::Server => Db::open(&storage.main, Arc::clone(&keyring)).await?,
            Role::Command => Db::open_existing(&storage.main, Arc::clone(&keyring)).await?,
        };
        let usage_db = Db::open_usage(&storage.usage, Arc::clone(&keyring)).await?;
        let verifier = Arc::new(verifier_of(&keyring, &settings));
        let signer = Arc::new(Signer::new(Arc::clone(&keyring), &sources));
        let propagation = Propagation::start(
            db.clone(),
            (Arc::clone(&verifier), Arc::clone(&signer)),
            sources.clone(),
            &settings,
            lock,
            role,
        )
        .await?;
        let decisions = Recorder::start(usage_db.clone(), role);
        let usage = UsageRecorder::start(usage_db.clone(), sources.clone(), role);
        let family_uses = FamilyUseRecorder::start(
            usage_db.clone(),
            Arc::clone(&verifier),
            sources.clone(),
            role,
        );
        let upgrader = Upgrader::start(db.clone(), Arc::clone(&keyring), sources.clone(), role);
        let inner = Inner {
            db,
            usage_db,
            checkpoints_file: checkpoints::file_beside(&storage.main),
            keyring,
            verifier,
            signer,
            feed: FeedCache::default(),
            sources,
            settings,
            propagation,
            passwords: PasswordPool::new(),
            client_failures: Failures::new(),
            begun_requests: Begun::new(),
            user_code_guesses: Guesses::new(),
            client_keys: KeyCache::new(),
            authorization_failures: FailureLimits::new(),
            used_up_quotas: UsedUp::new(),
            outbound: Outbound::new(),
            webhook_outbound: Outbound::new(),
            registrations: NetworkLimits::new(registration::AT_MOST),
            documents: Documents::new(),
            decisions,
            usage,
            family_uses,
            slow_keys: SlowPool::new(),
            upgrader,
            leaks: Leaks::new(),
            unused_keys: UnusedCounts::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Decides requests.
    pub fn verifier(&self) -> &Arc<Verifier> {
        &self.inner.verifier
    }

    /// Signs tokens.
    pub fn signer(&self) -> &Signer {
        &self.inner.signer
    }

    /// Clock and random generator.
    pub fn sources(&self) -> &Sources {
        &self.inner.sources
    }

    /// What the instance is told to be.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The derived keys.
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.inner.keyring
    }

    /// Keeps decisions, so that they can be explained.
    pub fn decisions(&self) -> &Recorder {
        &self.inner.decisions
    }

    /// Counts requests, and notes what becomes of secrets.
    pub fn usage(&self) -> &UsageRecorder {
        &self.inner.usage
    }

    /// How changes travel.
    pub fn propagation(&self) -> &Propagation {
        &self.inner.propagation
    }

    pub(crate) fn passwords(&self) -> &PasswordPool {
        &self.inner.passwords
    }

    pub(crate) fn slow_keys(&self) -> &SlowPool {
        &self.inner.slow_keys
    }

    pub(crate) fn unused_keys(&self) -> &UnusedCounts {
        &self.inner.unused_keys
    }

    pub(crate) fn leaks(&self) -> &Leaks {
        &self.inner.leaks
    }

    pub(crate) fn upgrader(&self) -> &Upgrader {
        &self.inner.upgrader
    }

    pub(crate) fn used_up_quotas(&self) -> &UsedUp {
        &self.inner.used_up_quotas
    }

    pub(crate) fn registrations(&self) -> &NetworkLimits {
        &self.inner.registrations
    }

    pub(crate) fn documents(&self) -> &Documents {
        &self.inner.documents
    }

    pub(crate) fn outbound(&self) -> &Outbound {
        &self.inner.outbound
    }

    /// What sends webhooks: it may reach other networks than what fetches for clients.
    pub(crate) fn webhook_outbound(&self) -> &Outbound {
        &self.inner.webhook_outbound
    }

    pub(crate) fn client_failures(&self) -> &Failures {
        &self.inner.client_failures
    }

    pub(crate) fn begun_requests(&self) -> &Begun {
        &self.inner.begun_requests
    }

    pub(crate) fn user_code_guesses(&self) -> &Guesses {
        &self.inner.user_code_guesses
    }

    pub(crate) fn client_keys(&self) -> &KeyCache {
        &self.inner.client_keys
    }

    pub(crate) fn authorization_failures(&self) -> &FailureLimits {
        &self.inner.authorization_failures
    }

    /// The revocation feed that was made last.
    pub(crate) fn feed_cache(&self) -> &FeedCache {
        &self.inner.feed
    }

    pub(crate) fn usage_db(&self) -> &Db {
        &self.inner.usage_db
    }

    pub(crate) fn checkpoints_file(&self) -> Option<&Path> {
        self.inner.checkpoints_file.as_deref()
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) async fn read(&self) -> Result<Reader, StoreError> {
        self.inner.db.read().await
    }

    /// Carries a change through: the transaction, then the wait until it holds everywhere.
    pub(crate) async fn change<T, F>(&self, effect: Effect, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Tx) -> BoxFuture<'a, Result<T, Error>> + Send + Sync + 'static,
    {
        let committed = self.inner.db.write(work).await?;
        if let Some(epoch) = committed.epoch {
            self.inner.propagation.settle(epoch, effect).await;
        }
        Ok(committed.value)
    }

    /// Whether the node can decide and its databases answer.
    pub async fn readiness(&self) -> Result<(), Error> {
        if self
            .inner
            .verifier
            .freshness()
            .staleness_millis(self.inner.sources.both())
            .is_none()
        {
            return Err(Error::stale());
        }
        Ok(self.inner.db.ready().await?)
    }

    /// Leaves: flushes what is kept in memory, takes the node off the list and closes the
    /// databases.
    pub async fn close(&self) {
        self.inner.decisions.close().await;
        self.inner.usage.close().await;
        self.inner.family_uses.close().await;
        self.inner.upgrader.close().await;
        self.inner.propagation.leave().await;
        self.inner.usage_db.close().await;
        self.inner.db.close().await;
    }

    /// Takes both databases away while everything goes on: from now on each statement fails.
    #[cfg(feature = "testing")]
    pub async fn cut_databases(&self) {
        self.inner.usage_db.close().await;
        self.inner.db.close().await;
    }
}

fn verifier_of(keyring: &Arc<Keyring>, settings: &Settings) -> Verifier {
    let (issuer, lease_millis) = (&settings.public_url, settings.lease_millis);
    let asks_for_nonces = settings.oauth.dpop && settings.oauth.dpop_nonces;
    Verifier::new(Arc::clone(keyring), issuer, lease_millis).asking_for_nonces(asks_for_nonces)
}

/// Why the application cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another server owns the data, or nobody can tell.
    #[error(transparent)]
    Lock(#[from] LockError),
}
