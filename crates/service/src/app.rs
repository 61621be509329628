//! The application: what every use case works with, and how a change is carried through.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use claviger_model::UnixMillis;
use claviger_model::keyring::Keyring;
use claviger_model::time::DAY_MILLIS;
use claviger_store::{Ballast, Condition, Db, Journal, Location, Reader, StoreError, Tx};
use claviger_verify::Verifier;
use futures_core::future::BoxFuture;

use crate::audit::checkpoints;
use crate::backup;
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
use crate::usage::{Rankings, UsageRecorder};
use crate::uses::FamilyUseRecorder;

/// The journal of revocations beside a SQLite database.
pub(crate) const JOURNAL_FILE: &str = "revocations.journal";
/// How long a revocation stays in it: longer than anybody keeps a backup.
const JOURNAL_DAYS: i64 = 400;
/// What keeps place on the disk beside a SQLite database.
const BALLAST_FILE: &str = "ballast";

/// The application. Cheap to clone; every clone is the same one.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    usage_db: Db,
    /// The file of a SQLite database.
    database_file: Option<PathBuf>,
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
    rankings: Rankings,
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
    /// Bytes that are kept beside a SQLite database for removals on a full disk; zero is none.
    pub ballast_bytes: u64,
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
        let db = open_main(storage, &keyring, &settings, &sources, role).await?;
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
            database_file: file_of(&storage.main),
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
            rankings: Rankings::new(),
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

    pub(crate) fn rankings(&self) -> &Rankings {
        &self.inner.rankings
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

    pub(crate) fn database_file(&self) -> Option<&Path> {
        self.inner.database_file.as_deref()
    }

    pub(crate) fn journal_file(&self) -> Option<PathBuf> {
        let file = self.inner.database_file.as_ref()?;
        Some(file.with_file_name(JOURNAL_FILE))
    }

    /// Whether it came back from a backup and nobody has looked at it yet: nothing is decided and
    /// nothing changed.
    pub fn is_sealed(&self) -> bool {
        self.inner.db.is_sealed()
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
        let committed = match effect {
            Effect::Grants => self.inner.db.write(work).await?,
            Effect::Removes => self.inner.db.write_removal(work).await?,
        };
        if let Some(epoch) = committed.epoch {
            self.inner.propagation.settle(epoch, effect).await;
        }
        Ok(committed.value)
    }

    /// Whether the node can decide and its databases answer.
    pub async fn readiness(&self) -> Result<(), Error> {
        if self.is_sealed() {
            return Err(Error::sealed());
        }
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

    /// How the main database keeps what it is given.
    pub fn condition(&self) -> Condition {
        self.inner.db.condition()
    }

    /// How often its disk failed or damage was found since the start.
    pub fn disk_errors(&self) -> u64 {
        self.inner.db.disk_errors()
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

async fn open_main(
    storage: &Storage,
    keyring: &Arc<Keyring>,
    settings: &Settings,
    sources: &Sources,
    role: Role,
) -> Result<Db, OpenError> {
    let db = match role {
        Role::Server => Db::open(&storage.main, Arc::clone(keyring)).await?,
        Role::Command => Db::open_existing(&storage.main, Arc::clone(keyring)).await?,
    };
    look_beside(&db, storage, (keyring, settings, sources), role).await?;
    Ok(db)
}

/// Looks at what stands beside a SQLite database: one that came back from a backup is sealed, on an
/// open one the journal of revocations goes on; and place on the disk is kept.
async fn look_beside(
    db: &Db,
    storage: &Storage,
    (keyring, settings, sources): (&Arc<Keyring>, &Settings, &Sources),
    role: Role,
) -> Result<(), OpenError> {
    let Location::Sqlite { file } = &storage.main else {
        return Ok(());
    };
    keep_ballast(db, file, storage.ballast_bytes, role).await;
    let journal_file = file.with_file_name(JOURNAL_FILE);
    let journal = Journal::new(journal_file.clone(), Arc::clone(keyring));
    // A command looks too: what it writes would make an older database look newer.
    db.keep_journal(journal.clone());
    let now = sources.now();
    let checkpoints_file = file.with_file_name(checkpoints::FILE_NAME);
    let files = (journal_file.as_path(), checkpoints_file.as_path());
    let found = backup::find_at_start(db, keyring, files, &settings.public_url, now).await;
    match found.map_err(|error| OpenError::Seal(Box::new(error)))? {
        Some(seal) => {
            db.seal();
            if role == Role::Command {
                return Ok(());
            }
            tracing::error!(
                epoch = seal.epoch,
                "sealed: {}; nothing is decided and nothing changed until `claviger unseal`",
                seal.sentence()
            );
        }
        None if role == Role::Command => {}
        None => {
            journal.begin(db, forgotten_before(now)).await?;
        }
    }
    Ok(())
}

/// What is older is dropped from the journal of revocations.
pub(crate) fn forgotten_before(now: UnixMillis) -> UnixMillis {
    now.plus_millis(-JOURNAL_DAYS * DAY_MILLIS)
}

fn file_of(main: &Location) -> Option<PathBuf> {
    match main {
        Location::Sqlite { file } => Some(file.clone()),
        Location::Postgres { .. } => None,
    }
}

/// Keeps place on the disk beside a SQLite database. A server makes the file; a command takes from
/// it what there is.
async fn keep_ballast(db: &Db, file: &Path, bytes: u64, role: Role) {
    let ballast = Ballast::new(file.with_file_name(BALLAST_FILE), bytes);
    let made = ballast.clone();
    if role == Role::Server {
        let filled = tokio::task::spawn_blocking(move || made.fill()).await;
        if let Ok(Err(error)) = filled {
            tracing::warn!(
                %error,
                "no place on the disk can be kept: when it is full, nothing can be revoked"
            );
        }
    }
    db.keep_ballast(ballast);
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
    /// What stands beside the database cannot be compared with it.
    #[error("what stands beside the database cannot be looked at: {0}")]
    Seal(#[source] Box<Error>),
    /// Another server owns the data, or nobody can tell.
    #[error(transparent)]
    Lock(#[from] LockError),
}
