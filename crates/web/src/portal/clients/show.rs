//! `/clients/{id}`: one machine client, its secrets and what became of them.

use askama::Template;
use claviger_model::clients::{ClientAuthMethod, ClientCeilings, ClientKind, ClientScopes};
use claviger_model::ids::{ClientId, SecretId};
use claviger_model::{Environment, UnixMillis};
use claviger_service::clients::{self, ClientWithSecrets, rotations};
use claviger_service::{App, Caller, tokens, usage, users, uses};

use super::rows::{Quota, SecretFacts, SecretRow, status};
use super::{PATH, back, labels};
use crate::extract::Id;
use crate::pages::see_other;
use crate::portal::parts::{Status, When, too_old};
use crate::portal::shell::told;
use crate::portal::traffic::Traffic;
use crate::portal::{Answer, Band, Portal, Section, Shell};

/// A client.
#[derive(Template)]
#[template(path = "portal/client.html")]
struct ClientPage {
    frame: Shell,
    back: (String, String),
    /// Its path, with the issuer's, without a query.
    own: String,
    query: &'static str,
    id: ClientId,
    client_id: String,
    client_secret: String,
    add_secret: String,
    revoke: String,
    name: String,
    description: String,
    status: Status,
    is_deleted: bool,
    takes_secrets: bool,
    environment: &'static str,
    /// What it may reach; none is everything.
    scopes: Option<Vec<String>>,
    api: Option<String>,
    authentication: Option<&'static str>,
    lifetime: u32,
    quota: Option<Quota>,
    /// What an operator said that it has at most.
    ceilings: ClientCeilings,
    created: When,
    /// After how many days its newest secret should have been replaced, if it is so old.
    too_old: Option<u32>,
    owner: String,
    done: Option<&'static str>,
    rotation: Option<Rotation>,
    secrets: Vec<SecretRow>,
    traffic: Traffic,
}

/// A rotation that is under way.
struct Rotation {
    /// The hint of the new secret.
    hint: String,
    first_used: Option<When>,
    /// When the older ones end, where that is known.
    ends: Option<When>,
    started: When,
    owner: String,
}

/// Shows the client.
pub async fn show(mut portal: Portal, Id(id): Id<ClientId>) -> Answer {
    let access = portal.allowed(Caller::client_reading).await?;
    let found = clients::show(portal.web.app(), &access, id).await?;
    portal.environment = found.client.environment;
    if found.client.kind == ClientKind::App {
        return Ok(see_other(&portal.href(format!("/apps/{id}"))));
    }
    let app = portal.web.app();
    let now = app.sources().now();
    let ids: Vec<SecretId> = found.secrets.iter().map(|secret| secret.id).collect();
    let uses = uses::of(app, &ids).await?;
    let verdicts = rotations::verdicts(app, &found, &uses, now);
    let text = id.to_string();
    let calls = usage::of_secrets(app, access.account_id(), &text).await?;
    let scopes = usage::of_client(app, &access, id).await?;
    let narrow = (!found.client.is_deleted()).then(|| format!("{PATH}/{id}/edit"));
    let traffic = Traffic::of(&portal, &access, &text, scopes, narrow).await?;
    let today = tokens::used_today(app, &[id]).await?;
    let today = today.get(&id).copied().unwrap_or_default();
    let client = &found.client;
    let settings = &client.settings;
    let secrets = found.secrets.iter().rev().map(|secret| {
        let facts = SecretFacts {
            uses: uses.get(&secret.id),
            verdict: verdicts.get(&secret.id).copied(),
            calls: calls.get(&secret.id).copied().unwrap_or_default(),
        };
        SecretRow::of(&portal, &found, secret, &facts, now)
    });
    let (rotation, owner) = people(&portal, &found).await?;
    let labels = labels(&portal);
    let page = ClientPage {
        back: back(&portal),
        own: format!("{}{PATH}/{id}", portal.web.issuer_path()),
        query: query(portal.environment),
        id,
        client_id: labels.client_id.clone(),
        client_secret: labels.client_secret.clone(),
        add_secret: labels.add_secret.clone(),
        revoke: labels.revoke.clone(),
        name: settings.name.clone(),
        description: settings.description.clone(),
        status: status(&found, now),
        is_deleted: client.is_deleted(),
        takes_secrets: settings.takes_secrets(),
        environment: told(client.environment),
        scopes: match &settings.scopes {
            ClientScopes::All => None,
            ClientScopes::Named(names) => Some(names.iter().map(ToString::to_string).collect()),
        },
        api: clients::audience_of(app, client),
        authentication: settings.auth_method.map(ClientAuthMethod::as_str),
        lifetime: rotations::token_lifetime_seconds(app, client),
        quota: Quota::of(&portal, client, today, now),
        ceilings: client.ceilings,
        created: When::of(client.created_at, now),
        too_old: newest_is_old(app, &found, now),
        owner,
        done: portal.query.get("done").and_then(done),
        rotation,
        secrets: secrets.collect(),
        traffic,
        frame: portal
            .shell(Section::Clients, Band::At(PATH.into()))
            .await?,
    };
    Ok(Portal::page(page))
}

/// What stands behind paths of an environment's pages.
fn query(environment: Environment) -> &'static str {
    match environment {
        Environment::Live => "",
        Environment::Test => "?environment=test",
    }
}

/// After how many days the newest secret should have been replaced, if it is as old as that.
fn newest_is_old(app: &App, found: &ClientWithSecrets, now: UnixMillis) -> Option<u32> {
    let live = found.secrets.iter().filter(|secret| secret.is_live(now));
    let newest = live.map(|secret| secret.created_at).max()?;
    too_old(app, newest).filter(|_| !found.client.is_deleted())
}

/// The rotation under way, and who made the client.
async fn people(
    portal: &Portal,
    found: &ClientWithSecrets,
) -> Result<(Option<Rotation>, String), crate::error::Failure> {
    let app = portal.web.app();
    let now = app.sources().now();
    let rotation = found.rotation_under_way(now);
    let starter = rotation.map(|rotation| rotation.started_by.as_str());
    let maker = found.client.created_by.as_str();
    let names = users::actor_names(app, starter.into_iter().chain([maker])).await?;
    let called = |actor: &str| users::told(&names, actor);
    let shown = rotation.map(|rotation| {
        let old = || {
            let live = found.secrets.iter().filter(|secret| secret.is_live(now));
            live.filter(|secret| rotation.old(secret.id).is_some())
        };
        let ends = old().filter_map(|secret| secret.expires_at).max();
        let fresh = found
            .secrets
            .iter()
            .find(|one| one.id == rotation.secret_id);
        Rotation {
            hint: fresh.map(|one| one.stored.hint.clone()).unwrap_or_default(),
            first_used: rotation.first_used_at.map(|at| When::of(at, now)),
            ends: ends.map(|end| When::of(end, now)),
            started: When::of(rotation.started_at, now),
            owner: called(&rotation.started_by),
        }
    });
    Ok((shown, called(maker)))
}

/// What is said of what was just done.
fn done(what: &str) -> Option<&'static str> {
    Some(match what {
        "saved" => "Saved. It holds from the next request on.",
        "revoked" => "Revoked. No node takes the secret, or a token that it got, any more.",
        "tokens" => "All tokens are ended. No node takes one from before any more.",
        "stopped" => {
            "The older secrets are revoked. No node takes one, or a token of it, any more."
        }
        "longer" => "The older secrets are kept longer.",
        "cancelled" => "The rotation is cancelled. The older secrets stay, the new one is revoked.",
        "deleted" => "Deleted. No node takes one of its secrets or tokens any more.",
        _ => return None,
    })
}
