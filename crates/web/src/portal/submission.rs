//! A form of the portal that was sent.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts};
use axum::response::{IntoResponse, Response};
use claviger_model::Environment;
use claviger_model::secret::{self, Malformed};
use claviger_service::idempotency::IdempotencyKey;
use http::Request;

use super::Portal;
use super::once::FORM_ID;
use crate::error::Failure;
use crate::pages::form::TOKEN_FIELD;
use crate::pages::{Fields, MaybeSession, PageForm, see_other, sign_in};
use crate::state::Web;

/// The longest query that what was typed makes, in bytes. By way of the sign-in it is escaped once
/// more, and has to fit into the head of a request with all that browsers add.
const TYPED_BYTES_MAX: usize = 8_000;

/// A form that somebody who is signed in sent from one of our pages.
///
/// Whoever is not signed in any more signs in and finds the form again, filled in; so does whoever
/// signed in anew since the form was made. Passwords and what has the shape of a credential are
/// not.
pub struct Submission {
    /// The page that the form is on.
    pub portal: Portal,
    /// What was typed.
    pub fields: Fields,
    /// The `Cookie` headers that came with it.
    pub(super) cookies: http::HeaderMap,
}

impl FromRequest<Web> for Submission {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, web: &Web) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let session = MaybeSession::from_request_parts(&mut parts, web).await;
        let MaybeSession(session) = session.map_err(IntoResponse::into_response)?;
        let path = parts.uri.path().to_owned();
        let query = Fields::of_query(parts.uri.query().unwrap_or_default());
        let cookies = parts.headers.clone();
        let request = Request::from_parts(parts, body);
        let form = PageForm::from_request(request, web).await;
        let form = form.map_err(IntoResponse::into_response)?;
        let session = match session {
            Some(session) if session.is_own_form(web, form.token()) => session,
            signed_in => {
                let filled_in = filled_in(&path, &form.into_fields());
                let to = match signed_in {
                    Some(_) => format!("{}{filled_in}", web.issuer_path()),
                    None => sign_in::path(web, Some(&filled_in)),
                };
                return Err(see_other(&to));
            }
        };
        let fields = form.into_fields();
        let environment = fields.get("environment").or(query.get("environment"));
        let environment = environment.and_then(Environment::parse);
        let portal = Portal {
            web: web.clone(),
            session,
            environment: environment.unwrap_or(Environment::Live),
            query,
            path,
        };
        Ok(Self {
            portal,
            fields,
            cookies,
        })
    }
}

impl Submission {
    /// By what the use case knows a form that is sent twice, if the form can create something.
    pub fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Failure> {
        let Some(form_id) = self.fields.get(FORM_ID) else {
            return Ok(None);
        };
        let caller = self.portal.caller();
        let account = caller.actor.account_id();
        let account = account.map(|id| id.to_string()).unwrap_or_default();
        let actor = format!("{}@{account}", caller.actor.label());
        let typed = self.fields.as_query(|name, _| is_of_form(name));
        let key = IdempotencyKey::new(form_id, &actor, "POST", &self.portal.path, typed.as_bytes());
        Ok(Some(key?))
    }
}

/// The path of a form with what was typed, without the issuer's.
fn filled_in(path: &str, fields: &Fields) -> String {
    let query = fields.as_query(|name, value| {
        is_of_form(name) || is_secret(name) || secret::parse(value) != Err(Malformed::Shape)
    });
    if query.len() <= TYPED_BYTES_MAX {
        format!("{path}?{query}")
    } else {
        path.to_owned()
    }
}

/// Whether a field is the form's own and nobody typed it.
fn is_of_form(name: &str) -> bool {
    [TOKEN_FIELD, FORM_ID].contains(&name)
}

/// Whether a field holds a secret, which no address may. Not more than those: a field that is left
/// out is empty in the form that is filled in, and would be saved so.
fn is_secret(name: &str) -> bool {
    name.ends_with("password") || matches!(name, "q" | "token" | "secret")
}
