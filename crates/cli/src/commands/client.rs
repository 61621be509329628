//! `claviger client`: clients and their secrets.

mod arguments;
mod rotate;

use claviger_model::clients::{ClientDraft, ClientKind, ScopesDraft};
use claviger_model::ids::SecretId;
use claviger_service::access::KeyAccess;
use claviger_service::clients::{self, ClientWithSecrets, EditInput, ListFilter, rotations};
use claviger_service::{tokens, usage, uses};
use claviger_web::api::clients::{Client, Secret};
use serde_json::Value;

use super::scope_use::{self, ScopeUseArguments};
use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown, cell};
use crate::store::{Store, object, only};
pub(crate) use arguments::ClientArguments;
use arguments::{ClientCommand, CreateArguments, EditArguments, SecretArguments};

/// How many rows are read at once.
const PAGE: u32 = 200;
const LIST: [Column; 7] = [
    ("id", "id", Shown::Plain),
    ("name", "name", Shown::Plain),
    ("kind", "kind", Shown::Plain),
    ("environment", "env", Shown::Plain),
    ("status", "status", Shown::Plain),
    ("scopes", "scopes", Shown::Plain),
    ("created_at", "created", Shown::Time),
];
/// What is shown of an app, and of another client where it has some.
const OF_APPS: [Column; 12] = [
    ("redirect_uris", "redirect URIs", Shown::Plain),
    ("grant_types", "grant types", Shown::Plain),
    ("public", "public", Shown::Plain),
    ("require_pkce", "code challenge", Shown::Plain),
    (
        "require_pushed_authorization_requests",
        "pushed requests",
        Shown::Plain,
    ),
    ("dpop_bound_access_tokens", "bound tokens", Shown::Plain),
    ("client_uri", "home page", Shown::Plain),
    ("logo_uri", "logo", Shown::Plain),
    ("policy_uri", "policy", Shown::Plain),
    ("tos_uri", "terms", Shown::Plain),
    ("jwks_uri", "keys", Shown::Plain),
    ("origin", "origin", Shown::Plain),
];
const WHOLE: [Column; 15] = [
    ("id", "id", Shown::Plain),
    ("name", "name", Shown::Plain),
    ("kind", "kind", Shown::Plain),
    ("environment", "environment", Shown::Plain),
    ("status", "status", Shown::Plain),
    ("scopes", "scopes", Shown::Plain),
    ("audience", "audience", Shown::Plain),
    ("token_lifetime_seconds", "token lifetime", Shown::Plain),
    ("tokens_per_day", "tokens per day", Shown::Plain),
    ("quota_mode", "quota mode", Shown::Plain),
    ("token_endpoint_auth_method", "authentication", Shown::Plain),
    ("description", "description", Shown::Plain),
    ("account_id", "account", Shown::Plain),
    ("created_by", "created by", Shown::Plain),
    ("created_at", "created", Shown::Time),
];
const CEILINGS: [(&str, &str); 3] = [
    ("token_lifetime_seconds", "token lifetime"),
    ("tokens_per_day", "tokens per day"),
    ("quota_mode", "quota mode"),
];
const SECRETS: [Column; 8] = [
    ("id", "secret", Shown::Plain),
    ("hint", "hint", Shown::Plain),
    ("status", "status", Shown::Plain),
    ("created_at", "created", Shown::Time),
    ("expires_at", "expires", Shown::Time),
    ("used", "used", Shown::Plain),
    ("last_used_at", "last used", Shown::Time),
    ("description", "description", Shown::Plain),
];

/// Runs the command.
pub(crate) async fn run(arguments: ClientArguments, screen: Screen) -> Result<Exit, Failure> {
    let ClientArguments {
        store,
        account,
        command,
    } = arguments;
    let act = async |store: &Store| {
        let account_id = store.account(account.as_deref()).await?.id;
        let access = store.caller.key_access_to(account_id)?;
        act(store, &access, command, screen).await?;
        Ok(Exit::Done)
    };
    store.with(act).await
}

async fn act(
    store: &Store,
    access: &KeyAccess,
    command: ClientCommand,
    screen: Screen,
) -> Result<(), Failure> {
    // Audiences and scopes are looked up among the APIs.
    store.load_apis().await?;
    match command {
        ClientCommand::List { all } => {
            let mut rows = Vec::new();
            for client in every(store, access, all).await? {
                rows.push(shown(store, client).await?);
            }
            screen.list(
                &LIST,
                &rows,
                "no client yet; `claviger client create` makes one",
            )
        }
        ClientCommand::Show { client } => {
            let found = by_text(store, access, &client).await?;
            show(store, found, screen).await
        }
        ClientCommand::Create(arguments) => create(store, access, *arguments, screen).await,
        ClientCommand::Edit(arguments) => edit(store, access, *arguments, screen).await,
        ClientCommand::Scopes(arguments) => scopes(store, access, &arguments, screen).await,
        ClientCommand::AddSecret(arguments) => add_secret(store, access, arguments, screen).await,
        ClientCommand::Rotate(arguments) => rotate::start(store, access, arguments, screen).await,
        ClientCommand::Rotation(arguments) => {
            rotate::change(store, access, arguments, screen).await
        }
        ClientCommand::CancelRotation { client } => {
            rotate::cancel(store, access, &client, screen).await
        }
        ClientCommand::RevokeSecret { client, secret } => {
            revoke_secret(store, access, (&client, &secret), screen).await
        }
        ClientCommand::Delete { client } => {
            let found = by_text(store, access, &client).await?;
            let (id, name) = (found.client.id, found.client.settings.name);
            clients::delete(&store.app, access, id).await?;
            screen.done(&format!(
                "deleted {id} ({name}): no node accepts a token of it any more"
            ))
        }
        ClientCommand::RevokeTokens { client } => {
            let found = by_text(store, access, &client).await?;
            let (id, name) = (found.client.id, found.client.settings.name);
            tokens::end_of_client(&store.app, access, id).await?;
            screen.done(&format!(
                "ended the tokens of {id} ({name}): no node accepts one from before any more"
            ))
        }
    }
}

async fn create(
    store: &Store,
    access: &KeyAccess,
    arguments: CreateArguments,
    screen: Screen,
) -> Result<(), Failure> {
    let input = arguments.input()?;
    let created = clients::create(&store.app, access, input, None).await?;
    let client = created.client.client.clone();
    if screen.is_json {
        let mut shape = shown(store, created.client).await?;
        if let Some(plaintext) = &created.plaintext {
            shape["client_secret"] = plaintext.expose().into();
        }
        return screen.data(&shape.to_string());
    }
    let line = format!(
        "Made {} ({}, {}, {}).",
        client.id,
        client.settings.name,
        client.kind.as_str(),
        client.environment.as_str()
    );
    let rest = if let Some(plaintext) = &created.plaintext {
        screen.data(plaintext.expose())?;
        "The secret is not shown again."
    } else {
        screen.data(&client.id.to_string())?;
        "It has no secret."
    };
    screen.note(&format!("{line} {rest}"));
    Ok(())
}

async fn edit(
    store: &Store,
    access: &KeyAccess,
    arguments: EditArguments,
    screen: Screen,
) -> Result<(), Failure> {
    let id = by_text(store, access, &arguments.client).await?.client.id;
    let input = arguments.input()?;
    let edited = clients::edit(&store.app, access, id, input).await?;
    show(store, edited, screen).await
}

async fn scopes(
    store: &Store,
    access: &KeyAccess,
    arguments: &ScopeUseArguments,
    screen: Screen,
) -> Result<(), Failure> {
    let id = by_text(store, access, &arguments.credential)
        .await?
        .client
        .id;
    let used = usage::of_client(&store.app, access, id).await?;
    let kept = scope_use::kept(&used).filter(|_| arguments.narrow);
    let Some(scopes) = kept else {
        return scope_use::show(&used, &format!("claviger client scopes {id}"), screen);
    };
    let draft = ClientDraft {
        scopes: Some(ScopesDraft::Named(scopes)),
        ..ClientDraft::default()
    };
    let input = EditInput {
        draft,
        audience: None,
        expected_version: None,
    };
    let edited = clients::edit(&store.app, access, id, input).await?;
    show(store, edited, screen).await
}

async fn add_secret(
    store: &Store,
    access: &KeyAccess,
    arguments: SecretArguments,
    screen: Screen,
) -> Result<(), Failure> {
    let found = by_text(store, access, &arguments.client).await?;
    let input = arguments.input(store.app.sources().now())?;
    let id = found.client.id;
    let added = clients::add_secret(&store.app, access, id, &input, None).await?;
    if screen.is_json {
        let uses = uses::of(&store.app, &[added.secret.id]).await?;
        let now = store.app.sources().now();
        let mut shape = object(&Secret::of(added.secret, &uses, now))?;
        if let Some(plaintext) = &added.plaintext {
            shape["client_secret"] = plaintext.expose().into();
        }
        return screen.data(&shape.to_string());
    }
    if let Some(plaintext) = &added.plaintext {
        screen.data(plaintext.expose())?;
    }
    let line = format!(
        "Added {} to {id} ({}). The secret is not shown again.",
        added.secret.id, found.client.settings.name
    );
    screen.note(&line);
    Ok(())
}

async fn revoke_secret(
    store: &Store,
    access: &KeyAccess,
    (client, secret): (&str, &str),
    screen: Screen,
) -> Result<(), Failure> {
    let found = by_text(store, access, client).await?;
    let matching = found
        .secrets
        .iter()
        .filter(|own| own.id.to_string() == secret || own.stored.hint == secret)
        .map(|own| own.id);
    let matching: Vec<SecretId> = matching.collect();
    let ids: Vec<String> = matching.iter().map(ToString::to_string).collect();
    let secret_id = only(matching, &ids, "secret", secret)?;
    clients::revoke_secret(&store.app, access, found.client.id, secret_id).await?;
    let line = format!(
        "revoked {secret_id} of {}: no node accepts a token of it any more",
        found.client.settings.name
    );
    screen.done(&line)
}

async fn show(store: &Store, found: ClientWithSecrets, screen: Screen) -> Result<(), Failure> {
    let shape = shown(store, found).await?;
    let is_app = shape["kind"] == ClientKind::App.as_str();
    let columns: Vec<Column> = if is_app {
        WHOLE.into_iter().chain(OF_APPS).collect()
    } else {
        WHOLE.to_vec()
    };
    screen.object(&columns, &shape)?;
    if screen.is_json {
        return Ok(());
    }
    if let Some(quota) = shape["quota"].as_object() {
        let beyond = match quota["mode"].as_str() {
            Some("observe") => "more are only counted",
            _ => "more are refused",
        };
        screen.data(&format!(
            "tokens today: {} of {}, anew at {}; {beyond}",
            quota["used"],
            quota["limit"],
            cell(quota.get("resets_at"), Shown::Time)
        ))?;
    }
    for (member, told) in CEILINGS {
        let most = &shape["ceilings"][member];
        if !most.is_null() {
            let most = cell(Some(most), Shown::Plain);
            screen.data(&format!("an operator allows at most: {told} {most}"))?;
        }
    }
    screen.data("")?;
    let secrets = shape["secrets"].as_array().cloned().unwrap_or_default();
    screen.list(&SECRETS, &secrets, "no secret")
}

/// A client with the members of the REST API.
async fn shown(store: &Store, found: ClientWithSecrets) -> Result<Value, Failure> {
    let ids: Vec<SecretId> = found.secrets.iter().map(|secret| secret.id).collect();
    let uses = uses::of(&store.app, &ids).await?;
    let audience = clients::audience_of(&store.app, &found.client);
    let now = store.app.sources().now();
    let verdicts = rotations::verdicts(&store.app, &found, &uses, now);
    let id = found.client.id;
    let today = tokens::used_today(&store.app, &[id]).await?;
    let got = today.get(&id).copied().unwrap_or_default();
    let quota = tokens::quota_facts(&store.app, &found.client, got, now);
    object(&Client::of(found, audience, &uses, &verdicts, now).with_quota(quota))
}

/// The clients of the account, the newest first.
async fn every(
    store: &Store,
    access: &KeyAccess,
    with_deleted: bool,
) -> Result<Vec<ClientWithSecrets>, Failure> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let filter = ListFilter {
            with_deleted,
            kind: None,
            environment: None,
            after,
            limit: PAGE,
        };
        let page = clients::list(&store.app, access, filter).await?;
        found.extend(page.clients);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

/// The client with this id or exact name. Among several of a name those that were deleted do not
/// count.
async fn by_text(
    store: &Store,
    access: &KeyAccess,
    text: &str,
) -> Result<ClientWithSecrets, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(clients::show(&store.app, access, id).await?);
    }
    let mut found = every(store, access, true).await?;
    found.retain(|found| found.client.settings.name == text);
    if found.len() > 1 {
        found.retain(|found| !found.client.is_deleted());
    }
    let ids: Vec<String> = found
        .iter()
        .map(|found| found.client.id.to_string())
        .collect();
    only(found, &ids, "client", text)
}
