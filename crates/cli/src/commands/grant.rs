//! `claviger grant`: what users allowed apps to do.

use claviger_model::ids::{ClientId, GrantId, UserId};
use claviger_service::grants::{self, GrantFilter, NamedGrant};
use claviger_web::api::grants::GrantShape;
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::store::{Store, StoreArguments, object};

const COLUMNS: [Column; 7] = [
    ("id", "grant", Shown::Plain),
    ("client_name", "app", Shown::Plain),
    ("client_id", "client", Shown::Plain),
    ("account_name", "account", Shown::Plain),
    ("user_email", "user", Shown::Plain),
    ("scope_names", "scopes", Shown::Plain),
    ("consented_at", "agreed", Shown::Time),
];
const PAGE: u32 = 200;

/// What users allowed apps to do
#[derive(clap::Args, Debug)]
pub(crate) struct GrantArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(subcommand)]
    command: GrantCommand,
}

#[derive(clap::Subcommand, Debug)]
enum GrantCommand {
    /// List grants: all, or those in an account, of a user or of an app
    List {
        /// The account's id or exact name
        #[arg(long)]
        account: Option<String>,
        /// The user's e-mail address or id
        #[arg(long)]
        user: Option<String>,
        /// The app's id or exact name
        #[arg(long)]
        client: Option<String>,
    },
    /// Disconnect an app: its tokens stop working at once
    End {
        /// The grant's id
        grant: GrantId,
    },
}

/// A user or an app, as it is named.
enum Named<T> {
    /// By its id.
    Id(T),
    /// By another text that it is known by.
    Text(String),
}

/// Runs the command.
pub(crate) async fn run(arguments: GrantArguments, screen: Screen) -> Result<Exit, Failure> {
    let GrantArguments { store, command } = arguments;
    store
        .with(async |store| act(store, command, screen).await)
        .await
}

async fn act(store: &Store, command: GrantCommand, screen: Screen) -> Result<Exit, Failure> {
    match command {
        GrantCommand::List {
            account,
            user,
            client,
        } => {
            let user = user.map(|text| Named::<UserId>::of(text.trim().to_lowercase()));
            let client = client.map(Named::<ClientId>::of);
            store.load_apis().await?;
            let filter = GrantFilter {
                account_id: match account {
                    Some(text) => Some(store.account(Some(&text)).await?.id),
                    None => None,
                },
                user_id: user.as_ref().and_then(Named::id),
                client_id: client.as_ref().and_then(Named::id),
                after: None,
                limit: PAGE,
            };
            let mut found = all(store, filter).await?;
            found.retain(|grant| {
                user.as_ref().is_none_or(|user| user.is(&grant.user_email))
                    && client.as_ref().is_none_or(|app| app.is(&grant.client_name))
            });
            let rows: Result<Vec<Value>, Failure> = found
                .into_iter()
                .map(|grant| shown(grant, screen))
                .collect();
            screen.list(&COLUMNS, &rows?, "no app acts for anybody")?;
        }
        GrantCommand::End { grant } => {
            grants::end(&store.app, &store.caller.grant_ending()?, grant).await?;
            screen.done("disconnected; none of its tokens works any more")?;
        }
    }
    Ok(Exit::Done)
}

async fn all(store: &Store, mut filter: GrantFilter) -> Result<Vec<NamedGrant>, Failure> {
    let access = store.caller.all_grants()?;
    let mut found = Vec::new();
    loop {
        let page = grants::list(&store.app, &access, filter).await?;
        found.extend(page.grants);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok(found),
        }
    }
}

/// The object of the REST API; people see only the names of its scopes.
fn shown(grant: NamedGrant, screen: Screen) -> Result<Value, Failure> {
    let names = grant.grant.scopes.iter().map(ToString::to_string);
    let names: Vec<String> = names.collect();
    let mut shape = object(&GrantShape::new(grant, true))?;
    if !screen.is_json {
        shape["scope_names"] = Value::from(names);
    }
    Ok(shape)
}

impl<T: std::str::FromStr + Copy> Named<T> {
    fn of(text: String) -> Self {
        text.parse().map_or(Self::Text(text), Self::Id)
    }

    fn id(&self) -> Option<T> {
        match self {
            Self::Id(id) => Some(*id),
            Self::Text(_) => None,
        }
    }

    /// Whether it is the one that is known by `text`; what is named by its id was sought by it.
    fn is(&self, text: &str) -> bool {
        match self {
            Self::Id(_) => true,
            Self::Text(own) => own == text,
        }
    }
}
