//! The token endpoint (RFC 6749 section 3.2).

use claviger_model::secret::Plaintext;
use zeroize::Zeroizing;

use super::grants::{authorization_code, client_credentials, device_code, refresh_token};
use super::{Client, ErrorCode, GrantType, QuotaState, Refusal, dpop};
use crate::app::App;
use crate::error::Error;
use crate::settings::OAuthSettings;

/// What a client asks for. It holds secrets: no `Debug`.
#[derive(Clone, Default)]
pub struct TokenRequest<'a> {
    /// What it brings.
    pub grant: GrantRequest<'a>,
    /// What the token is for: an API's audience or base URL, or the issuer.
    pub audience: Option<&'a str>,
    /// The same by RFC 8707.
    pub resources: Vec<&'a str>,
    /// The scopes, with a space between; absent: all that there are to have. A code has its own.
    pub scope: Option<&'a str>,
    /// The thumbprint of the key that it proved to hold (RFC 9449), to which the token is bound.
    pub jkt: Option<&'a str>,
}

/// What a client brings for a token.
#[derive(Clone, Copy, Default)]
pub enum GrantRequest<'a> {
    /// Itself (RFC 6749 section 4.4).
    #[default]
    ClientCredentials,
    /// A code (RFC 6749 section 4.1.3).
    AuthorizationCode {
        /// The code.
        code: &'a str,
        /// Where it was sent.
        redirect_uri: Option<&'a str>,
        /// What its challenge was made from (RFC 7636 section 4.5).
        verifier: Option<&'a str>,
    },
    /// A refresh token (RFC 6749 section 6).
    RefreshToken {
        /// The refresh token.
        token: &'a str,
    },
    /// A device code (RFC 8628 section 3.4).
    DeviceCode {
        /// The device code.
        device_code: &'a str,
    },
}

impl GrantRequest<'_> {
    /// The grant type that it is of.
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::ClientCredentials => GrantType::ClientCredentials,
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::DeviceCode { .. } => GrantType::DeviceCode,
        }
    }
}

/// A token.
pub struct IssuedToken {
    /// The JWT.
    pub access_token: Zeroizing<String>,
    /// How it is sent: `Bearer`, or `DPoP` when it is bound to a key.
    pub token_type: &'static str,
    /// How long it lives, in seconds.
    pub expires_in: u32,
    /// What gives the next one, when it acts for a user.
    pub refresh_token: Option<Plaintext>,
    /// Its scopes, with a space between; empty when it stands for all of them.
    pub scope: String,
    /// Where the client's quota stands, if it has one.
    pub quota: Option<QuotaState>,
}

/// The ways to a token that there are here.
pub fn grant_types(settings: &OAuthSettings) -> impl Iterator<Item = GrantType> {
    let device_grant = settings.device_grant;
    GrantType::ALL
        .into_iter()
        .filter(move |grant| *grant != GrantType::DeviceCode || device_grant)
}

/// Gives `client` a token.
///
/// # Errors
/// The words of RFC 6749 section 5.2 and RFC 8707 section 2; `quota_exhausted`;
/// `temporarily_unavailable` when the database is needed and does not answer.
pub async fn issue(
    app: &App,
    client: &Client,
    request: &TokenRequest<'_>,
) -> Result<IssuedToken, Refusal> {
    app.sources().refuse_jumped_clock().map_err(Error::from)?;
    let issued = issue_by_grant(app, client, request).await;
    let refused = issued.as_ref().err();
    client.note_use(
        app,
        refused
            .filter(|refusal| !refusal.is_waiting())
            .map(Refusal::reason),
    );
    if issued.is_ok() {
        let now = app.sources().now();
        app.usage()
            .token_issued(&client.entry, client.secret_id, now);
    }
    issued
}

async fn issue_by_grant(
    app: &App,
    client: &Client,
    request: &TokenRequest<'_>,
) -> Result<IssuedToken, Refusal> {
    let grant_type = request.grant.grant_type();
    let mut supported = grant_types(&app.settings().oauth);
    if !supported.any(|supported| supported == grant_type) {
        return Err(Refusal::because(
            ErrorCode::UnsupportedGrantType,
            "This grant_type is not supported here.",
        ));
    }
    if !client.entry.may_use(grant_type) {
        let told = format!(
            "This client may not use the grant_type {}. Give it this grant type, or use another \
             client.",
            grant_type.as_str()
        );
        return Err(Refusal::because(ErrorCode::UnauthorizedClient, told));
    }
    dpop::check_bound(client, request.jkt)?;
    match request.grant {
        GrantRequest::ClientCredentials => client_credentials::issue(app, client, request).await,
        GrantRequest::AuthorizationCode {
            code,
            redirect_uri,
            verifier,
        } => {
            let presented = authorization_code::Presented {
                code,
                redirect_uri,
                verifier,
            };
            authorization_code::issue(app, client, request, presented).await
        }
        GrantRequest::RefreshToken { token } => {
            refresh_token::issue(app, client, request, token).await
        }
        GrantRequest::DeviceCode { device_code } => {
            device_code::issue(app, client, request, device_code).await
        }
    }
}
