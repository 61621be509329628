//! `/apps/{id}`: one app, how it is set up, and what went wrong with it.

use askama::Template;
use claviger_model::UnixMillis;
use claviger_model::clients::{ClientKind, ClientOrigin, ClientScopes, ClientSecret, GrantType};
use claviger_model::ids::{ClientId, SecretId};
use claviger_service::access::KeyAccess;
use claviger_service::clients::{self, ClientWithSecrets, RequestFailure};
use claviger_service::{Caller, users, uses};

use super::{PATH, back, labels, samples};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::see_other;
use crate::portal::chart::told;
use crate::portal::parts::{Status, When};
use crate::portal::{Answer, Band, Portal, Section, Shell};

/// Failures that the page shows.
const FAILURES: usize = 20;

/// An app.
#[derive(Template)]
#[template(path = "portal/app.html")]
struct AppPage {
    frame: Shell,
    back: (String, String),
    id: ClientId,
    client_id: String,
    client_secret: String,
    add_secret: String,
    revoke: String,
    name: String,
    description: String,
    is_deleted: bool,
    edit: String,
    delete: String,
    new_secret: String,
    done: Option<String>,
    kind: &'static str,
    grant_types: Vec<&'static str>,
    origin: Option<&'static str>,
    is_pkce_required: bool,
    redirect_uris: Vec<String>,
    /// What it may ask users for; none is everything.
    scopes: Option<Vec<String>>,
    links: Vec<(&'static str, String)>,
    users: String,
    created: When,
    owner: String,
    takes_secrets: bool,
    secrets: Vec<SecretRow>,
    try_url: Option<String>,
    exchange: String,
    failures: Vec<FailureRow>,
    kept_days: u32,
}

/// A secret as a row shows it.
struct SecretRow {
    hint: String,
    description: String,
    status: Status,
    created: When,
    last_used: Option<(When, String)>,
    revoke: Option<String>,
}

/// A failed authorization as a row shows it.
struct FailureRow {
    when: When,
    told: String,
    href: String,
    request_id: String,
}

/// Shows the app.
pub async fn show(mut portal: Portal, Id(id): Id<ClientId>) -> Answer {
    let access = portal.allowed(Caller::client_reading).await?;
    let app = portal.web.app().clone();
    let found = clients::show(&app, &access, id).await?;
    portal.environment = found.client.environment;
    if found.client.kind == ClientKind::Machine {
        return Ok(see_other(&portal.href(format!("/clients/{id}"))));
    }
    let portal = &portal;
    let now = app.sources().now();
    let failures = failures(portal, &access, id, now).await?;
    let users = clients::connected_users(&app, &access, id).await?;
    let client = &found.client;
    let settings = &client.settings;
    let actors = [client.created_by.as_str()];
    let names = users::actor_names(&app, actors).await?;
    let owner = names.get(&client.created_by).unwrap_or(&client.created_by);
    let secrets = secrets(portal, &found, now).await?;
    let labels = labels(portal);
    let own = |below: &str| portal.href(format!("{PATH}/{id}{below}"));
    let grant_types = found.metadata.grant_types(client.kind).iter();
    let addresses = found.metadata.redirect_uris.iter();
    let page = AppPage {
        back: back(portal),
        id,
        client_id: labels.client_id.clone(),
        client_secret: labels.client_secret.clone(),
        add_secret: labels.add_secret.clone(),
        revoke: labels.revoke.clone(),
        name: settings.name.clone(),
        description: settings.description.clone(),
        is_deleted: client.is_deleted(),
        edit: own("/edit"),
        delete: own("/delete"),
        new_secret: own("/secrets/new"),
        done: portal.query.get("done").and_then(done),
        kind: kind(&found),
        grant_types: grant_types.map(|grant| GrantType::as_str(*grant)).collect(),
        origin: origin(&found),
        is_pkce_required: found.metadata.require_pkce,
        redirect_uris: addresses.map(|uri| uri.as_str().to_owned()).collect(),
        scopes: match &settings.scopes {
            ClientScopes::All => None,
            ClientScopes::Named(names) => Some(names.iter().map(ToString::to_string).collect()),
        },
        links: links(&found),
        users: match users {
            0 => "nobody yet".to_owned(),
            1 => "1 user".to_owned(),
            users => format!("{} users", told(users)),
        },
        created: When::of(client.created_at, now),
        owner: owner.clone(),
        takes_secrets: settings.takes_secrets(),
        secrets,
        try_url: samples::authorize_url(portal, &found).filter(|_| !client.is_deleted()),
        exchange: samples::exchange_of_code(
            portal,
            &found,
            settings.takes_secrets().then_some("\u{2026}"),
        ),
        failures,
        kept_days: app.settings().decisions_days,
        frame: portal.shell(Section::Apps, Band::At(PATH.into())).await?,
    };
    Ok(Portal::page(page))
}

/// What an app is, in a word.
pub(super) fn kind(found: &ClientWithSecrets) -> &'static str {
    if found.client.settings.is_public() {
        "Public"
    } else {
        "Confidential"
    }
}

fn done(what: &str) -> Option<String> {
    let told = match what {
        "created" => "Created. A public app has no secret: its Client ID and PKCE are enough.",
        "saved" => "Saved. It holds from the next request on.",
        "revoked" => "Revoked. It is refused from the next request on.",
        _ => return None,
    };
    Some(told.to_owned())
}

fn origin(found: &ClientWithSecrets) -> Option<&'static str> {
    match found.metadata.origin {
        ClientOrigin::Account => None,
        ClientOrigin::Registration(_) => Some("It registered itself."),
        ClientOrigin::Document(_) => Some("It describes itself in a document of its own."),
    }
}

fn links(found: &ClientWithSecrets) -> Vec<(&'static str, String)> {
    let links = &found.metadata.links;
    let named = [
        ("Home page", &links.client_uri),
        ("Logo", &links.logo_uri),
        ("Privacy policy", &links.policy_uri),
        ("Terms of service", &links.tos_uri),
    ];
    let known = named.into_iter();
    known
        .filter_map(|(name, link)| Some((name, link.clone()?)))
        .collect()
}

async fn secrets(
    portal: &Portal,
    found: &ClientWithSecrets,
    now: UnixMillis,
) -> Result<Vec<SecretRow>, Failure> {
    let ids: Vec<SecretId> = found.secrets.iter().map(|secret| secret.id).collect();
    let uses = uses::of(portal.web.app(), &ids).await?;
    let row = |secret: &ClientSecret| {
        let id = found.client.id;
        let is_live = secret.is_live(now) && !found.client.is_deleted();
        let last_used = uses.get(&secret.id).and_then(|uses| {
            let from = uses.last_used_ip.map(|ip| ip.to_string());
            Some((When::of(uses.last_used_at?, now), from.unwrap_or_default()))
        });
        SecretRow {
            hint: secret.stored.hint.clone(),
            description: secret.description.clone(),
            status: match secret.revoked_at {
                Some(_) => Status::REVOKED,
                None => Status::until(secret.expires_at, now),
            },
            created: When::of(secret.created_at, now),
            last_used,
            revoke: is_live
                .then(|| portal.href(format!("{PATH}/{id}/secrets/{}/revoke", secret.id))),
        }
    };
    Ok(found.secrets.iter().rev().map(row).collect())
}

async fn failures(
    portal: &Portal,
    access: &KeyAccess,
    id: ClientId,
    now: UnixMillis,
) -> Result<Vec<FailureRow>, Failure> {
    let found = clients::authorization_failures(portal.web.app(), access, id).await?;
    let latest = found.into_iter().take(FAILURES);
    Ok(latest
        .map(|failure| failure_row(portal, failure, now))
        .collect())
}

fn failure_row(portal: &Portal, failure: RequestFailure, now: UnixMillis) -> FailureRow {
    FailureRow {
        when: When::of(failure.at, now),
        href: portal.href(format!("/decisions/{}", failure.request_id)),
        request_id: failure.request_id.to_string(),
        told: failure.told,
    }
}
