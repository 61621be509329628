//! Who a client is (RFC 6749 section 2.3).

use std::net::IpAddr;
use std::sync::Arc;

use claviger_model::Reason;
use claviger_model::clients::ClientAuthMethod;
use claviger_model::ids::{ClientId, RequestId, SecretId};
use claviger_verify::entries::ClientEntry;
use claviger_verify::{ClientLogin, ClientRefusal};
use zeroize::Zeroizing;

use super::{ErrorCode, Refusal};
use crate::app::App;
use crate::error::Error;
use crate::uses::SecretUse;

/// What a client says of itself.
pub struct ClientCredentials {
    /// Its id.
    pub client_id: String,
    /// One of its secrets.
    pub secret: Zeroizing<String>,
    /// How it sent them.
    pub method: ClientAuthMethod,
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
    /// The secret that it proved it with.
    pub secret_id: SecretId,
    /// The epoch that was known before it was asked: what ends its tokens later is above it.
    pub epoch: i64,
    /// Where it asks from.
    pub source: Source,
}

/// Finds out who a client is. Touches no database.
///
/// # Errors
/// `invalid_client`, the same for an unknown client and a wrong secret, and with what to do for
/// somebody whose secret is right and does not work any more; `rate_limited` for a wrong secret
/// after too many from the same network; `temporarily_unavailable` where the node cannot know.
pub fn authenticate(
    app: &App,
    credentials: &ClientCredentials,
    source: Source,
) -> Result<Client, Refusal> {
    let now = app.sources().both();
    let verifier = app.verifier();
    let epoch = verifier.freshness().epoch();
    let ClientCredentials {
        client_id,
        secret,
        method,
    } = credentials;
    let ClientLogin {
        client: entry,
        secret_id,
    } = match verifier.authenticate_client(client_id, secret, now) {
        Ok(login) => login,
        Err(ClientRefusal {
            reason: Reason::Stale,
            ..
        }) => return Err(Error::stale().into()),
        Err(refusal) if refusal.secret.is_none() => {
            return Err(unknown(
                app.client_failures().count(source.ip, now.boot_nanos),
            ));
        }
        Err(refusal) => {
            if let Some(secret) = refusal.secret {
                note(app, secret, &source, Some(refusal.reason));
            }
            return Err(ended(refusal.reason));
        }
    };
    if let Some(only) = entry.auth_method.filter(|only| only != method) {
        let secret = (entry.id, secret_id);
        note(app, secret, &source, Some(Reason::KindNotAccepted));
        let told = format!(
            "This client may authenticate by {} alone, and did by {}.",
            only.as_str(),
            method.as_str()
        );
        return Err(Refusal::because(ErrorCode::InvalidClient, told));
    }
    Ok(Client {
        entry,
        secret_id,
        epoch,
        source,
    })
}

impl Client {
    /// Notes what became of the secret in this request.
    pub(super) fn note_use(&self, app: &App, refused: Option<Reason>) {
        let secret = (self.entry.id, self.secret_id);
        note(app, secret, &self.source, refused);
    }
}

fn note(
    app: &App,
    (owner_id, secret_id): (ClientId, SecretId),
    source: &Source,
    refused: Option<Reason>,
) {
    app.uses().note(SecretUse {
        secret_id,
        owner_id,
        at: app.sources().now(),
        ip: source.ip,
        user_agent: source.user_agent.as_deref(),
        refused,
    });
}

/// A wrong secret, or a client that does not exist: nobody is told which.
fn unknown(counted: Result<(), u32>) -> Refusal {
    match counted {
        Ok(()) => Refusal::because(
            ErrorCode::InvalidClient,
            "There is no client with this client_id and client_secret. Check that both were \
             copied whole and belong together.",
        ),
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
