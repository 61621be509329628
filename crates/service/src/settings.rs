//! What the running instance is told to be, after the configuration file was read and checked.

use claviger_model::Environment;

/// The settings that use cases read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The base URL of the public listener, without a trailing slash; the issuer.
    pub public_url: String,
    /// Prefixes of new secrets.
    pub prefixes: Prefixes,
    /// How long a node may decide after its last heartbeat, in milliseconds.
    pub lease_millis: u64,
    /// The name of this node in messages.
    pub node_name: String,
    /// Whether `/v1/keys` takes management tokens.
    pub management_enabled: bool,
    /// How long decisions are kept, in days.
    pub decisions_days: u32,
}

/// Prefixes of new secrets. Older prefixes stay valid whatever is set here.
#[derive(Clone, Debug)]
pub struct Prefixes {
    /// API keys for live data.
    pub key_live: String,
    /// API keys for test data.
    pub key_test: String,
}

impl Prefixes {
    /// The prefix of a new key.
    pub fn key(&self, environment: Environment) -> &str {
        match environment {
            Environment::Live => &self.key_live,
            Environment::Test => &self.key_test,
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
            },
            lease_millis: 10_000,
            node_name: "local".to_owned(),
            management_enabled: false,
            decisions_days: 7,
        }
    }
}

/// What session tokens start with.
pub const SESSION_PREFIX: &str = "ses_";
/// What management tokens start with.
pub const MANAGEMENT_PREFIX: &str = "cm_";
/// What invitations start with.
pub const INVITATION_PREFIX: &str = "ci_";
