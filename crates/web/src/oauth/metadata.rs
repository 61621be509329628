//! What the instance says of itself: `/.well-known/oauth-authorization-server` (RFC 8414) and
//! `/.well-known/oauth-protected-resource` (RFC 9728).

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use claviger_model::Reason;
use claviger_model::clients::ClientAuthMethod;
use claviger_service::oauth::discovery::{self, ResourceFacts};
use claviger_service::oauth::{GrantType, grant_types};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Failure;
use crate::state::Web;

/// How long anybody may keep these documents.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The authorization server (RFC 8414 section 2). There is no member for what it does not do.
#[derive(Serialize, ToSchema)]
pub struct ServerMetadata {
    /// Who issues the tokens: their `iss`.
    issuer: String,
    /// Where an id and a secret become a token.
    token_endpoint: String,
    /// The keys that verify tokens.
    jwks_uri: String,
    /// How tokens are obtained.
    grant_types_supported: Vec<&'static str>,
    /// How clients authenticate there.
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    /// How they may sign there what proves who they are (RFC 7523).
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg_values_supported: Option<[&'static str; 5]>,
    /// Where a client asks what a token is worth.
    introspection_endpoint: String,
    /// How clients authenticate there.
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    /// How they may sign there what proves who they are (RFC 7523).
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint_auth_signing_alg_values_supported: Option<[&'static str; 5]>,
    /// Where a client gives a token back.
    revocation_endpoint: String,
    /// How clients authenticate there.
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    /// How they may sign there what proves who they are (RFC 7523).
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint_auth_signing_alg_values_supported: Option<[&'static str; 5]>,
    /// How proofs that a client holds a key may be signed (RFC 9449 section 5.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_signing_alg_values_supported: Option<[&'static str; 5]>,
    /// Every scope that a client can ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    /// The base URLs of the APIs that take the tokens (RFC 9728 section 4).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    protected_resources: Vec<String>,
    /// Where an app sends its user's browser.
    authorization_endpoint: String,
    /// What it can ask for there.
    response_types_supported: [&'static str; 1],
    /// How it is answered.
    response_modes_supported: [&'static str; 1],
    /// How it proves that a code is its own (RFC 7636).
    code_challenge_methods_supported: [&'static str; 1],
    /// Whether answers name who gives them (RFC 9207 section 3).
    authorization_response_iss_parameter_supported: bool,
    /// What the user can be asked again.
    prompt_values_supported: [&'static str; 4],
    /// Where apps register themselves (RFC 7591).
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    /// Whether an app may be the address of a document that describes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id_metadata_document_supported: Option<bool>,
    /// The documentation.
    service_documentation: String,
    /// Where apps push authorization requests (RFC 9126 section 5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pushed_authorization_request_endpoint: Option<String>,
    /// Whether every request has to be pushed: never, but an app's own may have to.
    #[serde(skip_serializing_if = "Option::is_none")]
    require_pushed_authorization_requests: Option<bool>,
    /// Where devices ask for authorization (RFC 8628 section 4).
    #[serde(skip_serializing_if = "Option::is_none")]
    device_authorization_endpoint: Option<String>,
}

/// A protected resource (RFC 9728 section 2).
#[derive(Serialize, ToSchema)]
pub struct ResourceMetadata {
    /// Its identifier: what a client sends as `resource`.
    resource: String,
    /// Whose tokens it takes.
    authorization_servers: Vec<String>,
    /// The keys that verify them.
    jwks_uri: String,
    /// The scopes that a client can ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    /// How proofs that a client holds a key may be signed (RFC 9449 section 5.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_signing_alg_values_supported: Option<[&'static str; 5]>,
    /// How tokens are sent.
    bearer_methods_supported: [&'static str; 1],
    /// Its name, for people.
    resource_name: String,
    /// The documentation.
    resource_documentation: String,
}

/// Show the authorization server
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server",
    operation_id = "authorization_server", tag = "oauth",
    responses((status = 200, description = "What it does", body = ServerMetadata)))]
pub async fn server(State(web): State<Web>) -> Response {
    let facts = discovery::server(web.app());
    let at = |path: &str| format!("{}{path}", facts.issuer);
    let methods = |with_public: bool| {
        let is_told = |method: &ClientAuthMethod| with_public || *method != ClientAuthMethod::None;
        let methods = discovery::auth_methods(web.app()).filter(is_told);
        methods.map(ClientAuthMethod::as_str).collect()
    };
    let signed_with = discovery::assertion_algorithms(web.app());
    let oauth = &web.app().settings().oauth;
    let (is_pushing, has_devices) = (oauth.pushed_authorization_requests, oauth.device_grant);
    public(ServerMetadata {
        token_endpoint: at("/oauth/token"),
        jwks_uri: at("/.well-known/jwks.json"),
        grant_types_supported: grant_types(&web.app().settings().oauth)
            .map(GrantType::as_str)
            .collect(),
        token_endpoint_auth_methods_supported: methods(true),
        token_endpoint_auth_signing_alg_values_supported: signed_with,
        introspection_endpoint: at("/oauth/introspect"),
        introspection_endpoint_auth_methods_supported: methods(false),
        introspection_endpoint_auth_signing_alg_values_supported: signed_with,
        revocation_endpoint: at("/oauth/revoke"),
        revocation_endpoint_auth_methods_supported: methods(true),
        revocation_endpoint_auth_signing_alg_values_supported: signed_with,
        dpop_signing_alg_values_supported: discovery::proof_algorithms(web.app()),
        scopes_supported: facts.scopes,
        protected_resources: facts.resources,
        authorization_endpoint: at("/oauth/authorize"),
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        code_challenge_methods_supported: ["S256"],
        authorization_response_iss_parameter_supported: true,
        prompt_values_supported: ["none", "login", "consent", "select_account"],
        registration_endpoint: oauth.dynamic_registration.then(|| at("/oauth/register")),
        client_id_metadata_document_supported: oauth.client_id_metadata_documents.then_some(true),
        service_documentation: at("/docs/"),
        pushed_authorization_request_endpoint: is_pushing.then(|| at("/oauth/par")),
        require_pushed_authorization_requests: is_pushing.then_some(false),
        device_authorization_endpoint: has_devices.then(|| at("/oauth/device_authorization")),
        issuer: facts.issuer,
    })
}

/// The same document for an issuer with a path, at the place that RFC 8414 section 3.1 gives it.
pub async fn server_with_path(
    State(web): State<Web>,
    Path(path): Path<String>,
) -> Result<Response, Failure> {
    let own = web.issuer_path();
    if own.strip_prefix('/') != Some(path.trim_end_matches('/')) {
        return Err(Failure::new(Reason::NotFound));
    }
    Ok(server(State(web)).await)
}

/// Show the protected resource at the root of this host
///
/// The management routes, or the API whose base URL the host is. Below this path stand the
/// resources whose base URLs have a path.
#[utoipa::path(get, path = "/.well-known/oauth-protected-resource",
    operation_id = "protected_resource_root", tag = "oauth",
    responses((status = 200, description = "What it takes", body = ResourceMetadata),
        (status = 404, description = "There is none")))]
pub async fn resource(
    State(web): State<Web>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    find(&web, host(&headers, &uri), "")
}

/// The API whose base URL has this host and this path.
pub async fn resource_with_path(
    State(web): State<Web>,
    Path(path): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    find(&web, host(&headers, &uri), &format!("/{path}"))
}

fn find(web: &Web, asked_host: &str, path: &str) -> Result<Response, Failure> {
    let path = path.trim_end_matches('/');
    let is_issuer = web.is_issuer_host(asked_host) && path == web.issuer_path();
    let management = discovery::management(web.app()).filter(|_| is_issuer);
    // A gateway may forward this path of an API's own host.
    let facts = management
        .or_else(|| discovery::api(web.app(), asked_host, path))
        .or_else(|| discovery::api(web.app(), web.issuer_host(), path))
        .ok_or_else(|| Failure::new(Reason::NotFound))?;
    Ok(render(web, facts))
}

/// The host that a request names: HTTP/1 in a header, HTTP/2 in its target.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    let authority = uri.authority().map(Authority::as_str);
    let header = || headers.get(HOST)?.to_str().ok();
    authority.or_else(header).unwrap_or_default()
}

fn render(web: &Web, facts: ResourceFacts) -> Response {
    let issuer = &web.app().settings().public_url;
    public(ResourceMetadata {
        resource: facts.resource,
        authorization_servers: vec![issuer.clone()],
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        scopes_supported: facts.scopes,
        dpop_signing_alg_values_supported: discovery::proof_algorithms(web.app()),
        bearer_methods_supported: ["header"],
        resource_name: facts.name,
        resource_documentation: format!("{issuer}/docs/"),
    })
}

/// An answer that anybody may read and keep.
fn public(document: impl Serialize) -> Response {
    let mut response = axum::Json(document).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHE);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
