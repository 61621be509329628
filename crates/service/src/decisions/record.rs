//! What is kept of a decision.

use std::net::IpAddr;

use claviger_model::UnixMillis;
use claviger_model::ids::RequestId;
use claviger_model::secret;
use claviger_store::decisions::StoredDecision;
use claviger_verify::Decision;
use serde::Serialize;

use super::view::DecisionView;

/// Characters of a path that are kept.
const PATH_LENGTH_MAX: usize = 500;

/// What is known of a request beside the decision about it.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// Its id.
    pub request_id: RequestId,
    /// When it was decided.
    pub at: UnixMillis,
    /// From which address it came.
    pub ip: Option<IpAddr>,
    /// Its HTTP method.
    pub method: Option<&'a str>,
    /// Its path. A query is cut off: it may hold anything.
    pub path: Option<&'a str>,
}

/// A decision to be kept. Holds no secret: a part of the path that is one is left out.
#[derive(Clone, Debug)]
pub struct DecisionRecord {
    pub(super) row: StoredDecision,
}

/// A decision as `GET /v1/decisions` shows it.
#[derive(Serialize)]
struct Body<'a> {
    at: UnixMillis,
    ip: Option<IpAddr>,
    method: Option<&'a str>,
    path: Option<String>,
    #[serde(flatten)]
    decision: DecisionView<'a>,
}

impl DecisionRecord {
    /// What to keep of `decision`.
    pub fn of(decision: &Decision, request: &RequestFacts<'_>) -> Self {
        let body = Body {
            at: request.at,
            ip: request.ip,
            method: request.method,
            path: request.path.map(shown_path),
            decision: DecisionView::new(decision, request.request_id),
        };
        let entry = decision.credential.as_ref();
        Self {
            row: StoredDecision {
                request_id: request.request_id,
                at: request.at,
                allowed: decision.is_allowed(),
                reason: decision.reason.as_str().to_owned(),
                account_id: entry.and_then(claviger_verify::entries::Credential::account_id),
                credential_id: entry.map(|entry| entry.identity().id()),
                ip: request.ip.map(|ip| ip.to_string()),
                // Nothing in a body can fail to be written.
                body: serde_json::to_string(&body).unwrap_or_default(),
            },
        }
    }
}

/// The path without its query, and without anything that has the shape of a secret: what may be
/// kept and logged of it.
pub fn shown_path(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let segments = path.split('/').map(|segment| match secret::parse(segment) {
        Ok(_) | Err(secret::Malformed::Checksum) => "(secret)",
        Err(secret::Malformed::Shape) => segment,
    });
    let shown = segments.collect::<Vec<_>>().join("/");
    shown.chars().take(PATH_LENGTH_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use claviger_model::secret::{MINT_RANDOM_BYTES, Plaintext};

    #[test]
    fn a_path_is_kept_without_query_and_without_secrets() {
        let secret = Plaintext::mint("ck_live_", &[5; MINT_RANDOM_BYTES]).expect("enough digits");
        let path = format!("/v1/keys/{}/x?token={}", secret.expose(), secret.expose());
        assert_eq!(shown_path(&path), "/v1/keys/(secret)/x");
        assert_eq!(shown_path("/v1/leads?x=1#y"), "/v1/leads");
        assert_eq!(
            shown_path(&"é".repeat(600)).chars().count(),
            PATH_LENGTH_MAX
        );
    }
}
