//! The token endpoint (RFC 6749 section 3.2).

use zeroize::Zeroizing;

use super::grants::client_credentials;
use super::{Client, GrantType, QuotaState, Refusal};
use crate::app::App;

/// What a client asks for.
#[derive(Clone, Default, Debug)]
pub struct TokenRequest<'a> {
    /// What the token is for: an API's audience or base URL, or the issuer.
    pub audience: Option<&'a str>,
    /// The same by RFC 8707.
    pub resources: Vec<&'a str>,
    /// The scopes, with a space between; absent: all that the client holds.
    pub scope: Option<&'a str>,
}

/// A token.
pub struct IssuedToken {
    /// The JWT.
    pub access_token: Zeroizing<String>,
    /// How long it lives, in seconds.
    pub expires_in: u32,
    /// Its scopes, with a space between; empty when it stands for all of them.
    pub scope: String,
    /// Where the client's quota stands, if it has one.
    pub quota: Option<QuotaState>,
}

/// Gives `client` a token.
///
/// # Errors
/// The words of RFC 6749 section 5.2 and RFC 8707 section 2; `quota_exhausted`;
/// `temporarily_unavailable` when a quota cannot be counted.
pub async fn issue(
    app: &App,
    client: &Client,
    grant: GrantType,
    request: &TokenRequest<'_>,
) -> Result<IssuedToken, Refusal> {
    let issued = match grant {
        GrantType::ClientCredentials => client_credentials::issue(app, client, request).await,
        GrantType::AuthorizationCode | GrantType::RefreshToken | GrantType::DeviceCode => {
            Err(Refusal::because(
                super::ErrorCode::UnsupportedGrantType,
                "This grant_type is not supported yet.",
            ))
        }
    };
    client.note_use(app, issued.as_ref().err().map(Refusal::reason));
    issued
}
