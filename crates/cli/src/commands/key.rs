//! `claviger key`: API keys.

mod arguments;
mod find;

use std::collections::HashMap;

use claviger_model::keys::KeyDraft;
use claviger_service::access::KeyAccess;
use claviger_service::keys::{self, IssueInput, KeyWithSecrets};
use claviger_service::usage;
use claviger_web::api::keys::{ApiKey, shape_of, shapes_of};
use serde_json::Value;

use super::scope_use::{self, ScopeUseArguments};
use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::secret_input;
use crate::store::{Store, object};
pub(crate) use arguments::KeyArguments;
use arguments::{CreateArguments, EditArguments, KeyCommand, ListArguments};

const LIST: [Column; 8] = [
    ("id", "id", Shown::Plain),
    ("name", "name", Shown::Plain),
    ("hint", "hint", Shown::Plain),
    ("environment", "env", Shown::Plain),
    ("status", "status", Shown::Plain),
    ("scopes", "scopes", Shown::Plain),
    ("last_used_at", "last used", Shown::Time),
    ("expires_at", "expires", Shown::Time),
];
const WHOLE: [Column; 20] = [
    ("id", "id", Shown::Plain),
    ("name", "name", Shown::Plain),
    ("hint", "hint", Shown::Plain),
    ("environment", "environment", Shown::Plain),
    ("status", "status", Shown::Plain),
    ("scopes", "scopes", Shown::Plain),
    ("description", "description", Shown::Plain),
    ("allowed_ips", "allowed ips", Shown::Plain),
    ("rate_limit", "rate limit", Shown::Plain),
    ("rate_limit_ceiling", "at most", Shown::Plain),
    ("account_id", "account", Shown::Plain),
    ("created_by", "created by", Shown::Plain),
    ("created_at", "created", Shown::Time),
    ("expires_at", "expires", Shown::Time),
    ("revoked_at", "revoked", Shown::Time),
    ("last_used_at", "last used", Shown::Time),
    ("last_used_ip", "from", Shown::Plain),
    ("last_used_user_agent", "by", Shown::Plain),
    ("last_refused_at", "last refused", Shown::Time),
    ("last_refused_reason", "because", Shown::Plain),
];

/// Runs the command.
pub(crate) async fn run(arguments: KeyArguments, screen: Screen) -> Result<Exit, Failure> {
    let KeyArguments {
        store,
        account,
        command,
    } = arguments;
    let act = async |store: &Store| {
        if let KeyCommand::Revoke { key: None, reason } = command {
            return revoke_pasted(store, reason, screen).await;
        }
        let account_id = store.account(account.as_deref()).await?.id;
        let access = store.caller.key_access_to(account_id)?;
        act(store, &access, command, screen).await
    };
    store.with(act).await
}

async fn act(
    store: &Store,
    access: &KeyAccess,
    command: KeyCommand,
    screen: Screen,
) -> Result<Exit, Failure> {
    match command {
        KeyCommand::List(arguments) => list(store, access, &arguments, screen).await?,
        KeyCommand::Show { key } => {
            let found = find::by_text(store, access, &key).await?;
            screen.object(&WHOLE, &shown(store, found).await?)?;
        }
        KeyCommand::Create(arguments) => create(store, access, arguments, screen).await?,
        KeyCommand::Edit(arguments) => {
            let id = find::by_text(store, access, &arguments.key).await?.key.id;
            let draft = edited(store, *arguments)?;
            store.load_apis().await?;
            let key = keys::edit(&store.app, access, id, draft, None).await?;
            screen.object(&WHOLE, &shown(store, key).await?)?;
        }
        KeyCommand::Scopes(arguments) => scopes(store, access, &arguments, screen).await?,
        KeyCommand::Revoke { key, reason } => {
            let text = key.unwrap_or_default();
            let id = find::by_text(store, access, &text).await?.key.id;
            let revoked = keys::revoke(&store.app, access, id, reason).await?;
            report_revoked(store, revoked, screen).await?;
        }
    }
    Ok(Exit::Done)
}

async fn scopes(
    store: &Store,
    access: &KeyAccess,
    arguments: &ScopeUseArguments,
    screen: Screen,
) -> Result<(), Failure> {
    let id = find::by_text(store, access, &arguments.credential)
        .await?
        .key
        .id;
    let used = usage::of_key(&store.app, access, id).await?;
    let kept = scope_use::kept(&used).filter(|_| arguments.narrow);
    let Some(scopes) = kept else {
        return scope_use::show(&used, &format!("claviger key scopes {id}"), screen);
    };
    store.load_apis().await?;
    let draft = KeyDraft {
        scopes: Some(scopes),
        ..KeyDraft::default()
    };
    let key = keys::edit(&store.app, access, id, draft, None).await?;
    screen.object(&WHOLE, &shown(store, key).await?)
}

/// Revokes the key that somebody pastes; whose it is does not have to be known.
async fn revoke_pasted(
    store: &Store,
    reason: Option<String>,
    screen: Screen,
) -> Result<Exit, Failure> {
    let credential = secret_input::read(screen, "key")?;
    let (account_id, id) = find::by_secret(store, &credential).await?;
    let access = store.caller.key_access_to(account_id)?;
    let revoked = keys::revoke(&store.app, &access, id, reason).await?;
    report_revoked(store, revoked, screen).await?;
    Ok(Exit::Done)
}

async fn list(
    store: &Store,
    access: &KeyAccess,
    arguments: &ListArguments,
    screen: Screen,
) -> Result<(), Failure> {
    let found = find::all(store, access, !arguments.all, arguments.environment()?).await?;
    let shapes = shapes_of(&store.app, found).await?;
    let rows: Result<Vec<Value>, Failure> = shapes.iter().map(object).collect();
    screen.list(&LIST, &rows?, "no key yet; `claviger key create` makes one")
}

async fn create(
    store: &Store,
    access: &KeyAccess,
    arguments: CreateArguments,
    screen: Screen,
) -> Result<(), Failure> {
    let input: IssueInput = arguments.input(store.app.sources().now())?;
    store.load_apis().await?;
    let issued = keys::issue(&store.app, access, input, None).await?;
    if screen.is_json {
        let (app, uses) = (&store.app, HashMap::new());
        let shape = ApiKey::of(issued.key, issued.plaintext, &uses, app.sources().now());
        return screen.data(&object(&shape)?.to_string());
    }
    let key = &issued.key.key;
    let line = format!(
        "Made {} ({}, {}). The key is not shown again.",
        key.id,
        key.settings.name,
        key.environment.as_str()
    );
    if let Some(plaintext) = &issued.plaintext {
        screen.data(plaintext.expose())?;
    }
    screen.note(&line);
    Ok(())
}

fn edited(store: &Store, arguments: EditArguments) -> Result<KeyDraft, Failure> {
    let draft = arguments.draft(store.app.sources().now())?;
    let is_empty = draft.name.is_none()
        && draft.description.is_none()
        && draft.scopes.is_none()
        && draft.active.is_none()
        && draft.expires_at.is_none()
        && draft.allowed_ips.is_none()
        && draft.rate_limit.is_none();
    if is_empty {
        return Err(Failure::new(Exit::Usage, "nothing is to be changed")
            .hint("`claviger key edit --help` shows what can be"));
    }
    Ok(draft)
}

async fn report_revoked(store: &Store, key: KeyWithSecrets, screen: Screen) -> Result<(), Failure> {
    let name = key.key.settings.name.clone();
    let shape = shown(store, key).await?;
    if screen.is_json {
        return screen.data(&shape.to_string());
    }
    let id = shape.get("id").and_then(Value::as_str).unwrap_or_default();
    screen.data(&format!(
        "revoked {id} ({name}): no node accepts it any more"
    ))
}

async fn shown(store: &Store, key: KeyWithSecrets) -> Result<Value, Failure> {
    object(&shape_of(&store.app, key).await?)
}
