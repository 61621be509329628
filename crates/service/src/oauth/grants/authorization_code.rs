//! `authorization_code` (RFC 6749 section 4.1.3): what a user allowed becomes tokens.
//!
//! 1. The code is genuine, this client's, unused and young, and the request is by whoever began the
//!    authorization: the redirect URI and the code verifier say so.
//! 2. The tokens are made and signed.
//! 3. One transaction spends the code and writes the family. Whoever comes second ends it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::codes::AuthorizationCode;
use claviger_model::keyring::macs_equal;
use claviger_model::tokens::TokenGrant;
use claviger_model::{UnixMillis, secret};
use claviger_store::{Tx, authorization_codes};

use super::super::user_tokens::{Authorization, first_tokens};
use super::super::{Client, ErrorCode, IssuedToken, Refusal, TokenRequest, families};
use crate::app::App;
use crate::error::Error;

/// A code as it is sent.
#[derive(Clone, Copy)]
pub(in super::super) struct Presented<'a> {
    /// The code.
    pub(in super::super) code: &'a str,
    /// Where it was sent.
    pub(in super::super) redirect_uri: Option<&'a str>,
    /// What its challenge was made from.
    pub(in super::super) verifier: Option<&'a str>,
}

/// The tokens for a code.
pub(in super::super) async fn issue(
    app: &App,
    client: &Client,
    request: &TokenRequest<'_>,
    presented: Presented<'_>,
) -> Result<IssuedToken, Refusal> {
    let code = find(app, presented.code).await?;
    let code = code
        .filter(|code| code.client_id == client.entry.id)
        .ok_or_else(unknown)?;
    if code.used.is_some() {
        return Err(used_again(app, client, &code).await);
    }
    let now = app.sources().now();
    check(&code, presented, now)?;
    let authorization = Authorization {
        grant_id: code.grant_id,
        authorized: code.authorized.clone(),
        gty: TokenGrant::AuthorizationCode,
    };
    let spent = code.clone();
    let issued = first_tokens(
        app,
        client,
        request,
        authorization,
        move |tx: &mut Tx, family| {
            let exchanged = spent.clone().exchange(now, family);
            Box::pin(async move { Ok(authorization_codes::spend(tx, &exchanged).await?) })
        },
    );
    if let Some(issued) = issued.await? {
        return Ok(issued);
    }
    // Somebody else was faster.
    match find(app, presented.code).await? {
        Some(code) => Err(used_again(app, client, &code).await),
        None => Err(unknown()),
    }
}

/// The code that `text` is, in whatever state.
async fn find(app: &App, text: &str) -> Result<Option<AuthorizationCode>, Refusal> {
    let Ok(lookup) = secret::parse(text) else {
        return Ok(None);
    };
    let mut reader = app.read().await.map_err(Error::from)?;
    let found = authorization_codes::by_lookup(&mut reader, lookup).await;
    Ok(found.map_err(Error::from)?.filter(|code| {
        let stored = &code.stored;
        let hash = app.keyring().hash_secret(stored.pepper_version, text);
        hash.is_some_and(|hash| macs_equal(&hash, &stored.hash))
    }))
}

/// Ends what came of a code that is used again (RFC 6749 section 4.1.2).
async fn used_again(app: &App, client: &Client, code: &AuthorizationCode) -> Refusal {
    if let Some((_, family)) = code.used
        && let Err(error) = families::end(app, client, family).await
    {
        return error.into();
    }
    Refusal::invalid_grant(
        "This code was used before. Somebody may have stolen it, so what it gave has been ended. \
         Send the user to the authorization endpoint again.",
    )
}

/// Whether the request is by whoever began the authorization, and in time.
fn check(
    code: &AuthorizationCode,
    presented: Presented<'_>,
    now: UnixMillis,
) -> Result<(), Refusal> {
    if code.expires_at <= now {
        return Err(Refusal::invalid_grant(
            "This code is over: it has to be exchanged within a minute. Send the user to the \
             authorization endpoint again.",
        ));
    }
    let is_redirect_uri_right = match presented.redirect_uri {
        Some(sent) => sent == code.redirect_uri,
        None => !code.is_redirect_uri_named,
    };
    if !is_redirect_uri_right {
        return Err(Refusal::invalid_grant(
            "redirect_uri is not the one of the authorization request. Send exactly the same.",
        ));
    }
    match (&code.challenge, presented.verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Refusal::because(
            ErrorCode::InvalidRequest,
            "code_verifier is sent, but the authorization request had no code_challenge. Send \
             code_challenge there.",
        )),
        (Some(challenge), Some(verifier)) if is_made_from(challenge, verifier) => Ok(()),
        (Some(_), _) => Err(Refusal::invalid_grant(
            "code_verifier is missing, or code_challenge was not made from it by S256. Keep the \
             verifier with the state of the authorization request.",
        )),
    }
}

/// Whether a challenge was made from a verifier (RFC 7636 sections 4.1 and 4.6).
fn is_made_from(challenge: &str, verifier: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
        return false;
    }
    let made = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    aws_lc_rs::constant_time::verify_slices_are_equal(made.as_bytes(), challenge.as_bytes()).is_ok()
}

/// Not genuine, or another client's: nobody is told which.
fn unknown() -> Refusal {
    Refusal::invalid_grant(
        "This is no code for this client. Send the code exactly as the redirect brought it, from \
         the client that asked for it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_verifies_and_nothing_else() {
        // RFC 7636 appendix B.
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(is_made_from(challenge, verifier));
        for wrong in [challenge, "", &verifier[1..], &format!("{verifier}x")] {
            assert!(!is_made_from(challenge, wrong), "{wrong}");
        }
        // Too short, too long, and characters that are not allowed: whatever their digest is.
        for verifier in ["a".repeat(42), "a".repeat(129), "a b".repeat(20)] {
            let made = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
            assert!(!is_made_from(&made, &verifier), "{verifier}");
        }
        for verifier in ["a".repeat(43), "~".repeat(128)] {
            let made = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
            assert!(is_made_from(&made, &verifier), "{verifier}");
        }
    }
}
