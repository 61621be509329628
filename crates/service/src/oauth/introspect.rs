//! Introspection (RFC 7662): what a token is worth, for those whom it concerns.

use std::sync::Arc;

use claviger_model::ids::UserId;
use claviger_model::refresh::Presented;
use claviger_model::tokens::Claims;
use claviger_model::{Reason, UnixMillis};
use claviger_verify::TokenFacts;
use claviger_verify::entries::ClientEntry;

use super::grants::refresh_token::{self, Found};
use super::targets::{management_scopes, reaches};
use super::user_tokens::standing;
use super::{Client, ErrorCode, Refusal};
use crate::app::App;
use crate::error::Error;

/// A live token.
#[derive(Debug)]
pub enum Introspection {
    /// An access token, as its client or an API of its account may see it.
    Access(AccessToken),
    /// A refresh token, as its client may see it.
    Refresh(RefreshTokenFacts),
}

/// A live access token.
#[derive(Debug)]
pub struct AccessToken {
    facts: Arc<TokenFacts>,
    /// What it may do now: its scopes as far as its client and its user still hold them.
    pub scopes: Vec<String>,
}

/// A live refresh token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefreshTokenFacts {
    /// What its client calls itself.
    pub client_id: String,
    /// The user.
    pub user_id: UserId,
    /// What the access tokens that come of it may do.
    pub scopes: Vec<String>,
    /// When it was issued.
    pub created_at: UnixMillis,
    /// From when it is not taken.
    pub expires_at: UnixMillis,
}

impl AccessToken {
    /// What it says.
    pub fn claims(&self) -> &Claims {
        &self.facts.claims
    }
}

/// What `token` is worth; nothing when it is not live, or none of the client's business.
///
/// # Errors
/// `invalid_client` for a client that proves nothing; `temporarily_unavailable` where the node
/// cannot know.
pub async fn introspect(
    app: &App,
    client: &Client,
    token: &str,
) -> Result<Option<Introspection>, Refusal> {
    if client.entry.is_public() {
        return Err(Refusal::because(
            ErrorCode::InvalidClient,
            "This client keeps no secret, so it is told nothing of tokens.",
        ));
    }
    client.note_use(app, None);
    if let Some(found) = refresh_token::find(app, token).await? {
        return Ok(refresh(app, client, found)
            .await?
            .map(Introspection::Refresh));
    }
    let facts = match app.verifier().inspect(token, app.sources().both()) {
        Ok(facts) => facts,
        Err(Reason::Stale) => return Err(Error::stale().into()),
        Err(_) => return Ok(None),
    };
    if !concerns(app, &client.entry, &facts) {
        return Ok(None);
    }
    if facts.claims.azp != client.entry.id {
        // Whoever asks is about to serve a request with it.
        app.verifier().note_use(&facts);
    }
    let scopes = scopes(app, &facts);
    Ok(Some(Introspection::Access(AccessToken { facts, scopes })))
}

/// What a refresh token is worth to its client: one that was used or replaced is worth nothing,
/// though it may still be forgiven.
async fn refresh(
    app: &App,
    client: &Client,
    found: Found,
) -> Result<Option<RefreshTokenFacts>, Refusal> {
    let Found { token, family } = found;
    let is_own = family.client_id == client.entry.id;
    let is_live = token.presented(&family, 0, app.sources().now()) == Presented::Fresh;
    if !is_own || !is_live {
        return Ok(None);
    }
    let standing = match standing(app, family.grant_id).await {
        Ok(standing) => standing,
        Err(refusal) if refusal.code == ErrorCode::InvalidGrant => return Ok(None),
        Err(refusal) => return Err(refusal),
    };
    let scopes = family.authorized.scopes.iter();
    Ok(Some(RefreshTokenFacts {
        client_id: client.entry.public_id.to_string(),
        user_id: standing.grant.user_id,
        scopes: scopes.map(ToString::to_string).collect(),
        created_at: token.created_at,
        expires_at: token.expires_at,
    }))
}

/// A token concerns the client that it was issued to, and each of the same account that holds
/// scopes on an API that it is for.
fn concerns(app: &App, client: &ClientEntry, facts: &TokenFacts) -> bool {
    let claims = &facts.claims;
    if claims.azp == client.id {
        return true;
    }
    let index = app.verifier().index();
    let apis = index.apis();
    claims.account == client.account.id()
        && claims.aud.all().iter().any(|audience| {
            let api = apis.by_audience(audience);
            api.is_some_and(|api| reaches(client, api))
        })
}

fn scopes(app: &App, facts: &TokenFacts) -> Vec<String> {
    let index = app.verifier().index();
    let claims = &facts.claims;
    let mut now = facts.scopes(&index.apis());
    if claims.aud.all() == [app.settings().public_url.as_str()] {
        now.extend(management_scopes(&facts.client).map(|scope| scope.to_string()));
    }
    if claims.all_scopes {
        return now;
    }
    // In the order of the token itself.
    let listed = claims.scope.split(' ').map(str::to_owned);
    listed.filter(|name| now.contains(name)).collect()
}
