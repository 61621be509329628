//! What `claviger key` takes.

use claviger_model::keys::KeyDraft;
use claviger_model::{Environment, UnixMillis};
use claviger_service::keys::IssueInput;

use crate::commands::scope_use::ScopeUseArguments;
use crate::exit::{Exit, Failure};
use crate::store::StoreArguments;
use crate::when;

/// API keys
#[derive(clap::Args, Debug)]
pub(crate) struct KeyArguments {
    #[command(flatten)]
    pub(super) store: StoreArguments,
    /// The account's id or exact name; the only one when left out
    #[arg(long, global = true)]
    pub(super) account: Option<String>,
    #[command(subcommand)]
    pub(super) command: KeyCommand,
}

#[derive(clap::Subcommand, Debug)]
pub(super) enum KeyCommand {
    /// List keys that work, the newest first
    List(ListArguments),
    /// Show a key; never its secret
    Show {
        /// Its id or exact name
        key: String,
    },
    /// Make a key; it alone is printed on standard output
    Create(CreateArguments),
    /// Change a key; in force for the next request
    Edit(Box<EditArguments>),
    /// Compare a key's scopes with what it did with them
    Scopes(ScopeUseArguments),
    /// Revoke a key for good: when this ends, no node accepts it any more
    Revoke {
        /// Its id or exact name; left out: the whole key is read from standard input
        key: Option<String>,
        /// Why, for the audit log
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(clap::Args, Debug)]
pub(super) struct ListArguments {
    /// Also inactive, expired and revoked ones
    #[arg(long)]
    pub(super) all: bool,
    /// Only those of one environment: live or test
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Option<String>,
}

#[derive(clap::Args, Debug)]
pub(super) struct CreateArguments {
    /// What people call it
    #[arg(long)]
    name: String,
    /// What it may do; `claviger scope list` shows what there is
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Which data it reaches: live or test
    #[arg(long, default_value = "live")]
    environment: String,
    /// Make it inactive
    #[arg(long)]
    inactive: bool,
    #[command(flatten)]
    limits: LimitArguments,
}

#[derive(clap::Args, Debug)]
pub(super) struct EditArguments {
    /// Its id or exact name
    pub(super) key: String,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// What it may do from now on, instead of what it may do
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Whether it works
    #[arg(long, value_name = "yes|no", value_parser = ["yes", "no"])]
    active: Option<String>,
    #[command(flatten)]
    limits: LimitArguments,
}

#[derive(clap::Args, Debug)]
struct LimitArguments {
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// From when it does not work: 90d, 2026-12-31T00:00:00Z, Unix milliseconds, never
    #[arg(long, value_name = "WHEN")]
    expires_at: Option<String>,
    /// An address or network that may use it, or any
    #[arg(long = "allowed-ip", value_name = "NETWORK")]
    allowed_ips: Vec<String>,
    /// How often it may be used: 100/60 is 100 times in 60 seconds; or none
    #[arg(long, value_name = "LIMIT/SECONDS")]
    rate_limit: Option<String>,
}

impl ListArguments {
    pub(super) fn environment(&self) -> Result<Option<Environment>, Failure> {
        self.environment.as_deref().map(environment).transpose()
    }
}

impl CreateArguments {
    pub(super) fn input(self, now: UnixMillis) -> Result<IssueInput, Failure> {
        let draft = KeyDraft {
            name: Some(self.name),
            scopes: Some(self.scopes),
            active: Some(!self.inactive),
            ..self.limits.draft(now)?
        };
        Ok(IssueInput {
            draft,
            environment: environment(&self.environment)?,
        })
    }
}

impl EditArguments {
    pub(super) fn draft(self, now: UnixMillis) -> Result<KeyDraft, Failure> {
        Ok(KeyDraft {
            name: self.name,
            scopes: (!self.scopes.is_empty()).then_some(self.scopes),
            active: self.active.map(|word| word == "yes"),
            ..self.limits.draft(now)?
        })
    }
}

impl LimitArguments {
    fn draft(self, now: UnixMillis) -> Result<KeyDraft, Failure> {
        let expires_at = match self.expires_at.as_deref() {
            None => None,
            Some("never") => Some(None),
            Some(text) => Some(Some(when::parse(text, now)?)),
        };
        let allowed_ips = match self.allowed_ips.as_slice() {
            [] => None,
            [word] if word == "any" => Some(None),
            _ => Some(Some(self.allowed_ips)),
        };
        let rate_limit = match self.rate_limit.as_deref() {
            None => None,
            Some("none") => Some(None),
            Some(text) => Some(Some(rate_limit(text)?)),
        };
        let description = self.description.map(Some);
        Ok(KeyDraft {
            description,
            expires_at,
            allowed_ips,
            rate_limit,
            ..KeyDraft::default()
        })
    }
}

fn environment(word: &str) -> Result<Environment, Failure> {
    Environment::parse(word).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("{word} is no environment")).hint("say live or test")
    })
}

fn rate_limit(text: &str) -> Result<(u32, u32), Failure> {
    let parts = text.split_once('/');
    let numbers =
        parts.and_then(|(limit, window)| Some((limit.parse().ok()?, window.parse().ok()?)));
    numbers.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("{text} is no rate limit"))
            .hint("100/60 is 100 times in 60 seconds")
    })
}
