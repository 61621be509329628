//! The `Idempotency-Key` header of creating requests.

use axum::extract::FromRequestParts;
use claviger_model::Reason;
use claviger_service::Caller;
use claviger_service::idempotency::IdempotencyKey;
use http::request::Parts;

use crate::error::Failure;
use crate::state::Web;

/// What is needed to make the key, once caller and body are known.
pub struct Idempotent {
    header: Option<String>,
    method: String,
    path: String,
}

impl FromRequestParts<Web> for Idempotent {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _web: &Web) -> Result<Self, Failure> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let header = values
            .next()
            .map(|value| value.to_str().unwrap_or_default().to_owned());
        if values.next().is_some() {
            let message = "Two Idempotency-Key headers were sent. Send one.";
            return Err(Failure::because(Reason::Malformed, message));
        }
        let path = parts.uri.path().to_owned();
        Ok(Self {
            header,
            method: parts.method.to_string(),
            path,
        })
    }
}

impl Idempotent {
    /// The key of this request, when it has the header.
    pub fn key(&self, caller: &Caller, body: &[u8]) -> Result<Option<IdempotencyKey>, Failure> {
        let Some(header) = &self.header else {
            return Ok(None);
        };
        // The account is part of who asks: a user of two accounts is two callers.
        let account = caller
            .actor
            .account_id()
            .map(|id| id.to_string())
            .unwrap_or_default();
        let actor = format!("{}@{account}", caller.actor.label());
        Ok(Some(IdempotencyKey::new(
            header,
            &actor,
            &self.method,
            &self.path,
            body,
        )?))
    }
}
