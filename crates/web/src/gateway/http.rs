//! `/verify/http`: forward authentication for Traefik, Caddy, `HAProxy` and APISIX.
//!
//! 1. The gateway sends the client's headers with `X-Forwarded-Host`, `X-Forwarded-Method`,
//!    `X-Forwarded-Uri` and `X-Forwarded-Proto` (`https` when absent). The address that they make
//!    is what a proof of possession has to be for.
//! 2. The host finds the API, method and path its route.
//! 3. 200 lets the request pass, with who it is in `Claviger-*` headers; any other status is the
//!    client's answer.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_verify::possession::{RequestUrl, Sent};
use claviger_verify::{Decision, Request, Target};
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::verify::without_query;
use super::{Asked, decide};
use crate::deprecation;
use crate::error::Failure;
use crate::extract::bearer::{credential, refuse_in_query};
use crate::state::Web;

/// Decide for a gateway
#[utoipa::path(get, path = "/verify/http", operation_id = "verify_http",
    tag = "verify",
    params(("X-Forwarded-Host" = Option<String>, Header),
        ("X-Forwarded-Method" = Option<String>, Header),
        ("X-Forwarded-Uri" = Option<String>, Header),
        ("X-Forwarded-Proto" = Option<String>, Header)),
    responses((status = 200, description = "May pass"), (status = 401, description = "Refused"),
        (status = 403, description = "Refused"), (status = 429, description = "Over its limit"),
        (status = 503, description = "Not decidable now")))]
pub async fn forward(State(web): State<Web>, headers: HeaderMap) -> Result<Response, Failure> {
    let credential = credential(&headers)?;
    let uri = text(&headers, "x-forwarded-uri");
    if let Some(Ok(parsed)) = uri.filter(|uri| uri.contains('?')).map(str::parse) {
        refuse_in_query(&parsed)?;
    }
    let host = text(&headers, "x-forwarded-host");
    let url = match (host, uri) {
        (Some(host), Some(target)) => RequestUrl::Forwarded {
            scheme: text(&headers, "x-forwarded-proto").unwrap_or("https"),
            host,
            target,
        },
        _ => RequestUrl::Unknown,
    };
    let request = Request {
        credential: credential.map(|credential| credential.text),
        target: host.map_or(Target::Default, Target::Host),
        environment: None,
        method: text(&headers, "x-forwarded-method"),
        path: uri.map(without_query),
        scopes: &[],
        // The gateway appends the address that it saw; what stands before it is the client's word.
        ip: text(&headers, "x-forwarded-for")
            .and_then(|hops| hops.rsplit(',').next()?.trim().parse().ok()),
        sent: credential.map_or(Sent::BEARER, |credential| credential.sent_to(url)),
    };
    let request_id = web.app().sources().request_id();
    let asked = Asked {
        request_id,
        user_agent: text(&headers, "user-agent"),
        always_keep: false,
    };
    let decision = decide(&web, &request, asked).await;
    let mut response = if decision.is_allowed() {
        allowed(&decision)
    } else {
        Failure::refused(&decision).into_response()
    };
    deprecation::announce_for(&web, &decision, &mut response);
    crate::router::name_request(&mut response, request_id);
    Ok(response)
}

fn allowed(decision: &Decision) -> Response {
    let mut response = StatusCode::OK.into_response();
    let Some(credential) = &decision.credential else {
        return response;
    };
    let identity = credential.identity();
    let headers = response.headers_mut();
    // These, and what every answer of the listener gets.
    headers.reserve(10);
    let mut add = |name: &'static str, value: Result<HeaderValue, InvalidHeaderValue>| {
        if let Ok(value) = value {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if let Some(account) = credential.account_id() {
        add(
            "claviger-account",
            HeaderValue::try_from(account.to_string()),
        );
    }
    add(
        "claviger-subject",
        HeaderValue::try_from(identity.subject()),
    );
    add("claviger-credential", HeaderValue::try_from(identity.id()));
    let kind = identity.kind().as_str();
    add("claviger-kind", Ok(HeaderValue::from_static(kind)));
    let environment = decision.environment.as_str();
    add(
        "claviger-environment",
        Ok(HeaderValue::from_static(environment)),
    );
    let scopes = credential.scopes_at(decision.api.as_deref()).join(" ");
    add("claviger-scopes", HeaderValue::try_from(scopes));
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
