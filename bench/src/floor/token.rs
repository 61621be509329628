//! A token for whoever asks: the form is read, an access token with all its claims is signed, and
//! nobody is looked up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

const HEADER: &str = r#"{"typ":"at+jwt","alg":"ES256","kid":"sgn_01kapz3c8k0000000000000000"}"#;
const CLIENT: &str = "cli_01kapz3c8k0000000000000000";
const LIFETIME_SECONDS: u64 = 3600;

/// The key, and how many tokens were signed with it.
pub(super) struct Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
    count: AtomicU64,
}

#[derive(Deserialize)]
pub(super) struct Request {
    grant_type: String,
    scope: String,
    audience: String,
}

#[derive(Serialize)]
struct Answer<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: u64,
    scope: &'a str,
}

/// As many claims as an access token has.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
    client_id: &'a str,
    azp: &'a str,
    scope: &'a str,
    gty: &'a str,
    env: &'a str,
    account: &'a str,
    epoch: u64,
    secret: &'a str,
}

impl Signer {
    /// A signer with a key of its own.
    pub(super) fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            random: SystemRandom::new(),
            count: AtomicU64::new(0),
        }))
    }

    fn token(&self, request: &Request) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let claims = serde_json::to_vec(&Claims {
            iss: "http://127.0.0.1:8080",
            sub: "cli_01kapz3c8k0000000000000000@clients",
            aud: &request.audience,
            iat: now,
            exp: now + LIFETIME_SECONDS,
            jti: &format!("tok_{count:026}"),
            client_id: CLIENT,
            azp: CLIENT,
            scope: &request.scope,
            gty: "client-credentials",
            env: "live",
            account: "acct_01kapz3c8k0000000000000000",
            epoch: 412,
            secret: "sec_01kapz3c8k0000000000000000",
        })?;
        let mut token = BASE64_URL_SAFE_NO_PAD.encode(HEADER);
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.key.sign(&self.random, token.as_bytes())?;
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

/// `POST /token`.
pub(super) async fn issue(
    State(signer): State<Arc<Signer>>,
    Form(request): Form<Request>,
) -> Response {
    if request.grant_type != "client_credentials" {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let Ok(token) = signer.token(&request) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let answer = axum::Json(Answer {
        access_token: &token,
        token_type: "Bearer",
        expires_in: LIFETIME_SECONDS,
        scope: &request.scope,
    });
    ([(CACHE_CONTROL, "no-store")], answer).into_response()
}
