//! `/openapi.json`, `/docs` and a page for each reason of refusal, all generated.

use std::future::ready;

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::get;
use claviger_model::Reason;
use claviger_model::reasons::Refusal;
use http::header::CONTENT_TYPE;
use utoipa::openapi::OpenApi as Document_;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::error::Failure;
use crate::pages::{Frame, Page};
use crate::router;
use crate::state::Web;

/// The viewer comes from this binary and styles itself; it runs no inline script.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' \
    'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// What stands above the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Claviger",
        description = "The credential system of a company that offers an API. Times are Unix \
            milliseconds. Every answer has a Request-Id. Refusals carry a code, a reason and, \
            where it helps, what to change."
    ),
    tags(
        (name = "instance", description = "What the instance offers"),
        (name = "sessions", description = "Signing in and out"),
        (name = "keys", description = "API keys, with a session token"),
        (name = "clients", description = "Clients and their secrets"),
        (name = "grants", description = "Connected apps: what users allowed apps to do"),
        (name = "management", description = "The same for automation, with an access token for the \
            issuer"),
        (name = "oauth", description = "Access tokens: getting, checking and giving back"),
        (name = "members", description = "Members, roles and invitations of an account"),
        (name = "webhooks", description = "Addresses that are told what happens"),
        (name = "leaks", description = "Credentials that others can read"),
        (name = "evidence", description = "Decisions and the audit log"),
        (name = "operator", description = "Accounts, APIs and whoever runs the instance"),
        (name = "verify", description = "The internal listener: may this request pass?"),
        (name = "health", description = "The internal listener: for operators")
    ),
    modifiers(&Schemes)
)]
pub struct Document;

/// All reasons of refusal.
#[derive(Template)]
#[template(path = "reasons.html")]
struct ReasonsPage {
    frame: Frame,
    refusals: Vec<&'static Refusal>,
}

/// One of them.
#[derive(Template)]
#[template(path = "reason.html")]
struct ReasonPage {
    frame: Frame,
    refusal: &'static Refusal,
}

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut Document_) {
        let bearer = |told: &str| {
            let scheme = HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(told));
            SecurityScheme::Http(scheme.build())
        };
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("session", bearer("A session token: POST /v1/sessions"));
        let told = "An access token for the issuer: POST /oauth/token";
        components.add_security_scheme("management", bearer(told));
        let client = HttpBuilder::new()
            .scheme(HttpAuthScheme::Basic)
            .description(Some("A client's id and one of its secrets"));
        let told = "The initial access token, where the operator asks for one";
        components.add_security_scheme("initial", bearer(told));
        let told = "The registration_access_token of a registered app";
        components.add_security_scheme("registration", bearer(told));
        components.add_security_scheme("client", SecurityScheme::Http(client.build()));
    }
}

/// Says of the internal routes where they are.
pub(crate) fn on_internal_listener(mut internal: Document_) -> Document_ {
    let server = ServerBuilder::new()
        .url("http://127.0.0.1:8081")
        .description(Some("The internal listener"))
        .build();
    for item in internal.paths.paths.values_mut() {
        item.servers = Some(vec![server.clone()]);
    }
    internal
}

/// The routes of the documentation.
pub fn routes() -> Router<Web> {
    let viewer = SwaggerUi::new("/docs").config(Config::from("/openapi.json"));
    // Written once: it is long, and anybody may ask for it as often as they like.
    let document = Bytes::from(router::openapi().to_json().unwrap_or_default());
    let document = move || ready(([(CONTENT_TYPE, "application/json")], document.clone()));
    Router::new()
        .merge(Router::from(viewer))
        .route("/openapi.json", get(document))
        .route("/docs/errors", get(reasons))
        .route("/docs/errors/{reason}", get(reason))
}

async fn reasons(State(web): State<Web>) -> Page<ReasonsPage> {
    let refused = Reason::ALL.into_iter().filter(|r| *r != Reason::Allowed);
    Page::new(ReasonsPage {
        frame: Frame::new(&web),
        refusals: refused.map(Reason::refusal).collect(),
    })
}

async fn reason(
    State(web): State<Web>,
    Path(name): Path<String>,
) -> Result<Page<ReasonPage>, Failure> {
    let reason = Reason::parse(&name).filter(|reason| *reason != Reason::Allowed);
    let reason = reason.ok_or_else(|| Failure::new(Reason::NotFound))?;
    Ok(Page::new(ReasonPage {
        frame: Frame::new(&web),
        refusal: reason.refusal(),
    }))
}
