//! `/v1/leaks`: credentials that others can read.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_service::leaks::{self, Reporter, github};
use http::{HeaderMap, Request};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::Deleted;
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Json, Origin};
use crate::server::read_body;
use crate::state::Web;

const KEY_IDENTIFIER: &str = "github-public-key-identifier";
const SIGNATURE: &str = "github-public-key-signature";

/// A credential that others can read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Leaked {
    /// All of it.
    #[schema(example = "ck_live_\u{2026}")]
    credential: String,
}

/// What of an alert was a credential of this instance.
#[derive(Serialize, ToSchema)]
pub struct Feedback {
    /// SHA-256 of the text, in hexadecimal.
    token_hash: String,
    /// The type that the alert called it.
    token_type: String,
    /// `true_positive` or `false_positive`.
    label: &'static str,
}

/// Report a leaked credential
///
/// Whoever holds a credential may have it ended, and needs no sign-in: API keys, secrets of
/// clients, legacy keys, session tokens, access and refresh tokens. The answer is the same, and
/// takes the same time, whatever was sent. What is done is for the operator to say
/// (`leaks.policy`); by default the credential is revoked.
#[utoipa::path(post, path = "/v1/leaks", operation_id = "report_leak", tag = "leaks",
    request_body = Leaked,
    responses((status = 200, description = "Whatever it was", body = Deleted),
        (status = 429, description = "Too many reports; see Retry-After", body = Envelope)))]
pub async fn report(
    State(web): State<Web>,
    origin: Origin,
    Json { value, .. }: Json<Leaked>,
) -> Result<axum::Json<Deleted>, Failure> {
    let reporter = Reporter::by_possession(origin.ip, Some(origin.request_id));
    let credential = Zeroizing::new(value.credential);
    leaks::report_silently(web.app(), credential, reporter).await?;
    Ok(Deleted::done())
}

/// Take an alert of GitHub's secret scanning
///
/// The body is the array of matches that GitHub sends, and the headers name GitHub's key and carry
/// its signature. The answer says of each match whether it was a credential of this instance.
#[utoipa::path(post, path = "/v1/leaks/github", operation_id = "take_github_alert",
    tag = "leaks",
    request_body = Vec<Object>,
    params(("Github-Public-Key-Identifier" = String, Header),
        ("Github-Public-Key-Signature" = String, Header)),
    responses((status = 200, body = Vec<Feedback>),
        (status = 401, description = "Not signed by GitHub", body = Envelope),
        (status = 404, description = "Alerts are switched off", body = Envelope)))]
pub async fn github(
    State(web): State<Web>,
    origin: Origin,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let body = read_body(body).await?;
    let alert = github::Alert {
        key_identifier: header(&parts.headers, KEY_IDENTIFIER),
        signature: header(&parts.headers, SIGNATURE),
        body: &body,
        ip: origin.ip,
        request_id: Some(origin.request_id),
    };
    let answer = github::take(web.app(), alert).await?;
    let feedback = answer.into_iter().map(|one| Feedback {
        token_hash: one.token_hash,
        token_type: one.token_type,
        label: one.label,
    });
    Ok(axum::Json(feedback.collect::<Vec<_>>()).into_response())
}

/// The one value of a header.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok();
    value.filter(|_| values.next().is_none())
}
