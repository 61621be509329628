//! What people have in hand when they ask why: the id of a request, an address, or a credential by
//! its id, its name or itself.

use std::net::IpAddr;

use claviger_model::ids::{ClientId, KeyId, LegacyKeyId, RequestId, SessionId};
use claviger_model::secret::{self, Malformed};
use claviger_store::decisions;
use claviger_verify::entries::Credential;
use claviger_verify::possession::Sent;
use claviger_verify::{Request, Target};

use super::find::flush;
use crate::access::EvidenceAccess;
use crate::app::App;
use crate::error::Error;

/// Credentials of one name that are told apart.
const NAMED_MAX: u32 = 10;

/// What a text is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum About {
    /// One request.
    Request(RequestId),
    /// What came from an address.
    Address(IpAddr),
    /// What was done with a credential, by its id.
    Credential(String),
    /// Several credentials whose names hold it: their ids and names.
    Several(Vec<(String, String)>),
    /// It is a credential, or looks like one, and not one of this account.
    UnknownSecret,
    /// Nothing of late.
    Nothing,
}

/// What `text` is about. A whole credential is recognised in whatever state it is; nothing of it is
/// kept, and it counts for no limit.
///
/// # Errors
/// The store's.
pub async fn about(app: &App, access: &EvidenceAccess, text: &str) -> Result<About, Error> {
    let text = text.trim();
    if let Ok(id) = text.parse() {
        return Ok(About::Request(id));
    }
    if let Ok(address) = text.parse() {
        return Ok(About::Address(address));
    }
    if is_credential_id(text) {
        return Ok(About::Credential(text.to_owned()));
    }
    if is_like_a_secret(text) {
        let found = of_secret(app, access, text);
        return Ok(found.map_or(About::UnknownSecret, About::Credential));
    }
    flush(app).await;
    let mut reader = app.usage_db().read().await?;
    let mut named = decisions::named(&mut reader, access.account_id(), text, NAMED_MAX).await?;
    Ok(match (named.len(), named.pop()) {
        (1, Some((id, _))) => About::Credential(id),
        (_, Some(last)) => {
            named.push(last);
            About::Several(named)
        }
        (_, None) => About::Nothing,
    })
}

fn is_credential_id(text: &str) -> bool {
    text.parse::<KeyId>().is_ok()
        || text.parse::<ClientId>().is_ok()
        || text.parse::<LegacyKeyId>().is_ok()
        || text.parse::<SessionId>().is_ok()
}

/// Whether a text could be a credential, so that it is to be kept out of sight: one of ours, also
/// mistyped, or a token with its two dots.
fn is_like_a_secret(text: &str) -> bool {
    let is_ours = !matches!(secret::parse(text), Err(Malformed::Shape));
    let is_token = text.matches('.').count() == 2 && text.len() > 60 && !text.contains(' ');
    is_ours || is_token
}

fn of_secret(app: &App, access: &EvidenceAccess, credential: &str) -> Option<String> {
    let request = Request {
        credential: Some(credential),
        // There is no such API, so that nothing is taken from a limit.
        target: Target::Audience(""),
        environment: None,
        method: None,
        path: None,
        scopes: &[],
        ip: None,
        sent: Sent::BEARER,
    };
    let decision = app.verifier().decide(&request, app.sources().both());
    let found = decision.credential?;
    let own = access.account_id();
    let is_own = own.is_none_or(|own| Credential::account_id(&found) == Some(own));
    is_own.then(|| found.identity().id())
}
