//! The demo API's data: real rows, live and test apart.

use claviger_model::Environment;
use claviger_model::ids::RequestId;
use claviger_store::Tx;
use claviger_store::demo_records::{self, DemoRecord};
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

/// Adds a record; its `id`, `environment` and `created_at` are ours.
pub async fn create(
    app: &App,
    environment: Environment,
    collection: Collection,
    mut record: Map<String, Value>,
) -> Result<Value, Error> {
    let now = app.sources().now();
    let id = RequestId::new(now, &app.sources().id()?)
        .to_string()
        .replace("req_", "rec_");
    record.insert("id".to_owned(), json!(id));
    record.insert("environment".to_owned(), json!(environment));
    record.insert("created_at".to_owned(), json!(now));
    let body = Value::Object(record);
    let row = DemoRecord {
        environment,
        collection: collection.as_str().to_owned(),
        id,
        body: body.clone(),
        created_at: now,
    };
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let row = row.clone();
        Box::pin(async move { Ok::<_, Error>(demo_records::insert(tx, &row).await?) })
    })
    .await?;
    Ok(body)
}
