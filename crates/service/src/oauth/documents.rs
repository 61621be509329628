//! Apps that are the address of a document (draft-ietf-oauth-client-id-metadata-document): their
//! `client_id` is an `https` URL, and what is there says what RFC 7591 would have them register.

use std::sync::Arc;

use claviger_model::UnixMillis;
use claviger_model::clients::{ClientAuthMethod, ClientDescription, ClientOrigin, ClientSettings};
use claviger_model::ids::ClientId;
use claviger_model::limits::RateLimit;
use claviger_model::redirect_uris::WebAddress;
use claviger_store::{Tx, clients as rows};
use quick_cache::sync::Cache;
use serde_json::{Map, Value};

use super::registration::{described, make};
use super::{ErrorCode, Refusal, Source};
use crate::access::Signature;
use crate::app::{App, Effect};
use crate::clients::{self, ClientWithSecrets};
use crate::error::Error;
use crate::network::NetworkLimits;
use crate::outbound::{self, FetchLimits};

/// Documents that are remembered.
const REMEMBERED: usize = 5_000;
/// How long a document is believed at least, whatever its server says.
const BELIEVED_SECONDS_MIN: u64 = 5 * 60;
/// How long at most; and when its server says nothing, an hour.
const BELIEVED_SECONDS_MAX: u64 = 24 * 3_600;
const BELIEVED_SECONDS: u64 = 3_600;
/// How long a failure is believed.
const FAILED_SECONDS: u64 = 60;
/// Documents that one network can have fetched.
const AT_MOST: RateLimit = RateLimit {
    limit: 60,
    window_seconds: 600,
};
/// How the audit log names who wrote a document.
const ACTOR: &str = "client id metadata document";

/// What is remembered of documents.
pub(crate) struct Documents {
    known: Cache<String, Arc<Known>>,
    limits: NetworkLimits,
}

struct Known {
    until: UnixMillis,
    /// The sentence that says why there is no app there.
    problem: Option<String>,
}

impl Documents {
    pub(crate) fn new() -> Self {
        Self {
            known: Cache::new(REMEMBERED),
            limits: NetworkLimits::new(AT_MOST),
        }
    }
}

/// Whether this is the `client_id` of an app that is described by a document there.
pub fn is_document(app: &App, client_id: &str) -> bool {
    let is_url = client_id.starts_with("https://") || client_id.starts_with("http://");
    is_url && app.settings().oauth.client_id_metadata_documents
}

/// Makes sure that the app which calls itself `client_id` is known as its document describes it.
/// Whoever is about to look up a client by what it calls itself calls this first; for a `client_id`
/// that is no URL it does nothing. When it returns `Ok`, the look-up may still find nothing.
///
/// # Errors
/// `invalid_client` with a sentence for the app's developer: the document cannot be fetched, or
/// does not describe an app that can be one here; `rate_limited`.
pub async fn ensure(app: &App, client_id: &str, source: &Source) -> Result<(), Refusal> {
    if !is_document(app, client_id) {
        return Ok(());
    }
    let now = app.sources().both();
    let known = app.documents().known.get(client_id);
    if let Some(known) = known.filter(|known| known.until > now.wall) {
        return match &known.problem {
            None => Ok(()),
            Some(problem) => Err(invalid(problem.clone())),
        };
    }
    check_address(client_id).map_err(invalid)?;
    if let Err(seconds) = app.documents().limits.take(source.ip, now.boot_nanos) {
        let told = "Too many documents of apps were asked for from this address.";
        return Err(Refusal {
            retry_after_seconds: Some(seconds),
            ..Refusal::because(ErrorCode::RateLimited, told)
        });
    }
    let (seconds, problem) = match look(app, client_id, source).await {
        Ok(seconds) => (seconds, None),
        // A fault of ours says nothing about the document.
        Err(refusal) if refusal.cause.is_some() => return Err(refusal),
        Err(refusal) => (FAILED_SECONDS, Some(refusal.description)),
    };
    let millis = i64::try_from(seconds * 1_000).unwrap_or(i64::MAX);
    let known = Known {
        until: now.wall.plus_millis(millis),
        problem: problem.clone(),
    };
    let known = Arc::new(known);
    app.documents().known.insert(client_id.to_owned(), known);
    problem.map_or(Ok(()), |problem| Err(invalid(problem)))
}

/// The same for a client that has to authenticate: only an app that was never seen is looked at.
pub(super) async fn ensure_known(
    app: &App,
    client_id: &str,
    source: &Source,
) -> Result<(), Refusal> {
    let is_new =
        is_document(app, client_id) && app.verifier().index().client_called(client_id).is_none();
    if is_new {
        ensure(app, client_id, source).await?;
    }
    Ok(())
}

fn invalid(told: impl Into<String>) -> Refusal {
    Refusal::because(ErrorCode::InvalidClient, told)
}

/// What the draft asks of the address, beside what everything that is fetched needs.
fn check_address(client_id: &str) -> Result<(), String> {
    match WebAddress::new(client_id) {
        Err(problem) => Err(format!("client_id {problem}.")),
        Ok(url) if url.path.len() < 2 => {
            Err("client_id must have a path: https://app.example.com/client.json.".to_owned())
        }
        Ok(_) => Ok(()),
    }
}

/// Fetches the document and keeps what it says; for how many seconds it holds.
async fn look(app: &App, url: &str, source: &Source) -> Result<u64, Refusal> {
    let fetched = outbound::fetch(app, url, FetchLimits::default()).await;
    let fetched = fetched.map_err(|problem| {
        invalid(format!(
            "The document at client_id was not fetched. {problem}"
        ))
    })?;
    let members: Map<String, Value> = serde_json::from_slice(&fetched.body)
        .map_err(|_| invalid("The document at client_id is not a JSON object."))?;
    let after = read(app, url, &members)?;
    let signature = Signature::of(ACTOR, source.ip, source.request_id);
    keep(app, url, after, signature).await?;
    let seconds = fetched.max_age_seconds.unwrap_or(BELIEVED_SECONDS);
    Ok(seconds.clamp(BELIEVED_SECONDS_MIN, BELIEVED_SECONDS_MAX))
}

/// The app that a document describes.
fn read(app: &App, url: &str, members: &Map<String, Value>) -> Result<ClientDescription, Refusal> {
    if members.get("client_id").and_then(Value::as_str) != Some(url) {
        return Err(invalid(
            "The document at client_id has to have a member client_id with its own address, letter \
             by letter.",
        ));
    }
    let secrets = ["client_secret", "client_secret_expires_at"];
    if secrets.iter().any(|member| members.contains_key(*member)) {
        return Err(invalid(
            "The document at client_id has a client secret, which everybody can read.",
        ));
    }
    let mut after = described(app, members, ClientAuthMethod::None)
        .map_err(|refusal| invalid(format!("The document at client_id: {refusal}")))?;
    if after.settings.takes_secrets() {
        return Err(invalid(
            "The document at client_id must have a token_endpoint_auth_method of none or \
             private_key_jwt: there is no secret that only the app would know.",
        ));
    }
    after.metadata.origin = ClientOrigin::Document(url.to_owned());
    Ok(after)
}

/// Makes the client that the document describes, or changes it. One that an operator deleted stays
/// deleted.
async fn keep(
    app: &App,
    url: &str,
    after: ClientDescription,
    signature: Signature,
) -> Result<(), Error> {
    let held = rows::documented(&mut *app.read().await?, url).await?;
    let Some(id) = held else {
        let made = make(app, after, signature).await;
        // Another node, or another request, may have been first.
        let is_there = rows::documented(&mut *app.read().await?, url).await?;
        return if is_there.is_some() {
            Ok(())
        } else {
            made.map(drop)
        };
    };
    let app_inside = app.clone();
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        let after = after.clone();
        Box::pin(async move { update(tx, &app, id, after, &signature).await })
    })
    .await
}

async fn update(
    tx: &mut Tx,
    app: &App,
    id: ClientId,
    mut after: ClientDescription,
    signature: &Signature,
) -> Result<(), Error> {
    rows::lock(tx, id).await?;
    let client = rows::get(tx, None, id).await?;
    let Some(client) = client.filter(|client| !client.is_deleted()) else {
        return Ok(());
    };
    // What an operator decided about it is not the document's to say.
    after.ceilings = client.ceilings;
    after.settings = ClientSettings {
        name: after.settings.name,
        auth_method: after.settings.auth_method,
        ..client.settings.clone()
    };
    let found = ClientWithSecrets {
        client,
        metadata: rows::metadata(tx, id).await?.unwrap_or_default(),
        secrets: Vec::new(),
        rotation: None,
    };
    clients::apply(tx, app, signature, found, after)
        .await
        .map(drop)
}
