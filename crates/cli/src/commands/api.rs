//! `claviger api`: the resource servers that the operator offers.

use std::path::{Path, PathBuf};

use claviger_model::apis::{Api as Stored, ApiDraft};
use claviger_service::access::OperatorAccess;
use claviger_service::apis;
use claviger_web::api::apis::{Api, ApiBody, Imported};
use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::screen::{Column, Screen, Shown};
use crate::store::{Store, StoreArguments, object, only};

const LIST: [Column; 5] = [
    ("id", "id", Shown::Plain),
    ("name", "name", Shown::Plain),
    ("audience", "audience", Shown::Plain),
    ("accepts", "accepts", Shown::Plain),
    ("default", "default", Shown::Plain),
];
const WHOLE: [Column; 9] = [
    ("id", "id", Shown::Plain),
    ("name", "name", Shown::Plain),
    ("audience", "audience", Shown::Plain),
    ("accepts", "accepts", Shown::Plain),
    ("live_url", "live url", Shown::Plain),
    ("sandbox_url", "sandbox url", Shown::Plain),
    ("unmatched", "unmatched", Shown::Plain),
    ("default", "default", Shown::Plain),
    ("created_at", "created", Shown::Time),
];
const ROUTES: [Column; 3] = [
    ("method", "method", Shown::Plain),
    ("path", "path", Shown::Plain),
    ("scopes", "scopes", Shown::Plain),
];

/// The APIs that requests are for
#[derive(clap::Args, Debug)]
pub(crate) struct ApiArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(subcommand)]
    command: ApiCommand,
}

#[derive(clap::Subcommand, Debug)]
enum ApiCommand {
    /// List APIs
    List,
    /// Show an API with its routes
    Show {
        /// Its id, audience or exact name
        api: String,
    },
    /// Make an API
    Create {
        #[command(flatten)]
        spec: SpecArguments,
    },
    /// Change an API; scopes, routes and accepts are replaced whole
    Edit {
        /// Its id, audience or exact name
        api: String,
        #[command(flatten)]
        spec: SpecArguments,
    },
    /// Delete an API; the default one goes last
    Delete {
        /// Its id, audience or exact name
        api: String,
    },
    /// Take the routes of an OpenAPI 3 document in JSON
    Import {
        /// Its id, audience or exact name
        api: String,
        /// The document
        file: PathBuf,
    },
}

#[derive(clap::Args, Debug)]
struct SpecArguments {
    /// A JSON file with the members of POST /v1/apis; flags go before it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// What names it in a verification
    #[arg(long)]
    audience: Option<String>,
    /// A kind of credential that it takes: `api_key`, `legacy_key`, `access_token`, `session`
    #[arg(long = "accept", value_name = "KIND")]
    accepts: Vec<String>,
    /// The base URL of live data
    #[arg(long, value_name = "URL")]
    live_url: Option<String>,
    /// The base URL of test data
    #[arg(long, value_name = "URL")]
    sandbox_url: Option<String>,
    /// What happens to a request that matches no route: refuse or allow
    #[arg(long)]
    unmatched: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(arguments: ApiArguments, screen: Screen) -> Result<Exit, Failure> {
    let ApiArguments { store, command } = arguments;
    store
        .with(async |store| act(store, command, screen).await)
        .await
}

async fn act(store: &Store, command: ApiCommand, screen: Screen) -> Result<Exit, Failure> {
    let (app, access) = (&store.app, store.caller.operator()?);
    let api = match command {
        ApiCommand::List => {
            let found = apis::list(app, &access).await?;
            let rows: Result<Vec<Value>, Failure> = found
                .into_iter()
                .map(|api| object(&Api::from(api)))
                .collect();
            screen.list(&LIST, &rows?, "no API yet; `claviger api create` makes one")?;
            return Ok(Exit::Done);
        }
        ApiCommand::Show { api } => find(store, &access, &api).await?,
        ApiCommand::Create { spec } => apis::create(app, &access, spec.draft()?, None).await?,
        ApiCommand::Edit { api, spec } => {
            let id = find(store, &access, &api).await?.id;
            apis::edit(app, &access, id, spec.draft()?, None).await?
        }
        ApiCommand::Delete { api } => {
            let found = find(store, &access, &api).await?;
            apis::delete(app, &access, found.id).await?;
            screen.note("deleted");
            found
        }
        ApiCommand::Import { api, file } => {
            return import(store, &access, (&api, &file), screen).await;
        }
    };
    show(api, screen)
}

async fn import(
    store: &Store,
    access: &OperatorAccess,
    (api, file): (&str, &Path),
    screen: Screen,
) -> Result<Exit, Failure> {
    let document: Value = read(file)?;
    let id = find(store, access, api).await?.id;
    let imported = apis::import(&store.app, access, id, &document, None).await?;
    if screen.is_json {
        screen.data(&object(&Imported::from(imported))?.to_string())?;
        return Ok(Exit::Done);
    }
    let summary = &imported.summary;
    summary
        .notes
        .iter()
        .for_each(|note| screen.note(&format!("note: {note}")));
    screen.note(&format!(
        "{} routes, {} of them without a scope, {} new scopes",
        summary.routes,
        summary.routes_without_scopes,
        summary.added_scopes.len()
    ));
    show(imported.api, screen)
}

fn show(api: Stored, screen: Screen) -> Result<Exit, Failure> {
    let shape = object(&Api::from(api))?;
    screen.object(&WHOLE, &shape)?;
    if !screen.is_json {
        screen.data("")?;
        let routes = shape.get("routes").and_then(Value::as_array);
        screen.list(&ROUTES, routes.map_or(&[], Vec::as_slice), "no route")?;
    }
    Ok(Exit::Done)
}

async fn find(store: &Store, access: &OperatorAccess, text: &str) -> Result<Stored, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(apis::show(&store.app, access, id).await?);
    }
    let mut found = apis::list(&store.app, access).await?;
    found.retain(|api| api.spec.audience == text || api.spec.name == text);
    let ids: Vec<String> = found.iter().map(|api| api.id.to_string()).collect();
    only(found, &ids, "api", text)
}

impl SpecArguments {
    fn draft(self) -> Result<ApiDraft, Failure> {
        let draft = match &self.file {
            Some(file) => ApiDraft::from(read::<ApiBody>(file)?),
            None => ApiDraft::default(),
        };
        Ok(ApiDraft {
            name: self.name.or(draft.name),
            audience: self.audience.or(draft.audience),
            accepts: Some(self.accepts)
                .filter(|kinds| !kinds.is_empty())
                .or(draft.accepts),
            live_url: self.live_url.map(Some).or(draft.live_url),
            sandbox_url: self.sandbox_url.map(Some).or(draft.sandbox_url),
            unmatched: self.unmatched.or(draft.unmatched),
            ..draft
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("{} cannot be read: {error}", file.display()),
        )
    })?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(Exit::Usage, format!("{}: {error}", file.display()))
            .hint("the file is JSON, as POST /v1/apis takes it, or an OpenAPI document for import")
    })
}
