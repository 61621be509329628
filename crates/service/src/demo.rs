//! The demo API's data: real rows, live and test apart.

mod records;

use claviger_model::Environment;
use claviger_model::ids::{AccountId, RequestId};
use claviger_store::demo_records::{self, DemoRecord};
use claviger_store::{Conn, Tx};
use serde_json::{Map, Value, json};

use crate::app::{App, Effect};
use crate::error::Error;

/// How many records a list answers with.
const LIST_MAX: u32 = 100;

/// What the demo API holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Collection {
    /// People who may buy.
    Leads,
    /// What they may buy.
    Properties,
    /// Who works there.
    People,
    /// Who may work there.
    Interviews,
}

impl Collection {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Leads,
        Self::Properties,
        Self::People,
        Self::Interviews,
    ];

    /// The last segment of its path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Leads => "leads",
            Self::Properties => "properties",
            Self::People => "people",
            Self::Interviews => "interviews",
        }
    }

    /// The collection that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|collection| collection.as_str() == word)
    }
}

/// The first records of a collection.
pub async fn list(
    app: &App,
    environment: Environment,
    collection: Collection,
) -> Result<Vec<Value>, Error> {
    let mut reader = app.read().await?;
    let rows = demo_records::list(&mut reader, environment, collection.as_str(), LIST_MAX).await?;
    Ok(rows.into_iter().map(|row| row.body).collect())
}

/// Adds a record of an account; its `id`, `environment` and `created_at` are ours. Every account
/// sees it.
pub async fn create(
    app: &App,
    environment: Environment,
    collection: Collection,
    account_id: Option<AccountId>,
    record: Map<String, Value>,
) -> Result<Value, Error> {
    let row = DemoRecord {
        account_id,
        ..row(app, environment, collection, record)?
    };
    let body = row.body.clone();
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let row = row.clone();
        Box::pin(async move { Ok::<_, Error>(demo_records::insert(tx, &row).await?) })
    })
    .await?;
    Ok(body)
}

/// Writes the first records of both environments.
///
/// # Errors
/// The store's.
pub async fn seed(app: &App) -> Result<(), Error> {
    let app_inside = app.clone();
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let app = app_inside.clone();
        Box::pin(async move {
            for environment in Environment::ALL {
                insert_first(tx, &app, environment).await?;
            }
            Ok::<_, Error>(())
        })
    })
    .await
}

/// Puts the sandbox's records back to the first ones, where there is a demo API; whether there is.
pub(crate) async fn put_back(tx: &mut Tx, app: &App) -> Result<bool, Error> {
    if !is_on(tx).await? {
        return Ok(false);
    }
    demo_records::clear(tx, Environment::Test).await?;
    insert_first(tx, app, Environment::Test).await?;
    Ok(true)
}

/// Clears what an account added to the sandbox.
pub(crate) async fn clear_of(tx: &mut Tx, account_id: AccountId) -> Result<(), Error> {
    demo_records::clear_of(tx, Environment::Test, account_id).await?;
    Ok(())
}

/// Whether the instance has a demo API: then it has live records, which nothing takes away.
pub(crate) async fn is_on(conn: &mut Conn) -> Result<bool, Error> {
    let leads = Collection::Leads.as_str();
    Ok(demo_records::count(conn, Environment::Live, leads).await? > 0)
}

async fn insert_first(tx: &mut Tx, app: &App, environment: Environment) -> Result<(), Error> {
    for (collection, record) in records::records(environment) {
        demo_records::insert(tx, &row(app, environment, collection, record)?).await?;
    }
    Ok(())
}

fn row(
    app: &App,
    environment: Environment,
    collection: Collection,
    mut record: Map<String, Value>,
) -> Result<DemoRecord, Error> {
    let now = app.sources().now();
    let id = RequestId::new(now, &app.sources().id()?)
        .to_string()
        .replace("req_", "rec_");
    record.insert("id".to_owned(), json!(id));
    record.insert("environment".to_owned(), json!(environment));
    record.insert("created_at".to_owned(), json!(now));
    Ok(DemoRecord {
        environment,
        collection: collection.as_str().to_owned(),
        id,
        account_id: None,
        body: Value::Object(record),
        created_at: now,
    })
}
