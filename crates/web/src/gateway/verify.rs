//! `POST /v1/verify`: the decision as JSON.

use std::borrow::Cow;
use std::net::IpAddr;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use claviger_model::ids::RequestId;
use claviger_model::{Environment, Reason};
use claviger_service::decisions::DecisionView;
use claviger_verify::possession::{RequestUrl, Scheme, Sent};
use claviger_verify::{Request, Target};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Asked, decide};
use crate::error::Failure;
use crate::extract::body;
use crate::server::read_body;
use crate::state::Web;

/// How many requests a batch takes.
const BATCH_MAX: usize = 100;
/// Bytes that one rendered decision practically always fits in.
const ANSWER_BYTES: usize = 1_024;

/// A request to decide.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question<'a> {
    /// The credential as the client sent it, without `Bearer`.
    #[serde(borrow)]
    #[schema(value_type = String)]
    credential: Cow<'a, str>,
    /// The audience of the API; the default API when absent.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    api: Option<Cow<'a, str>>,
    /// `live` when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    environment: Option<Environment>,
    /// The request's method; absent: only routes for every method match.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    method: Option<Cow<'a, str>>,
    /// The request's path below the API's base URL; routes are not checked when absent.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    path: Option<Cow<'a, str>>,
    /// Scopes that are needed beside the route's.
    #[serde(borrow, default)]
    #[schema(value_type = Option<Vec<String>>)]
    scopes: Option<Vec<Cow<'a, str>>>,
    /// Where the request came from.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    ip: Option<IpAddr>,
    /// The request's `User-Agent` header, to be shown beside its last use.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    user_agent: Option<Cow<'a, str>>,
    /// The word before the credential in the `Authorization` header: `Bearer` when absent, or
    /// `DPoP`.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    scheme: Option<Cow<'a, str>>,
    /// The `DPoP` header of the request, for a token that is bound to a key (RFC 9449).
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    dpop: Option<Cow<'a, str>>,
    /// The whole address of the request, as its client sees it: what the `DPoP` header is for.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    url: Option<Cow<'a, str>>,
}

/// Up to 100 requests to decide; a bare array of them is taken too.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Questions<'a> {
    /// The requests.
    #[serde(borrow)]
    requests: Vec<Question<'a>>,
}

/// Verify a credential
///
/// Answers 200 with the decision; `allowed` says whether the request may pass. A node that does not
/// know the present state answers 503 with `Retry-After`, and the reason `stale`.
#[utoipa::path(post, path = "/v1/verify", operation_id = "verify",
    tag = "verify", request_body = Question<'static>,
    responses((status = 200, description = "The decision", body = Object),
        (status = 503, description = "Not decidable now", body = Object)))]
pub async fn one(State(web): State<Web>, body: Body) -> Result<Response, Failure> {
    answer(&web, body).await
}

/// The same, before anything is routed.
pub(super) async fn answer(web: &Web, body: Body) -> Result<Response, Failure> {
    let bytes = read_body(body).await?;
    let question: Question<'_> = parse(&bytes)?;
    let mut answer = Vec::with_capacity(ANSWER_BYTES);
    let (request_id, reason) = question.answer(web, &mut answer).await?;
    let mut response = json(answer, reason == Reason::Stale);
    crate::router::name_request(&mut response, request_id);
    Ok(response)
}

/// Verify up to 100 credentials
#[utoipa::path(post, path = "/v1/verify/batch", operation_id = "verify_batch",
    tag = "verify",
    request_body = Questions<'static>,
    responses((status = 200, description = "`data`: a decision for each, in order", body = Object)))]
pub async fn batch(State(web): State<Web>, body: Body) -> Result<Response, Failure> {
    let bytes = read_body(body).await?;
    let requests: Vec<Question<'_>> = if bytes.trim_ascii_start().starts_with(b"[") {
        parse(&bytes)?
    } else {
        parse::<Questions<'_>>(&bytes)?.requests
    };
    if requests.len() > BATCH_MAX {
        return Err(Failure::field(
            "requests",
            format!("must have at most {BATCH_MAX}"),
        ));
    }
    let mut answer = Vec::with_capacity(ANSWER_BYTES * requests.len() + 16);
    answer.extend_from_slice(b"{\"data\":[");
    let mut is_stale = false;
    for (position, question) in requests.iter().enumerate() {
        if position > 0 {
            answer.push(b',');
        }
        let (_, reason) = question.answer(&web, &mut answer).await?;
        is_stale |= reason == Reason::Stale;
    }
    answer.extend_from_slice(b"]}");
    Ok(json(answer, is_stale))
}

impl Question<'_> {
    async fn answer(
        &self,
        web: &Web,
        answer: &mut Vec<u8>,
    ) -> Result<(RequestId, Reason), Failure> {
        let scopes: Vec<&str> = self.scopes.iter().flatten().map(AsRef::as_ref).collect();
        let request = Request {
            credential: (!self.credential.is_empty()).then_some(&*self.credential),
            target: self
                .api
                .as_deref()
                .map_or(Target::Default, Target::Audience),
            environment: self.environment,
            method: self.method.as_deref(),
            path: self.path.as_deref().map(without_query),
            scopes: &scopes,
            ip: self.ip,
            sent: self.sent()?,
        };
        let asked = Asked::now(web, self.user_agent.as_deref());
        let decision = decide(web, &request, asked).await;
        let view = DecisionView::new(&decision, asked.request_id);
        serde_json::to_writer(answer, &view)
            .map_err(|error| claviger_service::Error::Internal(Box::new(error)))?;
        Ok((asked.request_id, decision.reason))
    }
}

impl Question<'_> {
    fn sent(&self) -> Result<Sent<'_>, Failure> {
        let scheme = self
            .scheme
            .as_deref()
            .map_or(Some(Scheme::Bearer), Scheme::parse);
        let url = self.url.as_deref();
        Ok(Sent {
            scheme: scheme.ok_or_else(|| Failure::field("scheme", "must be Bearer or DPoP"))?,
            proof: self.dpop.as_deref(),
            url: url.map_or(RequestUrl::Unknown, RequestUrl::Whole),
        })
    }
}

/// The path of a request target: the query is no part of any route.
pub(super) fn without_query(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

/// The fast way first; only what it refuses is read again for a sentence with the member's name.
fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).or_else(|_| body::parse(bytes))
}

/// An answer with decisions. A node that cannot decide says so by its status as well, because a
/// caller that looks at `allowed` alone would take "I do not know" for "no".
fn json(body: Vec<u8>, is_stale: bool) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if is_stale {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}
