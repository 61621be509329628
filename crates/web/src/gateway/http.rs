//! `/verify/http`: forward authentication for Traefik, Caddy, `HAProxy` and APISIX.
//!
//! 1. The gateway sends the client's headers with `X-Forwarded-Host`, `X-Forwarded-Method`,
//!    `X-Forwarded-Uri` and `X-Forwarded-Proto` (`https` when absent). The address that they make
//!    is what a proof of possession has to be for.
//! 2. The host finds the API, method and path its route.
//! 3. 200 lets the request pass, with who it is in `Claviger-*` headers; any other status is the
//!    client's answer.

use std::net::IpAddr;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_verify::possession::{RequestUrl, Sent};
use claviger_verify::{Decision, Request, Target};
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
    answer(&web, &headers).await
}

/// The same, before anything is routed.
pub(super) async fn answer(web: &Web, headers: &HeaderMap) -> Result<Response, Failure> {
    let credential = credential(headers)?;
    let told = Told::read(headers)?;
    if let Some(Ok(parsed)) = told.uri.filter(|uri| uri.contains('?')).map(str::parse) {
        refuse_in_query(&parsed)?;
    }
    let request = Request {
        credential: credential.map(|credential| credential.text),
        target: told.host.map_or(Target::Default, Target::Host),
        environment: None,
        method: told.method,
        path: told.uri.map(without_query),
        scopes: &[],
        ip: told.address(),
        sent: credential.map_or(Sent::BEARER, |credential| credential.sent_to(told.url())),
    };
    let asked = Asked::now(web, told.user_agent);
    let decision = decide(web, &request, asked).await;
    let mut response = if decision.is_allowed() {
        allowed(&decision)
    } else {
        Failure::refused(&decision).into_response()
    };
    deprecation::announce_for(web, &decision, &mut response);
    crate::router::name_request(&mut response, asked.request_id);
    Ok(response)
}

const UNREADABLE: &str = "must be visible ASCII: an address has every other byte \
    percent-encoded (RFC 3986 section 2.1)";

/// What a gateway tells of the request.
#[derive(Default)]
struct Told<'a> {
    scheme: Option<&'a str>,
    host: Option<&'a str>,
    method: Option<&'a str>,
    uri: Option<&'a str>,
    forwarded_for: Option<&'a str>,
    user_agent: Option<&'a str>,
}

impl<'a> Told<'a> {
    /// Of a header that came more than once the last one counts: gateways that add lines instead
    /// of replacing them add theirs at the end.
    ///
    /// What the decision rests on is refused where it cannot be read: taken for absent, it would
    /// ask for less than the route does.
    fn read(headers: &'a HeaderMap) -> Result<Self, Failure> {
        let mut told = Self::default();
        // One walk over the few that there are costs less than six searches.
        for (name, value) in headers {
            let place = match name.as_str() {
                "x-forwarded-proto" => &mut told.scheme,
                "x-forwarded-host" => &mut told.host,
                "x-forwarded-method" => &mut told.method,
                "x-forwarded-uri" => &mut told.uri,
                "x-forwarded-for" => &mut told.forwarded_for,
                "user-agent" => &mut told.user_agent,
                _ => continue,
            };
            *place = match value.to_str() {
                Ok(text) => Some(text),
                Err(_) if matches!(name.as_str(), "x-forwarded-for" | "user-agent") => None,
                Err(_) => return Err(Failure::field(name.as_str(), UNREADABLE)),
            };
        }
        Ok(told)
    }

    fn url(&self) -> RequestUrl<'a> {
        match (self.host, self.uri) {
            (Some(host), Some(target)) => RequestUrl::Forwarded {
                scheme: self.scheme.unwrap_or("https"),
                host,
                target,
            },
            _ => RequestUrl::Unknown,
        }
    }

    /// The gateway appends the address that it saw; what stands before it is the client's word.
    fn address(&self) -> Option<IpAddr> {
        let last = self.forwarded_for?.rsplit(',').next()?;
        last.trim().parse().ok()
    }
}

const ACCOUNT: HeaderName = HeaderName::from_static("claviger-account");
const SUBJECT: HeaderName = HeaderName::from_static("claviger-subject");
const CREDENTIAL: HeaderName = HeaderName::from_static("claviger-credential");
const KIND: HeaderName = HeaderName::from_static("claviger-kind");
const ENVIRONMENT: HeaderName = HeaderName::from_static("claviger-environment");
const SCOPES: HeaderName = HeaderName::from_static("claviger-scopes");

fn allowed(decision: &Decision) -> Response {
    let mut response = StatusCode::OK.into_response();
    let Some(credential) = &decision.credential else {
        return response;
    };
    let identity = credential.identity();
    let headers = response.headers_mut();
    // These, and what every answer of the listener gets.
    headers.reserve(10);
    let mut add = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    if let Some(account) = credential.account_id() {
        add(ACCOUNT, account.to_string());
    }
    add(SUBJECT, identity.subject());
    add(CREDENTIAL, identity.id());
    let scopes = credential.scopes_at(decision.api.as_deref()).join(" ");
    add(SCOPES, scopes);
    let kind = identity.kind().as_str();
    headers.insert(KIND, HeaderValue::from_static(kind));
    let environment = decision.environment.as_str();
    headers.insert(ENVIRONMENT, HeaderValue::from_static(environment));
    response
}
