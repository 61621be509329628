//! Who a client is (RFC 6749 section 2.3).

use std::net::IpAddr;
use std::sync::Arc;

use claviger_model::Reason;
use claviger_model::clients::ClientAuthMethod;
use claviger_model::ids::{ClientId, RequestId, SecretId};
use claviger_verify::entries::ClientEntry;
use claviger_verify::{ClientLogin, ClientRefusal};
use zeroize::Zeroizing;

use super::{ErrorCode, Refusal, assertion, documents};
use crate::app::App;
use crate::error::Error;
use crate::uses::SecretUse;

/// What is told of a wrong secret, and of a client that does not exist.
const UNKNOWN: &str = "There is no client with this client_id and client_secret. Check that both \
                       were copied whole and belong together.";

/// What a client says of itself.
pub struct ClientCredentials {
    /// What it calls itself; an assertion says it too.
    pub client_id: Option<String>,
    /// How it proves that.
    pub proof: ClientProof,
}

/// How a client proves who it is.
pub enum ClientProof {
    /// By one of its secrets.
    Secret {
        /// The secret.
        secret: Zeroizing<String>,
        /// How it was sent.
        method: ClientAuthMethod,
    },
    /// By a JWT that it signed (RFC 7523 section 2.2).
    Assertion(Zeroizing<String>),
    /// Not at all.
    None,
}

/// Where a request came from.
#[derive(Clone, Default, Debug)]
pub struct Source {
    /// Its address.
    pub ip: Option<IpAddr>,
    /// The request.
    pub request_id: Option<RequestId>,
    /// The program, by its own words.
    pub user_agent: Option<String>,
}

/// A client that has proved who it is.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client.
    pub entry: Arc<ClientEntry>,
    /// The secret that it proved it with, if it was one.
    pub secret_id: Option<SecretId>,
    /// The epoch that was known before it was asked: what ends its tokens later is above it.
    pub epoch: i64,
    /// Where it asks from.
    pub source: Source,
}

/// Finds out who a client is. For a secret this touches no database; an assertion is used up in it.
///
/// # Errors
/// `invalid_client`, the same for an unknown client and a wrong secret, and with what to do for
/// somebody whose secret is right and does not work any more; `rate_limited` for a wrong secret
/// after too many from the same network; `temporarily_unavailable` where the node cannot know.
pub async fn authenticate(
    app: &App,
    credentials: &ClientCredentials,
    source: Source,
) -> Result<Client, Refusal> {
    let epoch = app.verifier().freshness().epoch();
    let client_id = credentials.client_id.as_deref();
    if let Some(client_id) = client_id {
        documents::ensure_known(app, client_id, &source).await?;
    }
    let (entry, secret_id, method) = match &credentials.proof {
        ClientProof::Secret { secret, method } => {
            let client_id = client_id.unwrap_or_default();
            let login = by_secret(app, client_id, secret, &source)?;
            (login.client, Some(login.secret_id), *method)
        }
        ClientProof::None => {
            let entry = by_name(app, client_id.unwrap_or_default(), &source)?;
            (entry, None, ClientAuthMethod::None)
        }
        ClientProof::Assertion(text) => {
            let entry = assertion::authenticate(app, client_id, text, &source).await?;
            (entry, None, ClientAuthMethod::PrivateKeyJwt)
        }
    };
    let client = Client {
        entry,
        secret_id,
        epoch,
        source,
    };
    client.check_method(app, method)?;
    Ok(client)
}

/// The client whose secret this is.
fn by_secret(
    app: &App,
    client_id: &str,
    secret: &str,
    source: &Source,
) -> Result<ClientLogin, Refusal> {
    let now = app.sources().both();
    match app.verifier().authenticate_client(client_id, secret, now) {
        Ok(login) => Ok(login),
        Err(refusal) => Err(refused(app, refusal, source, now.boot_nanos)),
    }
}

/// The client that calls itself so, which proves nothing.
fn by_name(app: &App, client_id: &str, source: &Source) -> Result<Arc<ClientEntry>, Refusal> {
    let now = app.sources().both();
    match app.verifier().find_client(client_id, now) {
        Ok(entry) if entry.is_public() => Ok(entry),
        // Whether there is a client that has to authenticate is told to nobody.
        Ok(_) => {
            let unknown = ClientRefusal {
                reason: Reason::InvalidCredential,
                secret: None,
            };
            Err(refused(app, unknown, source, now.boot_nanos))
        }
        Err(refusal) => Err(refused(app, refusal, source, now.boot_nanos)),
    }
}

fn refused(app: &App, refusal: ClientRefusal, source: &Source, boot_nanos: u64) -> Refusal {
    if refusal.reason == Reason::Stale {
        return Error::stale().into();
    }
    let Some(secret) = refusal.secret else {
        return unknown(app.client_failures().count(source.ip, boot_nanos), UNKNOWN);
    };
    note(app, secret, source, Some(refusal.reason));
    ended(refusal.reason)
}

impl Client {
    /// Refuses a way of authenticating that is not the client's.
    fn check_method(&self, app: &App, method: ClientAuthMethod) -> Result<(), Refusal> {
        let Some(only) = self.entry.auth_method.filter(|only| *only != method) else {
            return Ok(());
        };
        self.note_use(app, Some(Reason::KindNotAccepted));
        let told = format!(
            "This client may authenticate by {} alone, and did by {}.",
            only.as_str(),
            method.as_str()
        );
        Err(Refusal::because(ErrorCode::InvalidClient, told))
    }

    /// Notes what became of the secret in this request.
    pub(super) fn note_use(&self, app: &App, refused: Option<Reason>) {
        if let Some(secret_id) = self.secret_id {
            note(app, (self.entry.id, secret_id), &self.source, refused);
        }
    }
}

fn note(
    app: &App,
    (owner_id, secret_id): (ClientId, SecretId),
    source: &Source,
    refused: Option<Reason>,
) {
    app.usage().secret_used(SecretUse {
        secret_id,
        owner_id,
        at: app.sources().now(),
        ip: source.ip,
        user_agent: source.user_agent.as_deref(),
        refused,
    });
}

/// What did not prove anything: `told` says nothing of what there is. Counted as wrong secrets are.
pub(super) fn wrong(app: &App, source: &Source, told: &'static str) -> Refusal {
    let boot_nanos = app.sources().both().boot_nanos;
    unknown(app.client_failures().count(source.ip, boot_nanos), told)
}

/// A wrong secret, or a client that does not exist: nobody is told which.
fn unknown(counted: Result<(), u32>, told: &'static str) -> Refusal {
    match counted {
        Ok(()) => Refusal::because(ErrorCode::InvalidClient, told),
        Err(seconds) => Refusal {
            retry_after_seconds: Some(seconds),
            ..Refusal::because(
                ErrorCode::RateLimited,
                "Too many wrong client secrets came from this address. Mend the client_id and the \
                 client_secret: right ones are let in at once.",
            )
        },
    }
}

/// A right secret that does not work any more.
fn ended(reason: Reason) -> Refusal {
    let told = match reason {
        Reason::Expired => {
            "This client secret has expired. Add a new secret to the client and use that one."
        }
        Reason::AccountInactive => {
            "The account of this client is not active. Ask the operator to make it active."
        }
        _ => {
            "This client secret was revoked, or its client deleted. Use another secret of the \
             client, or another client."
        }
    };
    Refusal::because(ErrorCode::InvalidClient, told)
}
