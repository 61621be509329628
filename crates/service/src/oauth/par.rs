//! Pushed authorization requests (RFC 9126): an app leaves its request here, proving who it is, and
//! its user's browser brings only the request's name.
//!
//! 1. [`push`] reads the request as the authorization endpoint would, and keeps it.
//! 2. [`open`] finds it when a browser brings its name. It waits 90 seconds for the first time;
//!    from then the user has ten minutes.
//! 3. [`complete`] uses it up, in the transaction that issues the code.

use claviger_model::credentials::StoredSecret;
use claviger_model::ids::ClientId;
use claviger_model::keyring::macs_equal;
use claviger_model::pushed_requests::{
    PUSHED_LIFETIME_SECONDS, PUSHED_REQUEST_PREFIX, PushedRequest, request_uri, secret_of,
};
use claviger_model::secret::{self, Lookup};
use claviger_store::{Conn, StoreError, Tx, pushed_requests};

use super::authorize::{self, AuthorizationParameters, AuthorizeError, Way};
use super::{Client, ErrorCode, Refusal};
use crate::app::{App, Effect};
use crate::error::Error;

/// A request that was pushed.
pub struct Pushed {
    /// Its name.
    pub request_uri: String,
    /// How long it waits for a browser, in seconds.
    pub expires_in: u32,
}

/// Checks and keeps the request with these parameters. What the client proved itself by is not
/// among them.
///
/// # Errors
/// What the authorization endpoint says of such a request, with `invalid_request` for whatever it
/// shows on a page; `rate_limited` when too many were begun from one network by apps that prove
/// nothing; `temporarily_unavailable`.
pub async fn push(
    app: &App,
    client: &Client,
    parameters: Vec<(String, String)>,
) -> Result<Pushed, Refusal> {
    let pushed = push_for(app, client, parameters).await;
    client.note_use(app, pushed.as_ref().err().map(Refusal::reason));
    pushed
}

async fn push_for(
    app: &App,
    client: &Client,
    parameters: Vec<(String, String)>,
) -> Result<Pushed, Refusal> {
    if parameters.iter().any(|(name, _)| name == "request_uri") {
        return Err(Refusal::because(
            ErrorCode::InvalidRequest,
            "The parameter request_uri does not belong into a pushed request. Send the parameters \
             themselves.",
        ));
    }
    let asked = AuthorizationParameters::new(parameters);
    // A client that authenticates in the header need not repeat its name.
    let asked = asked.with("client_id", Some(&client.entry.public_id));
    if let Err(error) = authorize::read(app, &asked, Way::Pushed).await {
        return Err(refusal(client, error));
    }
    client.take_request(app)?;
    let name = app.sources().mint(PUSHED_REQUEST_PREFIX);
    let name = name.map_err(Error::from)?;
    let now = app.sources().now();
    let request = PushedRequest {
        stored: StoredSecret::of(&name, app.keyring()),
        client_id: client.entry.id,
        parameters: asked.into_pairs(),
        created_at: now,
        expires_at: now.plus_seconds(PUSHED_LIFETIME_SECONDS.into()),
        opened_at: None,
        used_at: None,
        version: 1,
    };
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let request = request.clone();
        Box::pin(async move { Ok::<_, Error>(pushed_requests::insert(tx, &request).await?) })
    })
    .await?;
    Ok(Pushed {
        request_uri: request_uri(name.expose()),
        expires_in: PUSHED_LIFETIME_SECONDS,
    })
}

/// What the authorization endpoint would say, said to the client. What is wrong exactly with a
/// redirect URI is told to those who proved that they are the client.
fn refusal(client: &Client, error: AuthorizeError) -> Refusal {
    match error {
        AuthorizeError::Redirect(error) => Refusal::because(error.error, error.description),
        AuthorizeError::Page(problem) if client.entry.is_public() => {
            Refusal::because(ErrorCode::InvalidRequest, problem.sentence)
        }
        AuthorizeError::Page(problem) => {
            Refusal::because(ErrorCode::InvalidRequest, problem.told())
        }
        AuthorizeError::Failed(error) => error.into(),
    }
}

/// The request of this name, when it is this client's and can still be used. The first time that a
/// browser brings it, its time is extended.
pub(super) async fn open(
    app: &App,
    client_id: ClientId,
    request_uri: &str,
) -> Result<Option<PushedRequest>, Error> {
    let found = find(app, &mut *app.read().await?, request_uri).await?;
    let now = app.sources().now();
    let is_usable = |found: &PushedRequest| found.client_id == client_id && found.is_live(now);
    let Some(request) = found.filter(is_usable) else {
        return Ok(None);
    };
    if request.opened_at.is_some() {
        return Ok(Some(request));
    }
    let opened = request.open(now);
    let written = opened.clone();
    // When another tab was faster, that one has extended it.
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let written = written.clone();
        Box::pin(async move { Ok::<_, Error>(pushed_requests::advance(tx, &written).await?) })
    })
    .await?;
    Ok(Some(opened))
}

/// Uses up the request of this public identifier; whether it was still there. One statement, so
/// that of several authorizations at the same time exactly one is completed.
pub(super) async fn complete(tx: &mut Tx, app: &App, lookup: Lookup) -> Result<bool, StoreError> {
    let now = app.sources().now();
    let found = pushed_requests::by_lookup(tx, lookup).await?;
    let Some(request) = found.filter(|found| found.is_live(now)) else {
        return Ok(false);
    };
    pushed_requests::advance(tx, &request.complete(now)).await
}

async fn find(
    app: &App,
    conn: &mut Conn,
    request_uri: &str,
) -> Result<Option<PushedRequest>, StoreError> {
    let Some(text) = secret_of(request_uri) else {
        return Ok(None);
    };
    let Ok(lookup) = secret::parse(text) else {
        return Ok(None);
    };
    let found = pushed_requests::by_lookup(conn, lookup).await?;
    Ok(found.filter(|found| {
        let stored = &found.stored;
        let hash = app.keyring().hash_secret(stored.pepper_version, text);
        hash.is_some_and(|hash| macs_equal(&hash, &stored.hash))
    }))
}
