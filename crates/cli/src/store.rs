//! The store that a command works on: which one, opening it, and finding things in it by name.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use claviger_model::accounts::Account;
use claviger_model::ids::AccountId;
use claviger_model::keyring::Keyring;
use claviger_service::config::Config;
use claviger_service::propagation::Role;
use claviger_service::sources::Sources;
use claviger_service::{Actor, App, Caller, accounts};
use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::variables::{user_name, variable};

/// The configuration file in a data directory that `claviger init` made.
pub(crate) const CONFIG_FILE: &str = "claviger.toml";
/// The directory when none is named.
pub(crate) const DEFAULT_DIRECTORY: &str = "claviger-data";
/// How many rows are read at once.
const PAGE: u32 = 200;

/// Which store.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct StoreArguments {
    /// The data directory [default: claviger-data]
    #[arg(long, value_name = "DIR", global = true, conflicts_with = "config")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration file, instead of a data directory
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
}

/// An open store, and who works on it.
pub(crate) struct Store {
    /// The application.
    pub(crate) app: App,
    /// Somebody at the machine.
    pub(crate) caller: Caller,
}

impl StoreArguments {
    /// Whether neither is given.
    pub(crate) fn is_default(&self) -> bool {
        self.data.is_none() && self.config.is_none()
    }

    /// The configuration of the store.
    ///
    /// # Errors
    /// What is wrong with the file, or there is no data directory.
    pub(crate) fn configuration(&self) -> Result<Config, Failure> {
        if let Some(file) = &self.config {
            return Ok(Config::read(file)?);
        }
        let directory = self
            .data
            .clone()
            .unwrap_or_else(|| DEFAULT_DIRECTORY.into());
        if !directory.is_dir() {
            let message = format!("there is no data directory {}", directory.display());
            let hint = "name it with --data, or a configuration file with --config; \
                        `claviger dev` makes one";
            return Err(Failure::new(Exit::NotFound, message).hint(hint));
        }
        of_directory(&directory, &[])
    }

    /// Opens the store for a command, works on it and closes it.
    ///
    /// # Errors
    /// The store cannot be opened, or what the work says.
    pub(crate) async fn with<F>(&self, work: F) -> Result<Exit, Failure>
    where
        F: AsyncFnOnce(&Store) -> Result<Exit, Failure>,
    {
        let store = Store::open(&self.configuration()?).await?;
        let outcome = work(&store).await;
        store.app.close().await;
        outcome
    }
}

/// What `claviger dev` switches on.
const EVERYTHING_ON: &str = "[management]
enabled = true
[oauth]
pushed_authorization_requests = true
dpop = true
private_key_jwt = true
device_grant = true
dynamic_registration = true
client_id_metadata_documents = true
[mail]
transport = \"file\"
";

/// The configuration of a data directory: its file, or that of `claviger dev` with `more` keys.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn of_directory(directory: &Path, more: &[(&str, String)]) -> Result<Config, Failure> {
    let file = directory.join(CONFIG_FILE);
    if file.exists() {
        return Ok(Config::read(&file)?);
    }
    let path = directory.to_str().ok_or_else(|| {
        let message = format!("{} is not UTF-8", directory.display());
        Failure::new(Exit::Usage, message).hint("name another directory")
    })?;
    // JSON's strings are TOML's.
    let mut text = format!("[database]\ndata_dir = {}\n", json!(path));
    text.push_str(EVERYTHING_ON);
    text.push_str("[server]\n");
    for (key, value) in more {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{key} = {}", json!(value));
    }
    Ok(Config::parse(&text, "--data")?)
}

/// Opens the application that a configuration tells of.
///
/// # Errors
/// No master key, a wrong one, or a store that cannot be opened.
pub(crate) async fn open(config: &Config, role: Role) -> Result<App, Failure> {
    let storage = config.storage(&variable)?;
    let keyring = keyring(config)?;
    let sources = system_sources()?;
    let mut settings = config.settings();
    settings.leaks.github_keys = config.github_keys()?;
    Ok(App::open(&storage, keyring, settings, sources, role).await?)
}

/// The keys that derive from the master key of a configuration.
///
/// # Errors
/// No master key, or none that is one.
pub(crate) fn keyring(config: &Config) -> Result<Keyring, Failure> {
    let missing = config.master_key_file().filter(|file| !file.exists());
    config.keyring(&variable).map_err(|error| match missing {
        Some(_) => Failure::from(error).hint("bring it back; `claviger init` makes a first one"),
        None => error.into(),
    })
}

/// The system's clock and random generator.
///
/// # Errors
/// The system has no random bytes.
pub(crate) fn system_sources() -> Result<Sources, Failure> {
    Sources::system().map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}

/// Somebody at the machine, for the audit log.
pub(crate) fn at_the_machine() -> Caller {
    let actor = Actor::CommandLine { user: user_name() };
    Caller {
        actor,
        ip: None,
        request_id: None,
    }
}

impl Store {
    async fn open(config: &Config) -> Result<Self, Failure> {
        let app = open(config, Role::Command).await?;
        Ok(Self {
            app,
            caller: at_the_machine(),
        })
    }

    /// Reads what deciding needs, which a command does not follow otherwise.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) async fn load(&self) -> Result<(), Failure> {
        Ok(self
            .app
            .propagation()
            .load_once(self.app.verifier())
            .await?)
    }

    /// Reads the APIs, by which scopes and audiences are looked up.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) async fn load_apis(&self) -> Result<(), Failure> {
        Ok(self
            .app
            .propagation()
            .load_apis_once(self.app.verifier())
            .await?)
    }

    /// Every account, the oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(crate) async fn accounts(&self) -> Result<Vec<Account>, Failure> {
        let access = self.caller.operator()?;
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = accounts::list(&self.app, &access, after, PAGE).await?;
            found.extend(page.accounts);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// The account that `text` names, by id or exact name; without a text the only one.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub(crate) async fn account(&self, text: Option<&str>) -> Result<Account, Failure> {
        if let Some(id) = text.and_then(|text| text.parse::<AccountId>().ok()) {
            return Ok(accounts::show(&self.app, &self.caller.operator()?, id).await?);
        }
        let mut found = self.accounts().await?;
        let Some(text) = text else {
            return match (found.pop(), found.is_empty()) {
                (Some(only), true) => Ok(only),
                (None, _) => Err(Failure::new(Exit::NotFound, "there is no account yet")
                    .hint("claviger account create NAME")),
                _ => Err(Failure::new(Exit::Usage, "there are several accounts")
                    .hint("say which with --account; `claviger account list` shows them")),
            };
        };
        found.retain(|account| account.name == text);
        let ids: Vec<String> = found.iter().map(|account| account.id.to_string()).collect();
        only(found, &ids, "account", text)
    }
}

/// The one thing of this name.
///
/// # Errors
/// There is none, or there are several, whose `ids` are named.
pub(crate) fn only<T>(found: Vec<T>, ids: &[String], what: &str, text: &str) -> Result<T, Failure> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => {
            let message = format!("there is no {what} called {text}");
            let hint = format!("`claviger {what} list` shows what there is");
            Err(Failure::new(Exit::NotFound, message).hint(hint))
        }
        (Some(_), Some(_)) => {
            let message = format!("several are called {text}: {}", ids.join(", "));
            Err(Failure::new(Exit::Conflict, message).hint("use the id"))
        }
    }
}

/// An object with the members of the REST API.
///
/// # Errors
/// It cannot be written, which does not happen.
pub(crate) fn object(shape: &impl serde::Serialize) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(shape).map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}
