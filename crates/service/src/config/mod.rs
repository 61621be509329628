//! The configuration file: TOML, checked as a whole, every problem with its key and its place.
//!
//! Nothing here reads the environment: where a value is in an environment variable, the caller
//! gives a function that looks it up.

mod apis;
mod check;
mod contradictions;
mod error;
mod file;
mod keys;
mod mail;
mod reference;
mod secrets;
mod sections;
#[cfg(test)]
mod tests;

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use claviger_model::apis::ApiDraft;
use claviger_model::keyring::Keyring;
use claviger_store::Location;
use ipnet::IpNet;
use zeroize::Zeroizing;

pub use error::{ConfigError, ConfigProblem};
pub use reference::{example, reference_markdown};

use crate::app::Storage;
use crate::branding::{Brand, LOGO_BYTES_MAX, Logo};
use crate::settings::{
    AuditSettings, LeakPolicy, LeakSettings, OAuthSettings, Portal, Prefixes, ReminderSettings,
    SandboxSettings, Settings, TokenSettings, UsageSettings, WebhookSettings,
};
use check::Checked;
use file::File;

/// The SQLite files, and the lock beside them.
const MAIN_FILE: &str = "claviger.db";
const USAGE_FILE: &str = "usage.db";
const LOCK_FILE: &str = "claviger.lock";
const MASTER_KEY_FILE: &str = "master.key";

/// Looks up an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A configuration that was checked.
pub struct Config {
    origin: String,
    file: File,
    /// The listeners.
    pub server: Server,
    /// The log.
    pub log: Log,
    /// The APIs that the instance offers, each acceptable.
    pub apis: Vec<ApiDraft>,
}

/// Where the server listens and how it treats connections.
#[derive(Clone, Debug)]
pub struct Server {
    /// The public listener's address.
    pub public_listen: SocketAddr,
    /// The internal listener's address.
    pub internal_listen: SocketAddr,
    /// The URL of the public listener, without a trailing slash.
    pub public_url: String,
    /// The certificate and key of the public listener; none is plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Open connections of one listener.
    pub connections_max: usize,
    /// How long the head of a request may take.
    pub header_timeout: Duration,
    /// How long a stopping server waits for requests that are under way.
    pub drain_timeout: Duration,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// The files of a TLS listener, in PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The certificate chain.
    pub certificates: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What the server writes to standard error.
#[derive(Clone, Debug)]
pub struct Log {
    /// One JSON object a line, instead of text.
    pub is_json: bool,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
}

/// The bearer token of the internal listener.
pub struct InternalToken(Zeroizing<String>);

impl InternalToken {
    /// Whether `token` is it. Takes the same time wherever they differ.
    pub fn matches(&self, token: &str) -> bool {
        let (own, other) = (self.0.as_bytes(), token.as_bytes());
        aws_lc_rs::constant_time::verify_slices_are_equal(own, other).is_ok()
    }
}

impl From<InternalToken> for Zeroizing<String> {
    fn from(token: InternalToken) -> Self {
        token.0
    }
}

impl Config {
    /// Reads and checks a configuration. `origin` is the file's name: messages name it, and
    /// relative paths start at its directory.
    ///
    /// # Errors
    /// All that is wrong with the text, in its order.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let Checked {
            values,
            places,
            mut problems,
        } = check::check(text);
        let file: File = match values.try_into() {
            Ok(file) => file,
            Err(error) if problems.is_empty() => {
                let problem = ConfigProblem {
                    place: None,
                    key: None,
                    sentence: error.message().to_owned(),
                    hint: None,
                };
                return Err(ConfigError::new(origin, vec![problem]));
            }
            Err(_) => return Err(ConfigError::new(origin, problems)),
        };
        let apis: Vec<ApiDraft> = file.apis.iter().map(ApiDraft::from).collect();
        let together = contradictions::of(&file, |key| places.contains_key(key))
            .into_iter()
            .map(|(key, sentence)| (key.to_owned(), sentence))
            .chain(apis::problems(&apis));
        for (key, sentence) in together {
            // A value that is wrong by itself is reported once.
            if !problems
                .iter()
                .any(|problem| problem.key.as_deref() == Some(&key))
            {
                let place = apis::around(&key).find_map(|key| places.get(key).copied());
                problems.push(ConfigProblem {
                    place,
                    key: Some(key),
                    sentence,
                    hint: None,
                });
            }
        }
        if !problems.is_empty() {
            return Err(ConfigError::new(origin, problems));
        }
        let origin = origin.to_owned();
        let server = Server::of(&file.server, &origin);
        let log = Log {
            is_json: file.log.format == "json",
            level: file.log.level.clone(),
        };
        Ok(Self {
            origin,
            file,
            server,
            log,
            apis,
        })
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// A file that cannot be read, and all that is wrong with its text.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let sentence = format!("the configuration file cannot be read: {error}");
            let problem = ConfigProblem {
                place: None,
                key: None,
                sentence,
                hint: None,
            };
            ConfigError::new(&origin, vec![problem])
        })?;
        Self::parse(&text, &origin)
    }

    /// What use cases read.
    pub fn settings(&self) -> Settings {
        let file = &self.file;
        Settings {
            public_url: self.server.public_url.clone(),
            prefixes: Prefixes::of(&file.credentials),
            lease_millis: file.node.lease_seconds * 1_000,
            node_name: file.node.name.clone().unwrap_or_else(|| "local".to_owned()),
            management_enabled: file.management.enabled,
            decisions_days: file.decisions.days,
            audit: AuditSettings {
                checkpoint_minutes: file.audit.checkpoint_minutes,
                checkpoint_events: file.audit.checkpoint_events,
            },
            sandbox: SandboxSettings::of(&file.sandbox),
            usage: UsageSettings {
                minutes_days: file.usage.minutes_days,
                hours_days: file.usage.hours_days,
                days: file.usage.days,
            },
            leaks: LeakSettings {
                policy: LeakPolicy::parse(&file.leaks.policy).unwrap_or(LeakPolicy::Revoke),
                github: file.leaks.github,
                github_keys: None,
                github_keys_url: file.leaks.github_keys_url.clone(),
            },
            tokens: TokenSettings::of(&file.tokens),
            oauth: OAuthSettings::of(&file.oauth),
            legacy_keys: file.credentials.legacy_keys,
            legacy_deprecated_since: check::date(&file.credentials.legacy_deprecated_since)
                .unwrap_or(Settings::default().legacy_deprecated_since),
            portal: Portal {
                name: file.portal.name.clone(),
                labels: file.portal.labels.clone(),
                brand: Brand::of(&file.portal),
            },
            webhooks: WebhookSettings {
                networks: networks(&file.webhooks.networks),
                days: file.webhooks.days,
            },
            mail: mail::settings(&file.mail, &self.data_dir(), |path| {
                resolved(&self.origin, path)
            }),
            reminders: ReminderSettings {
                days: file.reminders.days.clone(),
                rotate_after_days: Some(file.reminders.rotate_after_days).filter(|days| *days > 0),
            },
        }
    }

    /// Where the data is.
    ///
    /// # Errors
    /// The PostgreSQL URL is said to be in a file or variable where it is not.
    pub fn storage(&self, environment: Environment<'_>) -> Result<Storage, ConfigError> {
        let database = &self.file.database;
        let url = if let Some(url) = &database.postgres_url {
            Some(url.clone())
        } else if let Some(file) = &database.postgres_url_file {
            let text =
                self.secret_file("database.postgres_url_file", &resolved(&self.origin, file))?;
            Some(text.trim().to_owned())
        } else if let Some(name) = &database.postgres_url_env {
            let url = self.variable("database.postgres_url_env", name, environment)?;
            Some(url.to_string())
        } else {
            None
        };
        let Some(url) = url else {
            let directory = self.data_dir();
            return Ok(Storage {
                main: Location::Sqlite {
                    file: directory.join(MAIN_FILE),
                },
                usage: Location::Sqlite {
                    file: directory.join(USAGE_FILE),
                },
                lock_file: Some(directory.join(LOCK_FILE)),
                ballast_bytes: database.ballast_mib * 1024 * 1024,
            });
        };
        let location = Location::Postgres { url };
        Ok(Storage {
            main: location.clone(),
            usage: location,
            lock_file: None,
            ballast_bytes: 0,
        })
    }

    /// The directory of the data, where it is on this machine.
    pub fn data_dir(&self) -> PathBuf {
        resolved(&self.origin, &self.file.database.data_dir)
    }

    /// The master key file; none when the key is in the environment.
    pub fn master_key_file(&self) -> Option<PathBuf> {
        let master_key = &self.file.master_key;
        if master_key.env.is_some() {
            return None;
        }
        let file = master_key
            .file
            .as_ref()
            .map(|file| resolved(&self.origin, file));
        Some(file.unwrap_or_else(|| self.data_dir().join(MASTER_KEY_FILE)))
    }

    /// The keys that derive from the master key.
    ///
    /// # Errors
    /// There is no master key where it is said to be, or it is none.
    pub fn keyring(&self, environment: Environment<'_>) -> Result<Keyring, ConfigError> {
        let master_key = &self.file.master_key;
        let (key, text) = match (&master_key.env, self.master_key_file()) {
            (Some(name), _) => (
                "master_key.env",
                self.variable("master_key.env", name, environment)?,
            ),
            (None, file) => {
                let file = file.unwrap_or_default();
                (
                    "master_key.file",
                    self.secret_file("master_key.file", &file)?,
                )
            }
        };
        Keyring::parse(&text).map_err(|error| ConfigError::of(&self.origin, key, error.to_string()))
    }

    /// The picture that stands beside the name of the instance; none is the server's own.
    ///
    /// # Errors
    /// The file cannot be read, or holds no small SVG or PNG.
    pub fn logo(&self) -> Result<Option<Logo>, ConfigError> {
        let Some(file) = &self.file.portal.logo else {
            return Ok(None);
        };
        let file = resolved(&self.origin, file);
        let refused = |sentence: String| ConfigError::of(&self.origin, "portal.logo", sentence);
        let named = |what: String| refused(format!("names {}, which {what}", file.display()));
        // One byte more than there may be tells what is too large, however large it is.
        let limit = LOGO_BYTES_MAX as u64 + 1;
        let mut content = Vec::new();
        let opened = std::fs::File::open(&file);
        opened
            .and_then(|opened| opened.take(limit).read_to_end(&mut content))
            .map_err(|error| named(format!("cannot be read: {error}")))?;
        Logo::new(content).map(Some).map_err(named)
    }

    fn secret_file(&self, key: &str, file: &Path) -> Result<Zeroizing<String>, ConfigError> {
        std::fs::read_to_string(file)
            .map(Zeroizing::new)
            .map_err(|error| {
                let sentence = format!("names {}, which cannot be read: {error}", file.display());
                ConfigError::of(&self.origin, key, sentence)
            })
    }

    fn variable(
        &self,
        key: &str,
        name: &str,
        environment: Environment<'_>,
    ) -> Result<Zeroizing<String>, ConfigError> {
        environment(name).map(Zeroizing::new).ok_or_else(|| {
            let sentence = format!("names the environment variable {name}, which is not set");
            ConfigError::of(&self.origin, key, sentence)
        })
    }
}

impl Server {
    fn of(file: &file::Server, origin: &str) -> Self {
        let files = (file.tls_cert_file.as_ref(), file.tls_key_file.as_ref());
        let tls = match files {
            (Some(certificates), Some(key)) => Some(TlsFiles {
                certificates: resolved(origin, certificates),
                key: resolved(origin, key),
            }),
            _ => None,
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let own_url = || format!("{scheme}://{}", file.public_listen);
        Self {
            public_listen: file.public_listen,
            internal_listen: file.internal_listen,
            public_url: file.public_url.clone().unwrap_or_else(own_url),
            tls,
            connections_max: file.connections_max,
            header_timeout: Duration::from_secs(file.header_timeout_seconds),
            drain_timeout: Duration::from_secs(file.drain_seconds),
            trusted_proxies: networks(&file.trusted_proxies),
        }
    }
}

/// Networks that were found to be ones.
fn networks(texts: &[String]) -> Vec<IpNet> {
    texts
        .iter()
        .filter_map(|text| check::network(text))
        .collect()
}

/// A path as it is meant in the file called `origin`.
fn resolved(origin: &str, path: &Path) -> PathBuf {
    match Path::new(origin).parent() {
        // Without the dots that a path such as `.` brings along.
        Some(directory) => directory.join(path).components().collect(),
        None => path.to_owned(),
    }
}
