//! What became last of a credential, as every answer about one carries it.

use std::net::IpAddr;

use claviger_model::secret_uses::SecretUses;
use claviger_model::{Reason, UnixMillis};
use serde::Serialize;
use utoipa::ToSchema;

/// What became of a credential, a second old at most.
#[derive(Clone, Default, Serialize, ToSchema)]
#[schema(as = CredentialUses)]
pub struct Uses {
    /// How often it was used and not refused.
    used: i64,
    /// When last, in Unix milliseconds; null for never.
    #[schema(value_type = Option<i64>)]
    last_used_at: Option<UnixMillis>,
    /// From which address.
    #[schema(value_type = Option<String>)]
    last_used_ip: Option<IpAddr>,
    /// By which program, as it calls itself.
    last_used_user_agent: Option<String>,
    /// How often it was refused although its secret was right.
    refused: i64,
    /// When last, in Unix milliseconds; null for never.
    #[schema(value_type = Option<i64>)]
    last_refused_at: Option<UnixMillis>,
    /// From which address.
    #[schema(value_type = Option<String>)]
    last_refused_ip: Option<IpAddr>,
    /// Why.
    last_refused_reason: Option<&'static str>,
}

impl From<SecretUses> for Uses {
    fn from(uses: SecretUses) -> Self {
        Self {
            used: uses.used,
            last_used_at: uses.last_used_at,
            last_used_ip: uses.last_used_ip,
            last_used_user_agent: uses.last_used_agent,
            refused: uses.refused,
            last_refused_at: uses.last_refused_at,
            last_refused_ip: uses.last_refused_ip,
            last_refused_reason: uses.last_refused_reason.map(Reason::as_str),
        }
    }
}
