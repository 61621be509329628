//! Revocation (RFC 7009): a client gives a token back.

use claviger_model::{Reason, UnixMillis};

use super::grants::refresh_token;
use super::{Client, Refusal, families};
use crate::app::App;
use crate::error::Error;
use crate::tokens::{self, RevokedToken};

/// Ends `token` if it is a live one of `client`; when this returns, no node takes it. With a
/// refresh token go all tokens of its authorization. Everything else is left as it is, and nobody
/// is told what it was (RFC 7009 section 2.2).
///
/// # Errors
/// `temporarily_unavailable` where the node cannot know, or the revocation cannot be written down.
pub async fn revoke(app: &App, client: &Client, token: &str) -> Result<(), Refusal> {
    client.note_use(app, None);
    if let Some(found) = refresh_token::find(app, token).await? {
        if found.family.client_id == client.entry.id {
            families::end(app, client, found.family.id).await?;
        }
        return Ok(());
    }
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
    let signature = families::signature(client);
    Ok(tokens::revoke(app, revoked, &signature).await?)
}
