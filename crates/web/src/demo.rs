//! The demo API of `claviger dev`: real routes on real rows, behind the verifier like any API.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use claviger_model::ids::AccountId;
use claviger_model::{Environment, Reason};
use claviger_service::demo::{self, Collection};
use claviger_verify::Target;
use claviger_verify::entries::Credential;
use claviger_verify::possession::{RequestUrl, Sent};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::deprecation;
use crate::error::Failure;
use crate::extract::bearer::{credential, refuse_in_query};
use crate::extract::{Origin, body};
use crate::gateway::{Asked, decide};
use crate::router::name_request;
use crate::server::read_body;
use crate::state::Web;

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// Under which paths which API is served, the longest path first.
#[derive(Clone, Debug)]
pub struct Demo {
    /// Path below `/demo` and `/sandbox`, and the API's audience.
    pub apis: Vec<(String, String)>,
}

/// The routes of the demo API.
pub fn routes() -> Router<Web> {
    Router::new()
        .route("/demo/{*path}", any(live))
        .route("/sandbox/{*path}", any(sandbox))
}

async fn live(State(web): State<Web>, origin: Origin, request: Request) -> Response {
    answer(&web, origin, request, ("/demo", Environment::Live)).await
}

async fn sandbox(State(web): State<Web>, origin: Origin, request: Request) -> Response {
    answer(&web, origin, request, ("/sandbox", Environment::Test)).await
}

async fn answer(
    web: &Web,
    origin: Origin,
    request: Request,
    place: (&str, Environment),
) -> Response {
    let response = serve(web, origin, request, place).await;
    let mut response = response.unwrap_or_else(IntoResponse::into_response);
    name_request(&mut response, origin.request_id);
    response
}

/// 1. Find the one credential. 2. Verify. 3. Only then look at what is asked for.
async fn serve(
    web: &Web,
    origin: Origin,
    request: Request,
    (base, environment): (&str, Environment),
) -> Result<Response, Failure> {
    let demo = web
        .options()
        .demo
        .as_ref()
        .ok_or_else(|| Failure::new(Reason::NotFound))?;
    let (parts, sent) = request.into_parts();
    refuse_in_query(&parts.uri)?;
    let below = parts.uri.path().strip_prefix(base).unwrap_or_default();
    let (path, audience) = demo
        .find(below)
        .ok_or_else(|| Failure::new(Reason::NotFound))?;
    let credential = credential(&parts.headers)?;
    let sent = match credential {
        Some(_) => refuse_in_form(&parts.headers, sent).await?,
        None => sent,
    };
    let url = RequestUrl::Below {
        base: &web.app().settings().public_url,
        path: parts.uri.path(),
    };
    let question = claviger_verify::Request {
        credential: credential.map(|credential| credential.text),
        target: Target::Audience(audience),
        environment: Some(environment),
        method: Some(parts.method.as_str()),
        path: Some(path),
        scopes: &[],
        ip: origin.ip,
        sent: credential.map_or(Sent::BEARER, |credential| credential.sent_to(url)),
    };
    let asked = Asked {
        request_id: origin.request_id,
        now: web.app().sources().both(),
        user_agent: parts
            .headers
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok()),
        always_keep: true,
    };
    let decision = decide(web, &question, asked).await;
    let answer = if decision.is_allowed() {
        let account_id = decision
            .credential
            .as_ref()
            .and_then(Credential::account_id);
        act(web, (environment, account_id), (&parts.method, path), sent).await
    } else {
        Err(Failure::refused(&decision))
    };
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    deprecation::announce_for(web, &decision, &mut response);
    Ok(response)
}

async fn act(
    web: &Web,
    (environment, account_id): (Environment, Option<AccountId>),
    (method, path): (&Method, &str),
    sent: Body,
) -> Result<Response, Failure> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let collection = Collection::parse(name).ok_or_else(|| Failure::new(Reason::NotFound))?;
    match *method {
        Method::GET | Method::HEAD => {
            let records = demo::list(web.app(), environment, collection).await?;
            Ok(axum::Json(json!({ "data": records })).into_response())
        }
        Method::POST => {
            let record: Map<String, Value> = body::parse(&read_body(sent).await?)?;
            let created = demo::create(web.app(), environment, collection, account_id, record);
            Ok((StatusCode::CREATED, axum::Json(created.await?)).into_response())
        }
        _ => Err(Failure::new(Reason::MethodNotAllowed)),
    }
}

/// Refuses a second credential in a form (RFC 6750 section 2); gives the body back.
async fn refuse_in_form(headers: &HeaderMap, sent: Body) -> Result<Body, Failure> {
    let content_type = headers.get(CONTENT_TYPE);
    let is_form = content_type.is_some_and(|value| value.as_bytes().starts_with(FORM));
    if !is_form {
        return Ok(sent);
    }
    let bytes = read_body(sent).await?;
    let mut names = bytes
        .split(|byte| *byte == b'&')
        .filter_map(|pair| pair.split(|byte| *byte == b'=').next());
    if names.any(|name| name == b"access_token") {
        let message = "The request has a credential in its header and one in its form. Send one.";
        return Err(Failure::ambiguous(message));
    }
    Ok(Body::from(bytes))
}

impl Demo {
    /// The API under `path` and the path below its base.
    fn find<'a>(&'a self, path: &'a str) -> Option<(&'a str, &'a str)> {
        self.apis.iter().find_map(|(base, audience)| {
            let rest = path.strip_prefix(base.as_str())?;
            rest.starts_with('/').then_some((rest, audience.as_str()))
        })
    }
}
