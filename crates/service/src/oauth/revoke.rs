//! Revocation (RFC 7009): a client gives a token back.

use claviger_model::{Reason, UnixMillis};

use super::{Client, Refusal};
use crate::access::Signature;
use crate::app::App;
use crate::error::Error;
use crate::tokens::{self, RevokedToken};

/// Ends `token` if it is a live one of `client`; when this returns, no node takes it. Everything
/// else is left as it is, and nobody is told what it was (RFC 7009 section 2.2).
///
/// # Errors
/// `temporarily_unavailable` where the node cannot know, or the revocation cannot be written down.
pub async fn revoke(app: &App, client: &Client, token: &str) -> Result<(), Refusal> {
    client.note_use(app, None);
    let facts = match app.verifier().inspect(token, app.sources().both()) {
        Ok(facts) => facts,
        Err(Reason::Stale) => return Err(Error::stale().into()),
        Err(_) => return Ok(()),
    };
    let claims = &facts.claims;
    if claims.azp != client.entry.id {
        return Ok(());
    }
    let revoked = RevokedToken {
        id: claims.jti,
        client_id: claims.azp,
        account_id: claims.account,
        expires_at: UnixMillis(0).plus_seconds(claims.exp),
    };
    let source = &client.source;
    let signature = Signature::of(client.entry.id.to_string(), source.ip, source.request_id);
    Ok(tokens::revoke(app, revoked, &signature).await?)
}
