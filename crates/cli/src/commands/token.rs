//! `claviger token`: management tokens, with which automation manages keys.

use claviger_model::ids::AccountId;
use claviger_model::tokens::ManagementToken;
use claviger_service::management_tokens::{self, ManagementTokenDraft};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::store::{Store, StoreArguments, only};
use crate::when;

const COLUMNS: [Column; 7] = [
    ("id", "id", Shown::Plain),
    ("name", "name", Shown::Plain),
    ("hint", "hint", Shown::Plain),
    ("status", "status", Shown::Plain),
    ("scopes", "scopes", Shown::Plain),
    ("created_at", "created", Shown::Time),
    ("expires_at", "expires", Shown::Time),
];
const PAGE: u32 = 200;

/// Tokens with which automation manages keys
#[derive(clap::Args, Debug)]
pub(crate) struct TokenArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The account's id or exact name; the only one when left out
    #[arg(long, global = true)]
    account: Option<String>,
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(clap::Subcommand, Debug)]
enum TokenCommand {
    /// List management tokens
    List,
    /// Make a management token; it alone is printed on standard output
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// keys:read, keys:write, and the scopes of APIs that it may hand on
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
        /// When it ends: 30d, 2026-12-31T00:00:00Z, Unix milliseconds [default: in a day]
        #[arg(long, value_name = "WHEN")]
        expires_at: Option<String>,
    },
    /// Revoke a management token
    Revoke {
        /// Its id or exact name
        token: String,
    },
}

/// Runs the command.
pub(crate) async fn run(arguments: TokenArguments, screen: Screen) -> Result<Exit, Failure> {
    let TokenArguments {
        store,
        account,
        command,
    } = arguments;
    store
        .with(async |store| act(store, account.as_deref(), command, screen).await)
        .await
}

async fn act(
    store: &Store,
    account: Option<&str>,
    command: TokenCommand,
    screen: Screen,
) -> Result<Exit, Failure> {
    let now = store.app.sources().now();
    let access = store.caller.operator()?;
    match command {
        TokenCommand::List => {
            let account_id = store.account(account).await?.id;
            let found = all(store, account_id).await?;
            let rows: Vec<Value> = found.iter().map(|token| shown(store, token)).collect();
            screen.list(&COLUMNS, &rows, "no management token yet")?;
        }
        TokenCommand::Create {
            name,
            scopes,
            expires_at,
        } => {
            let account_id = store.account(account).await?.id;
            let expires_at = expires_at.map(|text| when::parse(&text, now)).transpose()?;
            store.load().await?;
            let draft = ManagementTokenDraft {
                account_id,
                name,
                scopes,
                expires_at,
            };
            let (token, secret) =
                management_tokens::create(&store.app, &access, &draft, None).await?;
            // Only a replay can be without, and a command never replays.
            let no_secret = || Failure::new(Exit::Failed, "the token cannot be shown");
            let secret = secret.ok_or_else(no_secret)?;
            let mut object = shown(store, &token);
            if screen.is_json {
                object["token"] = json!(secret.expose());
                screen.data(&object.to_string())?;
            } else {
                screen.data(secret.expose())?;
                screen.note(&format!(
                    "Made {} ({}). The token is not shown again.",
                    token.id, token.name
                ));
            }
        }
        TokenCommand::Revoke { token } => {
            let id = match token.parse() {
                Ok(id) => id,
                Err(_) => by_name(store, account, &token).await?.id,
            };
            let token = management_tokens::revoke(&store.app, &access, id).await?;
            screen.object(&COLUMNS, &shown(store, &token))?;
        }
    }
    Ok(Exit::Done)
}

async fn by_name(
    store: &Store,
    account: Option<&str>,
    name: &str,
) -> Result<ManagementToken, Failure> {
    let account_id = store.account(account).await?.id;
    let mut found = all(store, account_id).await?;
    found.retain(|token| token.name == name && token.revoked_at.is_none());
    let ids: Vec<String> = found.iter().map(|token| token.id.to_string()).collect();
    only(found, &ids, "token", name)
}

async fn all(store: &Store, account_id: AccountId) -> Result<Vec<ManagementToken>, Failure> {
    let access = store.caller.operator()?;
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = management_tokens::list(&store.app, &access, account_id, after, PAGE).await?;
        found.extend(page.tokens);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

fn shown(store: &Store, token: &ManagementToken) -> Value {
    let status = if token.revoked_at.is_some() {
        "revoked"
    } else if token.expires_at <= store.app.sources().now() {
        "expired"
    } else {
        "active"
    };
    json!({
        "id": token.id,
        "account_id": token.account_id,
        "name": token.name,
        "hint": token.stored.hint,
        "status": status,
        "scopes": token.scopes,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    })
}
