//! `POST /oauth/revoke` (RFC 7009).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_service::oauth;
use http::StatusCode;

use super::ClientRequest;
use super::introspect::TokenParameter;
use crate::error::OAuthFailure;
use crate::error::oauth::{OAuthError, not_stored};
use crate::state::Web;

/// Give a token back
///
/// When this answers 200, no node takes the token any more. Unknown and ended tokens are answered
/// the same; a token of another client is left as it is.
#[utoipa::path(post, path = "/oauth/revoke", operation_id = "revoke_token", tag = "oauth",
    security((), ("client" = [])),
    request_body(content(
        (TokenParameter = "application/x-www-form-urlencoded"),
        (TokenParameter = "application/json"))),
    responses((status = 200, description = "It is not live any more, if it was the client's"),
        (status = 400, description = "Refused", body = OAuthError),
        (status = 401, description = "The client is not who it says", body = OAuthError),
        (status = 503, description = "Not now; see Retry-After", body = OAuthError)))]
pub async fn revoke(
    State(web): State<Web>,
    request: ClientRequest,
) -> Result<Response, OAuthFailure> {
    let client = request.client(&web).await?;
    let token = request.required("token")?;
    oauth::revoke(web.app(), &client, token).await?;
    let mut response = StatusCode::OK.into_response();
    not_stored(response.headers_mut());
    Ok(response)
}
