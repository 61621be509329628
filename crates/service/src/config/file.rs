//! The file as serde reads it, after the table has checked every value and filled in defaults.

use std::net::SocketAddr;
use std::path::PathBuf;

use claviger_model::apis::SigningAlgorithm;
use serde::Deserialize;

use super::apis::DeclaredApi;
use crate::settings::Labels;

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) server: Server,
    pub(super) internal: Internal,
    pub(super) database: Database,
    pub(super) master_key: MasterKey,
    pub(super) credentials: Credentials,
    pub(super) tokens: Tokens,
    pub(super) oauth: OAuth,
    pub(super) portal: Portal,
    pub(super) node: Node,
    pub(super) management: Management,
    pub(super) decisions: Decisions,
    pub(super) usage: Usage,
    pub(super) webhooks: Webhooks,
    pub(super) audit: Audit,
    pub(super) sandbox: Sandbox,
    pub(super) leaks: Leaks,
    pub(super) mail: Mail,
    pub(super) reminders: Reminders,
    pub(super) log: Log,
    #[serde(default)]
    pub(super) apis: Vec<DeclaredApi>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub(super) public_listen: SocketAddr,
    pub(super) internal_listen: SocketAddr,
    pub(super) public_url: Option<String>,
    pub(super) tls_cert_file: Option<PathBuf>,
    pub(super) tls_key_file: Option<PathBuf>,
    pub(super) connections_max: usize,
    pub(super) header_timeout_seconds: u64,
    pub(super) drain_seconds: u64,
    pub(super) trusted_proxies: Vec<String>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Internal {
    pub(super) token_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Database {
    pub(super) data_dir: PathBuf,
    pub(super) postgres_url: Option<String>,
    pub(super) postgres_url_file: Option<PathBuf>,
    pub(super) postgres_url_env: Option<String>,
    pub(super) ballast_mib: u64,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct MasterKey {
    pub(super) file: Option<PathBuf>,
    pub(super) env: Option<String>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    pub(super) key_prefix_live: String,
    pub(super) key_prefix_test: String,
    pub(super) client_secret_prefix_live: String,
    pub(super) client_secret_prefix_test: String,
    pub(super) legacy_key_prefix: String,
    pub(super) legacy_keys: bool,
    pub(super) legacy_deprecated_since: String,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Tokens {
    pub(super) signing_algorithm: SigningAlgorithm,
    pub(super) lifetime_seconds: u32,
    pub(super) per_day: Option<u32>,
    pub(super) quota_mode: String,
    pub(super) jwks_cache_seconds: u32,
    pub(super) signing_key_days: u32,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the file"
)]
pub(super) struct OAuth {
    pub(super) refresh_token_days: u32,
    pub(super) pushed_authorization_requests: bool,
    pub(super) dpop: bool,
    pub(super) dpop_nonces: bool,
    pub(super) private_key_jwt: bool,
    pub(super) device_grant: bool,
    pub(super) dynamic_registration: bool,
    pub(super) registration_token_file: Option<PathBuf>,
    pub(super) client_id_metadata_documents: bool,
    pub(super) fetch_networks: Vec<String>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Portal {
    pub(super) name: String,
    pub(super) logo: Option<PathBuf>,
    pub(super) accent: Option<String>,
    pub(super) accent_dark: Option<String>,
    pub(super) support_url: Option<String>,
    pub(super) support_email: Option<String>,
    pub(super) labels: Labels,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    pub(super) name: Option<String>,
    pub(super) lease_seconds: u64,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Management {
    pub(super) enabled: bool,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Decisions {
    pub(super) days: u32,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Usage {
    pub(super) minutes_days: u32,
    pub(super) hours_days: u32,
    pub(super) days: u32,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Webhooks {
    pub(super) networks: Vec<String>,
    pub(super) days: u32,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    pub(super) checkpoint_minutes: u32,
    pub(super) checkpoint_events: u32,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Mail {
    pub(super) transport: String,
    pub(super) from: Option<String>,
    pub(super) directory: Option<PathBuf>,
    pub(super) smtp_host: Option<String>,
    pub(super) smtp_port: u16,
    pub(super) smtp_tls: String,
    pub(super) smtp_user: Option<String>,
    pub(super) smtp_password_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Sandbox {
    pub(super) reset: String,
    pub(super) reset_day: String,
    pub(super) reset_hour: u8,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Leaks {
    pub(super) policy: String,
    pub(super) github: bool,
    pub(super) github_keys_file: Option<PathBuf>,
    pub(super) github_keys_url: String,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Reminders {
    pub(super) days: Vec<u32>,
    pub(super) rotate_after_days: u32,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) format: String,
    pub(super) level: String,
}
