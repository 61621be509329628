//! What the running instance is told to be, after the configuration file was read and checked.

use std::path::PathBuf;

use claviger_model::Environment;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::clients::QuotaMode;
use claviger_model::time::UnixMillis;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::branding::Brand;
use crate::leaks::github::PublicKey;

/// The settings that use cases read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The base URL of the public listener, without a trailing slash; the issuer.
    pub public_url: String,
    /// Prefixes of new secrets.
    pub prefixes: Prefixes,
    /// How long a node may decide after its last heartbeat, in milliseconds.
    pub lease_millis: u64,
    /// The name of this node in messages.
    pub node_name: String,
    /// Whether the management routes take access tokens of clients.
    pub management_enabled: bool,
    /// How long decisions are kept, in days.
    pub decisions_days: u32,
    /// Checkpoints of the audit log.
    pub audit: AuditSettings,
    /// When test environments are put back to their start.
    pub sandbox: SandboxSettings,
    /// How long counts of requests are kept.
    pub usage: UsageSettings,
    /// Access tokens and the keys that sign them.
    pub tokens: TokenSettings,
    /// The authorization server for apps.
    pub oauth: OAuthSettings,
    /// What happens to credentials that are reported as leaked.
    pub leaks: LeakSettings,
    /// Whether accounts may generate legacy keys.
    pub legacy_keys: bool,
    /// Since when legacy keys are deprecated (RFC 9745).
    pub legacy_deprecated_since: UnixMillis,
    /// What people call things.
    pub portal: Portal,
    /// Webhooks.
    pub webhooks: WebhookSettings,
    /// Mail.
    pub mail: MailSettings,
    /// What people are reminded of.
    pub reminders: ReminderSettings,
}

/// Mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailSettings {
    /// How it leaves.
    pub transport: MailTransport,
    /// The sender's address.
    pub from: String,
}

/// How mail leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MailTransport {
    /// Not at all.
    None,
    /// As files in this directory.
    Files(PathBuf),
    /// To a mail server.
    Smtp(SmtpServer),
}

/// A mail server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SmtpServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether and when TLS begins.
    pub tls: SmtpTls,
    /// Who signs in, and the file with the password.
    pub login: Option<(String, PathBuf)>,
}

/// Whether and when TLS begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SmtpTls {
    /// With the connection.
    Implicit,
    /// After `STARTTLS`, or nothing is sent.
    StartTls,
    /// Never.
    None,
}

/// What people are reminded of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReminderSettings {
    /// How many days before an end.
    pub days: Vec<u32>,
    /// After how many days something should be replaced; none is never.
    pub rotate_after_days: Option<u32>,
}

/// Webhooks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebhookSettings {
    /// Private networks into which they may lead.
    pub networks: Vec<IpNet>,
    /// How long deliveries are kept, in days.
    pub days: u32,
}

/// Checkpoints of the audit log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AuditSettings {
    /// How old the last checkpoint may get while events wait for one, in minutes.
    pub checkpoint_minutes: u32,
    /// How many events a checkpoint may add: a proof reads so many at most.
    pub checkpoint_events: u32,
}

/// When test environments are put back to their start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SandboxSettings {
    /// Every week, on this day: 0 is Monday, in UTC. None is never.
    pub weekday: Option<u8>,
    /// At which hour of the day, in UTC.
    pub hour: u8,
}

/// How long counts of requests are kept, in days.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UsageSettings {
    /// Those by the minute.
    pub minutes_days: u32,
    /// Those by the hour.
    pub hours_days: u32,
    /// Those by the day.
    pub days: u32,
}

/// What happens to a credential that somebody reports as leaked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeakPolicy {
    /// It is revoked.
    Revoke,
    /// A key is switched off, so that its owner can look at it; everything else is revoked.
    Quarantine,
    /// Its owner is told.
    Notify,
}

impl LeakPolicy {
    /// The word in the configuration and in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Quarantine => "quarantine",
            Self::Notify => "notify",
        }
    }

    /// The policy that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::Revoke, Self::Quarantine, Self::Notify];
        all.into_iter().find(|policy| policy.as_str() == word)
    }
}

/// Reports of leaked credentials.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeakSettings {
    /// What happens to them.
    pub policy: LeakPolicy,
    /// Whether alerts of GitHub's secret scanning are taken.
    pub github: bool,
    /// GitHub's keys, where the operator keeps them; none: they are fetched.
    pub github_keys: Option<Vec<PublicKey>>,
    /// Where they are fetched.
    pub github_keys_url: String,
}

impl Default for LeakSettings {
    fn default() -> Self {
        Self {
            policy: LeakPolicy::Revoke,
            github: false,
            github_keys: None,
            github_keys_url: "https://api.github.com/meta/public_keys/secret_scanning".to_owned(),
        }
    }
}

/// Access tokens and the keys that sign them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenSettings {
    /// How tokens for several APIs are signed.
    pub signing_algorithm: SigningAlgorithm,
    /// How long a token lives when neither its client nor its API says, in seconds.
    pub lifetime_seconds: u32,
    /// How many tokens a client gets in a UTC day when the client does not say; none is no quota.
    pub per_day: Option<u32>,
    /// What happens beyond the quota when the client does not say.
    pub quota_mode: QuotaMode,
    /// How long verifiers may keep the JWKS, in seconds; a new key is published so long before it
    /// signs.
    pub jwks_cache_seconds: u32,
    /// How long a signing key signs, in days.
    pub signing_key_days: u32,
}

/// The authorization server for apps. What is off is not in its metadata, and its endpoints are not
/// there.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct OAuthSettings {
    /// How long a refresh token lives, in days.
    pub refresh_token_days: u32,
    /// Pushed authorization requests (RFC 9126).
    pub pushed_authorization_requests: bool,
    /// Tokens that are bound to a key (RFC 9449).
    pub dpop: bool,
    /// Whether their proofs have to carry a nonce of ours (RFC 9449 section 8).
    pub dpop_nonces: bool,
    /// Clients that authenticate by a JWT of theirs (RFC 7523).
    pub private_key_jwt: bool,
    /// Apps on devices without a browser (RFC 8628).
    pub device_grant: bool,
    /// Apps that register themselves (RFC 7591).
    pub dynamic_registration: bool,
    /// Apps that are the address of a document.
    pub client_id_metadata_documents: bool,
    /// Private networks from which keys and documents of clients may be fetched.
    pub fetch_networks: Vec<IpNet>,
}

/// What people call things.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Portal {
    /// The name of the instance.
    pub name: String,
    /// The words of pages and messages.
    pub labels: Labels,
    /// What it looks like.
    pub brand: Brand,
}

/// The words of pages and messages, by what they name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// The page that a click on one's own name leads to.
    pub account_settings: String,
    /// The entry of the menu and the tab of the settings below which credentials are.
    pub api: String,
    /// The list of API keys and what is in it.
    pub api_keys: String,
    /// The button that begins a new API key for live data.
    pub create_api_key: String,
    /// The button that begins a new API key for test data.
    pub create_test_key: String,
    /// The list of clients and what is in it.
    pub clients: String,
    /// The button that begins a new client.
    pub create_client: String,
    /// The public half of a client's credentials.
    pub client_id: String,
    /// The secret half; a client may have several.
    pub client_secret: String,
    /// The button that gives a client one more secret.
    pub add_secret: String,
    /// The one key of an account that reaches everything, and its page.
    pub legacy_key: String,
    /// The button that makes the legacy key.
    pub generate: String,
    /// The button that revokes the legacy key, so that a new one can be made.
    pub revert: String,
    /// The button below a form that changes something.
    pub save: String,
    /// The button that ends a credential.
    pub revoke: String,
}

/// Prefixes of new secrets. Older prefixes stay valid whatever is set here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefixes {
    /// API keys for live data.
    pub key_live: String,
    /// API keys for test data.
    pub key_test: String,
    /// Client secrets for live data.
    pub client_secret_live: String,
    /// Client secrets for test data.
    pub client_secret_test: String,
    /// Legacy keys.
    pub legacy_key: String,
}

impl Prefixes {
    /// The prefix of a new key.
    pub fn key(&self, environment: Environment) -> &str {
        match environment {
            Environment::Live => &self.key_live,
            Environment::Test => &self.key_test,
        }
    }

    /// The prefix of a new client secret.
    pub fn client_secret(&self, environment: Environment) -> &str {
        match environment {
            Environment::Live => &self.client_secret_live,
            Environment::Test => &self.client_secret_test,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            prefixes: Prefixes {
                key_live: "ck_live_".to_owned(),
                key_test: "ck_test_".to_owned(),
                client_secret_live: "cs_live_".to_owned(),
                client_secret_test: "cs_test_".to_owned(),
                legacy_key: "cl_".to_owned(),
            },
            lease_millis: 10_000,
            node_name: "local".to_owned(),
            management_enabled: false,
            decisions_days: 7,
            audit: AuditSettings::default(),
            sandbox: SandboxSettings::default(),
            usage: UsageSettings {
                minutes_days: 2,
                hours_days: 35,
                days: 400,
            },
            tokens: TokenSettings::default(),
            oauth: OAuthSettings::default(),
            leaks: LeakSettings::default(),
            legacy_keys: true,
            // 2025-01-01
            legacy_deprecated_since: UnixMillis(1_735_689_600_000),
            portal: Portal {
                name: "Claviger".to_owned(),
                labels: Labels::default(),
                brand: Brand::default(),
            },
            webhooks: WebhookSettings::default(),
            mail: MailSettings::default(),
            reminders: ReminderSettings::default(),
        }
    }
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            transport: MailTransport::None,
            from: "claviger@localhost".to_owned(),
        }
    }
}

impl Default for ReminderSettings {
    fn default() -> Self {
        Self {
            days: vec![30, 7, 1],
            rotate_after_days: Some(90),
        }
    }
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            networks: Vec::new(),
            days: 30,
        }
    }
}

impl Default for OAuthSettings {
    fn default() -> Self {
        Self {
            refresh_token_days: 30,
            pushed_authorization_requests: false,
            dpop: false,
            dpop_nonces: false,
            private_key_jwt: false,
            device_grant: false,
            dynamic_registration: false,
            client_id_metadata_documents: false,
            fetch_networks: Vec::new(),
        }
    }
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            checkpoint_minutes: 60,
            checkpoint_events: 1_000,
        }
    }
}

impl Default for SandboxSettings {
    fn default() -> Self {
        Self {
            weekday: Some(6),
            hour: 3,
        }
    }
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            signing_algorithm: SigningAlgorithm::Es256,
            lifetime_seconds: 3_600,
            per_day: None,
            quota_mode: QuotaMode::Enforce,
            jwks_cache_seconds: 300,
            signing_key_days: 90,
        }
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            account_settings: "Account Settings".to_owned(),
            api: "API".to_owned(),
            api_keys: "API Keys".to_owned(),
            create_api_key: "Add API Key".to_owned(),
            create_test_key: "Create Test Key".to_owned(),
            clients: "API credentials".to_owned(),
            create_client: "Create API credentials".to_owned(),
            client_id: "Client ID".to_owned(),
            client_secret: "Client Secret".to_owned(),
            add_secret: "Add secret".to_owned(),
            legacy_key: "Legacy API key".to_owned(),
            generate: "Generate".to_owned(),
            revert: "Revert".to_owned(),
            save: "Save Changes".to_owned(),
            revoke: "Revoke".to_owned(),
        }
    }
}

/// What session tokens start with.
pub const SESSION_PREFIX: &str = "ses_";
/// What invitations start with.
pub const INVITATION_PREFIX: &str = "ci_";
