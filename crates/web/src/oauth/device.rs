//! `POST /oauth/device_authorization` (RFC 8628): an app on a device without a browser asks.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::Reason;
use claviger_service::oauth::device::{self, DeviceRequest};
use serde::Serialize;
use utoipa::ToSchema;

use super::ClientRequest;
use crate::error::oauth::{OAuthError, not_stored};
use crate::error::{Failure, OAuthFailure};
use crate::state::Web;

/// What a device asks for.
#[derive(ToSchema)]
#[schema(as = DeviceAuthorizationRequest)]
pub struct DeviceParameters {
    /// The client's id, unless `Authorization: Basic` carries it.
    pub client_id: Option<String>,
    /// One of the client's secrets, unless `Authorization: Basic` carries it or it has none.
    pub client_secret: Option<String>,
    /// A JWT that the client signed with its key, instead of a secret (RFC 7523 section 2.2).
    pub client_assertion: Option<String>,
    /// With `client_assertion`: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    pub client_assertion_type: Option<String>,
    /// The scopes, with a space between.
    #[schema(example = "read:leads")]
    pub scope: String,
    /// What the token is for: an API's audience or base URL. Absent: every API that the scopes are
    /// of.
    pub audience: Option<String>,
    /// The same by RFC 8707; a form may repeat it.
    pub resource: Option<String>,
}

/// The codes of a device (RFC 8628 section 3.2).
#[derive(Serialize, ToSchema)]
pub struct DeviceAuthorizationResponse<'a> {
    /// With what the device polls the token endpoint.
    device_code: &'a str,
    /// What the user enters.
    #[schema(example = "WDJB-MJHT")]
    user_code: &'a str,
    /// Where the user enters it.
    verification_uri: &'a str,
    /// The same with the code filled in, for a QR code.
    verification_uri_complete: &'a str,
    /// How long both codes live, in seconds.
    #[schema(example = 600)]
    expires_in: u32,
    /// How long the device waits between two polls, in seconds.
    #[schema(example = 5)]
    interval: u32,
}

/// Ask for authorization at another device
///
/// The user opens `verification_uri` on a telephone or a computer and enters `user_code`; meanwhile
/// the device polls `/oauth/token` with `device_code`.
#[utoipa::path(post, path = "/oauth/device_authorization", operation_id = "device_authorization",
    tag = "oauth", security((), ("client" = [])),
    request_body(content(
        (DeviceParameters = "application/x-www-form-urlencoded"),
        (DeviceParameters = "application/json"))),
    responses(
        (status = 200, description = "The codes", body = DeviceAuthorizationResponse<'static>),
        (status = 400, description = "Refused", body = OAuthError),
        (status = 401, description = "The client is not who it says", body = OAuthError),
        (status = 404, description = "The device grant is switched off", body = OAuthError),
        (status = 429, description = "Too many requests were begun", body = OAuthError),
        (status = 503, description = "Not now; see Retry-After", body = OAuthError)))]
pub async fn begin(
    State(web): State<Web>,
    request: Result<ClientRequest, OAuthFailure>,
) -> Result<Response, OAuthFailure> {
    if !web.app().settings().oauth.device_grant {
        return Err(switched_off());
    }
    let request = request?;
    let client = request.client(&web).await?;
    let parameters = &request.parameters;
    let asked = DeviceRequest {
        scope: parameters.get("scope"),
        audience: parameters.get("audience"),
        resources: parameters.all("resource").collect(),
    };
    let codes = device::begin(web.app(), &client, &asked).await?;
    let user_code = codes.user_code.shown();
    let complete = format!("{}?user_code={}", codes.verification_uri, *user_code);
    let body = DeviceAuthorizationResponse {
        device_code: codes.device_code.expose(),
        user_code: &user_code,
        verification_uri: &codes.verification_uri,
        verification_uri_complete: &complete,
        expires_in: codes.expires_in,
        interval: codes.interval,
    };
    let mut response = axum::Json(body).into_response();
    not_stored(response.headers_mut());
    Ok(response)
}

/// What an endpoint answers that the operator has not switched on.
pub(super) fn switched_off() -> OAuthFailure {
    let told = "There is nothing at this path: it is switched off here.";
    OAuthFailure::from(&Failure::because(Reason::NotFound, told))
}
