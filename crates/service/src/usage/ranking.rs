//! Those with most requests, of which there may be very many to read.

use std::sync::Arc;

use claviger_model::ids::AccountId;
use claviger_model::{Environment, UnixMillis};
use quick_cache::sync::Cache;

use super::query::{By, Usage, UsageQuery, UsageRow, read};
use crate::access::EvidenceAccess;
use crate::app::App;
use crate::error::Error;

/// How many of those with most there are.
const MOST: usize = 10;
/// The most series that are read for every page that ranks them.
const READ_EACH_TIME_MAX: usize = 1_000;
/// How old a ranking of more series than those may be, in milliseconds.
const AGE_MAX_MILLIS: i64 = 60_000;
/// Rankings that are remembered.
const REMEMBERED_MAX: usize = 1_000;

/// The ten credentials, scopes and routes with most requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ranking {
    /// By credential.
    pub credentials: Most,
    /// By scope.
    pub scopes: Most,
    /// By route.
    pub routes: Most,
    /// When it was counted, if that was not now.
    pub counted_at: Option<UnixMillis>,
}

/// The ten with most requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Most {
    /// These, the first with most.
    pub rows: Vec<UsageRow>,
    /// How many there are beyond those.
    pub more: usize,
}

/// The rankings of large accounts when they were last counted.
pub(crate) struct Rankings(Cache<Ranked, Arc<Remembered>>);

/// Of what there is a ranking. A time begins where one of its steps does, so that for a while the
/// same is asked for.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Ranked {
    account_id: Option<AccountId>,
    credential_id: Option<String>,
    environment: Option<Environment>,
    from: UnixMillis,
}

struct Remembered {
    ranking: Ranking,
    at: UnixMillis,
}

impl Rankings {
    pub(crate) fn new() -> Self {
        Self(Cache::new(REMEMBERED_MAX))
    }
}

/// Who and what had most requests until now, whenever the query ends. Where more than a thousand
/// series have to be read for it, it is what it was within the last minute, and says of when.
///
/// # Errors
/// The usage database does not answer.
pub async fn rank(
    app: &App,
    access: &EvidenceAccess,
    query: &UsageQuery,
) -> Result<Ranking, Error> {
    let now = app.sources().now();
    let ranked = Ranked {
        account_id: access.account_id(),
        credential_id: query.credential_id.clone(),
        environment: query.environment,
        from: query.from,
    };
    let rankings = &app.rankings().0;
    let is_young = |at: UnixMillis| at <= now && now.0 - at.0 < AGE_MAX_MILLIS;
    if let Some(known) = rankings.get(&ranked).filter(|known| is_young(known.at)) {
        return Ok(Ranking {
            counted_at: Some(known.at),
            ..known.ranking.clone()
        });
    }
    let bys = [By::Credential, By::Scope, By::Route];
    let query = UsageQuery {
        to: now,
        ..query.clone()
    };
    let (counted, series) = read(app, access, &query, bys).await?;
    let [credentials, scopes, routes] = counted.map(Most::from);
    let ranking = Ranking {
        credentials,
        scopes,
        routes,
        counted_at: None,
    };
    if series > READ_EACH_TIME_MAX {
        let ranking = ranking.clone();
        rankings.insert(ranked, Arc::new(Remembered { ranking, at: now }));
    }
    Ok(ranking)
}

impl From<Usage> for Most {
    fn from(usage: Usage) -> Self {
        let asked = usage.rows.into_iter();
        let mut rows: Vec<UsageRow> = asked.filter(|row| row.counts.requests() > 0).collect();
        let more = rows.len().saturating_sub(MOST);
        rows.truncate(MOST);
        rows.shrink_to_fit();
        Self { rows, more }
    }
}
