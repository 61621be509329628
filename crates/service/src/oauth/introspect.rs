//! Introspection (RFC 7662): what a token is worth, for those whom it concerns.

use std::sync::Arc;

use claviger_model::Reason;
use claviger_model::tokens::Claims;
use claviger_verify::TokenFacts;
use claviger_verify::entries::ClientEntry;

use super::targets::{management_scopes, reaches};
use super::{Client, Refusal};
use crate::app::App;
use crate::error::Error;

/// A live token, as its client or an API of its account may see it.
#[derive(Debug)]
pub struct Introspection {
    facts: Arc<TokenFacts>,
    /// What it may do now: its scopes as far as its client still holds them.
    pub scopes: Vec<String>,
}

impl Introspection {
    /// What it says.
    pub fn claims(&self) -> &Claims {
        &self.facts.claims
    }
}

/// What `token` is worth; nothing when it is not live, or none of the client's business.
///
/// # Errors
/// `temporarily_unavailable` where the node cannot know.
pub fn introspect(
    app: &App,
    client: &Client,
    token: &str,
) -> Result<Option<Introspection>, Refusal> {
    client.note_use(app, None);
    let facts = match app.verifier().inspect(token, app.sources().both()) {
        Ok(facts) => facts,
        Err(Reason::Stale) => return Err(Error::stale().into()),
        Err(_) => return Ok(None),
    };
    if !concerns(app, &client.entry, &facts) {
        return Ok(None);
    }
    let scopes = scopes(app, &facts);
    Ok(Some(Introspection { facts, scopes }))
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
