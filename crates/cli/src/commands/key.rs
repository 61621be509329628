//! `claviger key`: API keys.

mod arguments;
mod find;

use claviger_model::keys::KeyDraft;
use claviger_service::access::KeyAccess;
use claviger_service::keys::{self, IssueInput, KeyWithSecrets};
use claviger_web::api::keys::ApiKey;
use serde_json::Value;

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
    ("created_at", "created", Shown::Time),
    ("expires_at", "expires", Shown::Time),
];
const WHOLE: [Column; 14] = [
    ("id", "id", Shown::Plain),
    ("name", "name", Shown::Plain),
    ("hint", "hint", Shown::Plain),
    ("environment", "environment", Shown::Plain),
    ("status", "status", Shown::Plain),
    ("scopes", "scopes", Shown::Plain),
    ("description", "description", Shown::Plain),
    ("allowed_ips", "allowed ips", Shown::Plain),
    ("rate_limit", "rate limit", Shown::Plain),
    ("account_id", "account", Shown::Plain),
    ("created_by", "created by", Shown::Plain),
    ("created_at", "created", Shown::Time),
    ("expires_at", "expires", Shown::Time),
    ("revoked_at", "revoked", Shown::Time),
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
            screen.object(&WHOLE, &shown(store, found)?)?;
        }
        KeyCommand::Create(arguments) => create(store, access, arguments, screen).await?,
        KeyCommand::Edit(arguments) => {
            let id = find::by_text(store, access, &arguments.key).await?.key.id;
            let draft = edited(store, *arguments)?;
            store.load_apis().await?;
            let key = keys::edit(&store.app, access, id, draft, None).await?;
            screen.object(&WHOLE, &shown(store, key)?)?;
        }
        KeyCommand::Revoke { key, reason } => {
            let text = key.unwrap_or_default();
            let id = find::by_text(store, access, &text).await?.key.id;
            let revoked = keys::revoke(&store.app, access, id, reason).await?;
            report_revoked(store, revoked, screen)?;
        }
    }
    Ok(Exit::Done)
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
    report_revoked(store, revoked, screen)?;
    Ok(Exit::Done)
}

async fn list(
    store: &Store,
    access: &KeyAccess,
    arguments: &ListArguments,
    screen: Screen,
) -> Result<(), Failure> {
    let found = find::all(store, access, !arguments.all, arguments.environment()?).await?;
    let rows: Result<Vec<Value>, Failure> =
        found.into_iter().map(|key| shown(store, key)).collect();
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
    let now = store.app.sources().now();
    if screen.is_json {
        return screen.data(&object(&ApiKey::of(issued.key, issued.plaintext, now))?.to_string());
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

fn report_revoked(store: &Store, key: KeyWithSecrets, screen: Screen) -> Result<(), Failure> {
    let name = key.key.settings.name.clone();
    let shape = shown(store, key)?;
    if screen.is_json {
        return screen.data(&shape.to_string());
    }
    let id = shape.get("id").and_then(Value::as_str).unwrap_or_default();
    screen.data(&format!(
        "revoked {id} ({name}): no node accepts it any more"
    ))
}

fn shown(store: &Store, key: KeyWithSecrets) -> Result<Value, Failure> {
    object(&ApiKey::of(key, None, store.app.sources().now()))
}
