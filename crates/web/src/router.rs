//! Every route, in one table; and the edge of the router, where a request gets its id, a failure
//! its rendering and an answer its headers.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use claviger_model::Reason;
use claviger_model::ids::RequestId;
use claviger_service::Error;
use claviger_service::decisions::shown_path;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use tokio::runtime::Handle;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Carried, Failure, OAuthFailure, api, oauth as oauth_error, page};
use crate::extract::Origin;
use crate::gateway::front::Front;
use crate::portal::operator;
use crate::prefix::serve_below;
use crate::server::{BodyLimits, PanicAnswer};
use crate::state::Web;
use crate::{api as rest, demo, deprecation, docs, gateway, health, metrics, oauth, pages, portal};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const INTERNAL_TOKEN: HeaderName = HeaderName::from_static("claviger-token");
/// Bodies of OpenAPI documents, in bytes.
const IMPORT_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// The routes of the public listener that programs use, with their documentation.
fn public_routes() -> OpenApiRouter<Web> {
    OpenApiRouter::with_openapi(docs::Document::openapi())
        .routes(routes!(
            rest::sessions::start,
            rest::sessions::list,
            rest::sessions::end_others
        ))
        .routes(routes!(rest::sessions::end))
        .routes(routes!(rest::sessions::end_own))
        .routes(routes!(rest::sessions::switch))
        .routes(routes!(rest::sessions::whoami, rest::sessions::rename))
        .routes(routes!(rest::instance::show))
        .routes(routes!(rest::leaks::report))
        .routes(routes!(rest::leaks::github))
        .merge(credential_routes())
        .routes(routes!(rest::scopes::list))
        .routes(routes!(rest::users::change_password))
        .routes(routes!(rest::members::list, rest::members::create))
        .routes(routes!(
            rest::members::show,
            rest::members::edit,
            rest::members::remove
        ))
        .routes(routes!(rest::roles::list, rest::roles::create))
        .routes(routes!(
            rest::roles::show,
            rest::roles::edit,
            rest::roles::delete
        ))
        .routes(routes!(rest::invitations::list))
        .routes(routes!(rest::invitations::withdraw))
        .routes(routes!(rest::invitations::accept))
        .routes(routes!(rest::usage::count))
        .routes(routes!(rest::decisions::list))
        .merge(audit_routes())
        .routes(routes!(rest::accounts::list, rest::accounts::create))
        .routes(routes!(rest::accounts::show, rest::accounts::edit))
        .routes(routes!(rest::accounts::revoke_tokens))
        .routes(routes!(rest::users::edit))
        .routes(routes!(rest::operators::list, rest::operators::create))
        .routes(routes!(rest::apis::list, rest::apis::create))
        .routes(routes!(
            rest::apis::show,
            rest::apis::edit,
            rest::apis::delete
        ))
        .routes(routes!(rest::apis::import))
        .routes(routes!(rest::signing_keys::list))
        .routes(routes!(rest::signing_keys::rotate))
        .routes(routes!(rest::signing_keys::withdraw))
        .merge(webhook_routes())
        .merge(oauth_routes())
}

/// The routes of webhooks.
fn webhook_routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(rest::webhooks::list, rest::webhooks::create))
        .routes(routes!(
            rest::webhooks::show,
            rest::webhooks::edit,
            rest::webhooks::delete
        ))
        .routes(routes!(rest::webhooks::rotate_secret))
        .routes(routes!(rest::webhooks::test))
        .routes(routes!(rest::webhooks::deliveries))
        .routes(routes!(rest::webhooks::redeliver))
}

/// The routes of the audit log.
fn audit_routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(rest::audit::list))
        .routes(routes!(rest::audit::export))
        .routes(routes!(rest::audit::proof))
        .routes(routes!(
            rest::audit::list_checkpoints,
            rest::audit::make_checkpoint
        ))
        .routes(routes!(rest::audit::checkpoint_keys))
}

/// The routes that the standards for access tokens name, and the feed beside them.
fn oauth_routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(oauth::token::issue))
        .routes(routes!(oauth::token::connect))
        .routes(routes!(oauth::introspect::introspect))
        .routes(routes!(oauth::revoke::revoke))
        .routes(routes!(oauth::par::push))
        .routes(routes!(oauth::device::begin))
        .routes(routes!(oauth::register::register))
        .routes(routes!(
            oauth::register::show,
            oauth::register::replace,
            oauth::register::end
        ))
        .routes(routes!(oauth::metadata::server))
        .routes(routes!(oauth::metadata::resource))
        .routes(routes!(oauth::jwks::show))
        .routes(routes!(oauth::revocations::show))
}

/// The routes by which an account manages its credentials.
fn credential_routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(rest::scope_use::of_key))
        .routes(routes!(rest::scope_use::manage_of_key))
        .routes(routes!(rest::scope_use::of_client))
        .routes(routes!(rest::keys::list, rest::keys::create))
        .routes(routes!(
            rest::keys::show,
            rest::keys::edit,
            rest::keys::revoke
        ))
        .routes(routes!(rest::keys::manage_list, rest::keys::manage_create))
        .routes(routes!(
            rest::keys::manage_show,
            rest::keys::manage_edit,
            rest::keys::manage_revoke
        ))
        .routes(routes!(rest::clients::list, rest::clients::create))
        .routes(routes!(
            rest::clients::show,
            rest::clients::edit,
            rest::clients::delete
        ))
        .routes(routes!(
            rest::clients::list_secrets,
            rest::clients::add_secret
        ))
        .routes(routes!(rest::clients::revoke_secret))
        .routes(routes!(rest::clients::rotations::start))
        .routes(routes!(
            rest::clients::rotations::change,
            rest::clients::rotations::cancel
        ))
        .routes(routes!(rest::clients::revoke_tokens))
        .routes(routes!(rest::sandbox::reset))
        .routes(routes!(rest::grants::list, rest::grants::end_own))
        .routes(routes!(rest::grants::show, rest::grants::end))
        .routes(routes!(rest::clients::authorization_failures))
        .routes(routes!(
            rest::legacy_key::show,
            rest::legacy_key::generate,
            rest::legacy_key::revert
        ))
}

/// The routes of the internal listener, with their documentation.
fn internal_routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(gateway::verify::one))
        .routes(routes!(gateway::verify::batch))
        .routes(routes!(gateway::http::forward))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::show))
}

/// The OpenAPI document of both listeners.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let (_, mut document) = public_routes().split_for_parts();
    let (_, internal) = internal_routes().split_for_parts();
    document.merge(docs::on_internal_listener(internal));
    document
}

/// The public listener.
pub fn public(web: Web) -> Router {
    let (routes, _) = public_routes().split_for_parts();
    let prefix = web.issuer_path().to_owned();
    let routes = routes
        .route(
            "/.well-known/oauth-authorization-server/{*path}",
            get(oauth::metadata::server_with_path),
        )
        .route(
            "/.well-known/oauth-protected-resource/{*path}",
            get(oauth::metadata::resource_with_path),
        )
        .merge(oauth::authorize::routes())
        .merge(pages::routes())
        .merge(portal::routes())
        .merge(docs::routes())
        .merge(demo::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(web.clone(), oauth::cors::share))
        .layer(from_fn_with_state(web.clone(), public_edge))
        .with_state(web);
    serve_below(&prefix, routes)
}

/// The internal listener, whose routes but for the decisions are handled on the present runtime.
pub fn internal(web: Web) -> Front {
    let (routes, _) = internal_routes().split_for_parts();
    let routes = routes
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(web.clone(), internal_edge))
        .with_state(web.clone());
    Front::new(web, routes, Handle::current())
}

/// How large bodies may be.
pub fn body_limits() -> BodyLimits {
    BodyLimits::default()
        .allow("/v1/apis/{id}/import", IMPORT_BYTES_MAX)
        .allow(operator::IMPORT_PATH, operator::IMPORT_FORM_BYTES_MAX)
}

/// The 500 of a request whose handler panicked.
pub fn panic_answer(web: Web) -> PanicAnswer {
    std::sync::Arc::new(move |_: &Method, uri: &Uri| {
        let id = web.app().sources().request_id();
        let failure = Failure::new(Reason::Internal);
        let path = uri.path();
        let path = path.strip_prefix(web.issuer_path()).unwrap_or(path);
        let mut response = if oauth::is_endpoint(path) {
            oauth_error::render(&OAuthFailure::from(&failure), id)
        } else {
            api::render(&failure, id, &web.app().settings().public_url)
        };
        name_request(&mut response, id);
        response
    })
}

/// Puts the request's id on its answer.
pub(crate) fn name_request(response: &mut Response, id: RequestId) {
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
}

async fn not_found() -> Failure {
    Failure::because(Reason::NotFound, "There is nothing at this path.")
}

async fn method_not_allowed() -> Failure {
    Failure::new(Reason::MethodNotAllowed)
}

async fn public_edge(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let id = web.app().sources().request_id();
    request.extensions_mut().insert(id);
    let origin = Origin::of(request.extensions(), request.headers(), &web);
    let asked = Asked::of(&request);
    let response = if web.app().is_sealed() && !is_shown_sealed(asked.uri.path()) {
        // An older state must tell nobody anything: not who may sign in, nor what is revoked.
        Failure::from(Error::sealed()).into_response()
    } else {
        next.run(request).await
    };
    let mut response = rendered(&web, response, id, asked.shape, asked.page).await;
    if !response.headers().contains_key(&REQUEST_ID) {
        name_request(&mut response, id);
    }
    if asked.uri.path() == rest::legacy_key::PATH {
        deprecation::announce(&web, &mut response);
    }
    protect(response.headers_mut(), asked.uri.path());
    web.metrics().answered(response.status());
    tracing::info!(
        request_id = %id,
        method = %asked.method,
        // Never the query, and no segment that is a secret: people put them there.
        path = shown_path(asked.uri.path()),
        status = response.status().as_u16(),
        ip = origin.ip.map(tracing::field::display),
        "answered"
    );
    response
}

/// What is answered of an instance that came back from a backup and was not opened yet.
fn is_shown_sealed(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz") || path.starts_with("/assets/")
}

async fn internal_edge(State(web): State<Web>, request: Request, next: Next) -> Response {
    match admit_internal(&web, request.headers()) {
        Ok(()) => end_internal(&web, next.run(request).await).await,
        Err(refused) => *refused,
    }
}

/// Whether a request to the internal listener is from somebody who may ask there; else its answer.
pub(crate) fn admit_internal(web: &Web, headers: &HeaderMap) -> Result<(), Box<Response>> {
    let Some(token) = &web.options().internal_token else {
        return Ok(());
    };
    let sent = headers.get(INTERNAL_TOKEN).map(HeaderValue::as_bytes);
    if sent.is_some_and(|sent| equal(sent, token.as_bytes())) {
        return Ok(());
    }
    let message = "The internal listener needs its token in the header Claviger-Token.";
    let failure = Failure::because(Reason::InvalidCredential, message);
    let id = web.app().sources().request_id();
    let public_url = &web.app().settings().public_url;
    Err(Box::new(api::render(&failure, id, public_url)))
}

/// What every answer of the internal listener gets.
pub(crate) async fn end_internal(web: &Web, response: Response) -> Response {
    let mut response = if response.extensions().get::<Carried>().is_some() {
        let id = web.app().sources().request_id();
        // Rare, and large: the room for it is not each decision's.
        Box::pin(rendered(web, response, id, Shape::Envelope, None)).await
    } else {
        response
    };
    web.metrics().answered(response.status());
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(no_store);
    response
}

/// What has to be remembered of a request while it is answered.
struct Asked {
    method: Method,
    uri: Uri,
    shape: Shape,
    /// Who asked for a page, to be told of a failure as whoever that is.
    page: Option<Parts>,
}

/// How a failure is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// To a program.
    Envelope,
    /// To a browser.
    Page,
    /// To an OAuth client.
    OAuth,
}

impl Asked {
    fn of(request: &http::Request<Body>) -> Self {
        let accept = request
            .headers()
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok());
        let path = request.uri().path();
        let is_program = ["/v1/", "/api/", "/demo", "/sandbox"]
            .iter()
            .any(|start| path.starts_with(start));
        let wants_page = !is_program && accept.is_some_and(|accept| accept.contains("text/html"));
        let shape = match wants_page {
            _ if pages::is_page(path) || portal::is_page(path) => Shape::Page,
            _ if oauth::is_endpoint(path) => Shape::OAuth,
            true => Shape::Page,
            false => Shape::Envelope,
        };
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            shape,
            page: (shape == Shape::Page && portal::is_around(path)).then(|| parts(request)),
        }
    }
}

/// What is known of a request beside its body.
fn parts(request: &http::Request<Body>) -> Parts {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = request.method().clone();
    parts.uri = request.uri().clone();
    parts.headers = request.headers().clone();
    parts.extensions = request.extensions().clone();
    parts
}

/// Renders the failure that a response carries; keeps the headers that were set with it, such as
/// `Allow`.
async fn rendered(
    web: &Web,
    mut response: Response,
    own_id: RequestId,
    shape: Shape,
    asked: Option<Parts>,
) -> Response {
    let Some(carried) = response.extensions_mut().remove::<Carried>() else {
        return response;
    };
    let decided = response
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    let id = decided.and_then(|text| text.parse().ok()).unwrap_or(own_id);
    let mut page = match (&carried, shape) {
        (Carried::OAuth(failure), _) => oauth_error::render(failure, id),
        (Carried::Plain(failure), Shape::OAuth) => {
            oauth_error::render(&OAuthFailure::from(&**failure), id)
        }
        (Carried::Plain(failure), Shape::Page) => page::render(web, failure, id, asked).await,
        (Carried::Plain(failure), Shape::Envelope) => {
            api::render(failure, id, &web.app().settings().public_url)
        }
    };
    for (name, value) in response.headers() {
        if name != http::header::CONTENT_LENGTH {
            page.headers_mut()
                .entry(name)
                .or_insert_with(|| value.clone());
        }
    }
    name_request(&mut page, id);
    page
}

/// What every answer of the public listener says to a browser.
fn protect(headers: &mut HeaderMap, path: &str) {
    let policy = if path.starts_with("/docs") {
        docs::POLICY
    } else {
        "default-src 'none'; frame-ancestors 'none'"
    };
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, policy),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}

fn equal(left: &[u8], right: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(left, right).into()
}
