//! Reading usage.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use claviger_model::credentials::CredentialKind;
use claviger_model::ids::{AccountId, ApiId, SecretId};
use claviger_model::time::DAY_MILLIS;
use claviger_model::usage::{Kept, Outcome, Series, Step, Steps, steps_between};
use claviger_model::{Environment, Reason, UnixMillis};
use claviger_store::usage::{self, Of};
use serde::Serialize;

use crate::access::EvidenceAccess;
use crate::app::App;
use crate::error::Error;

/// By what usage is told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// The credential.
    Credential,
    /// The credential and its secret.
    Secret,
    /// The API.
    Api,
    /// The API and its route.
    Route,
    /// The scope that was asked for; a request that asked for several is counted with each.
    Scope,
    /// What became of the request.
    Outcome,
    /// Live or test.
    Environment,
    /// The time.
    Step(Step),
}

impl By {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Credential,
        Self::Secret,
        Self::Api,
        Self::Route,
        Self::Scope,
        Self::Outcome,
        Self::Environment,
        Self::Step(Step::Minute),
        Self::Step(Step::Hour),
        Self::Step(Step::Day),
    ];

    /// The word in a query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Secret => "secret",
            Self::Api => "api",
            Self::Route => "route",
            Self::Scope => "scope",
            Self::Outcome => "outcome",
            Self::Environment => "environment",
            Self::Step(Step::Minute) => "minute",
            Self::Step(Step::Hour) => "hour",
            Self::Step(Step::Day) => "day",
        }
    }

    /// The one that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Credential | Self::Secret | Self::Route | Self::Scope => Kind::Each,
            Self::Api | Self::Outcome | Self::Environment => Kind::Sums,
            Self::Step(_) => Kind::Steps,
        }
    }
}

/// How long before its end a time begins when nothing is said.
const USUAL_MILLIS: i64 = 30 * DAY_MILLIS;

/// Which usage is asked for; what is absent is not asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageQuery {
    /// From this time on, to the minute.
    pub from: UnixMillis,
    /// Before this time; the minute that it is in is asked for whole.
    pub to: UnixMillis,
    /// Of this credential: a key, a legacy key or a client.
    pub credential_id: Option<String>,
    /// In this environment.
    pub environment: Option<Environment>,
}

impl UsageQuery {
    /// Everything between two times; without an end until now, without a beginning from thirty days
    /// before the end.
    pub fn between(app: &App, from: Option<UnixMillis>, to: Option<UnixMillis>) -> Self {
        let to = to.unwrap_or_else(|| app.sources().now());
        Self {
            from: from.unwrap_or_else(|| to.plus_millis(-USUAL_MILLIS)),
            to,
            credential_id: None,
            environment: None,
        }
    }

    fn of(&self, access: &EvidenceAccess, each: bool) -> Of {
        Of {
            account_id: access.account_id(),
            credentials: self.credential_id.clone().map(|id| vec![id]),
            each,
            environment: self.environment,
        }
    }
}

/// How many requests each of some credentials had on each of the last days, the oldest first. The
/// caller has been allowed to look at them.
///
/// # Errors
/// The usage database does not answer.
pub async fn of_days(
    app: &App,
    account: AccountId,
    credential_ids: &[String],
    days: u16,
) -> Result<HashMap<String, Vec<i64>>, Error> {
    if credential_ids.is_empty() {
        return Ok(HashMap::new());
    }
    flush(app).await;
    let to = Step::Day.number(app.sources().now()) + 1;
    let from = to - i64::from(days);
    let of = Of {
        account_id: Some(account),
        credentials: Some(credential_ids.to_vec()),
        each: true,
        environment: None,
    };
    let mut reader = app.usage_db().read().await?;
    let mut found: HashMap<String, Vec<i64>> = HashMap::new();
    for one in usage::credential_days(&mut reader, &of, (from, to)).await? {
        let Some(id) = one.credential_id else {
            continue;
        };
        let counts = found
            .entry(id)
            .or_insert_with(|| vec![0; usize::from(days)]);
        let place = usize::try_from(one.number - from).ok();
        if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
            *count += one.count;
        }
    }
    Ok(found)
}

/// How many requests came in the last hour with each secret of a credential, or with its tokens.
/// The caller has been allowed to look at it.
///
/// # Errors
/// The usage database does not answer.
pub async fn of_secrets(
    app: &App,
    account: AccountId,
    credential_id: &str,
) -> Result<HashMap<SecretId, i64>, Error> {
    flush(app).await;
    let now = app.sources().now();
    let of = Of {
        account_id: Some(account),
        credentials: Some(vec![credential_id.to_owned()]),
        each: true,
        environment: None,
    };
    let steps = Steps {
        step: Step::Minute,
        from: Step::Minute.number(now.plus_millis(-Step::Hour.millis())) + 1,
        to: Step::Minute.number(now) + 1,
    };
    let mut reader = app.usage_db().read().await?;
    let mut found = HashMap::new();
    for (series, count) in usage::by_series(&mut reader, &of, steps).await? {
        let secret = series.credential.and_then(|used| used.secret_id);
        if let (Some(secret), Outcome::Decided(_)) = (secret, series.outcome) {
            *found.entry(secret).or_default() += count;
        }
    }
    Ok(found)
}

/// What is counted together. What it is not told apart by is left out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Serialize)]
pub struct Group {
    /// The credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_id: Option<String>,
    /// Its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CredentialKind>,
    /// Its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_id: Option<SecretId>,
    /// The API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_id: Option<ApiId>,
    /// The method and the pattern of the route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// Live or test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// When the step begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<UnixMillis>,
}

/// How often.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Counts {
    /// Requests that were allowed.
    pub allowed: i64,
    /// Requests that were refused.
    pub refused: i64,
    /// Access tokens that clients got.
    pub tokens: i64,
}

/// One group and how often.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct UsageRow {
    /// What is counted.
    #[serde(flatten)]
    pub group: Group,
    /// How often.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Usage {
    /// From when on.
    pub from: UnixMillis,
    /// Before when.
    pub to: UnixMillis,
    /// The groups: steps by time, the others with most requests first.
    #[serde(rename = "data")]
    pub rows: Vec<UsageRow>,
    /// All of it; a request is in it once.
    pub total: Counts,
}

/// Counts what was asked for. What this node has counted is in it whole, what others have is a
/// second late at most. An account sees its own credentials; requests without a known credential
/// are the operator's to see.
///
/// # Errors
/// The usage database does not answer.
pub async fn count(
    app: &App,
    access: &EvidenceAccess,
    query: &UsageQuery,
    by: By,
) -> Result<Usage, Error> {
    let [usage] = count_each(app, access, query, [by]).await?;
    Ok(usage)
}

/// The same, told apart in several ways.
///
/// # Errors
/// The usage database does not answer.
pub async fn count_each<const N: usize>(
    app: &App,
    access: &EvidenceAccess,
    query: &UsageQuery,
    bys: [By; N],
) -> Result<[Usage; N], Error> {
    let (counted, _) = read(app, access, query, bys).await?;
    Ok(counted)
}

/// The same, and how many series were read for it.
pub(super) async fn read<const N: usize>(
    app: &App,
    access: &EvidenceAccess,
    query: &UsageQuery,
    bys: [By; N],
) -> Result<([Usage; N], usize), Error> {
    flush(app).await;
    let mut reader = app.usage_db().read().await?;
    let mut found = bys.map(|_| Found::default());
    let mut count_read = 0;
    for kind in [Kind::Sums, Kind::Each] {
        let of = query.of(access, kind == Kind::Each);
        if !bys.iter().any(|by| by.kind() == kind) {
            continue;
        }
        for steps in steps_between(query.from, query.to, Step::Day, kept(app)) {
            let read = usage::by_series(&mut reader, &of, steps).await?;
            count_read += read.len();
            for (series, count) in read {
                for (by, found) in bys.iter().zip(&mut found) {
                    if by.kind() == kind {
                        found.add(groups(*by, &series), series.outcome, count);
                    }
                }
            }
        }
    }
    let of = query.of(access, false);
    for (by, found) in bys.iter().zip(&mut found) {
        let By::Step(step) = *by else { continue };
        for steps in steps_between(query.from, query.to, step, kept(app)) {
            for one in usage::by_step(&mut reader, &of, steps).await? {
                let at = steps.step.start(one.number);
                let group = Group {
                    at: Some(step.start(step.number(at))),
                    ..Group::default()
                };
                if let Some(outcome) = one.outcome {
                    found.add([group], outcome, one.count);
                }
            }
        }
    }
    let mut found = found.into_iter();
    let counted = bys.map(|by| found.next().unwrap_or_default().sorted(query, by));
    Ok((counted, count_read))
}

/// What has to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Sums over all credentials, which are few.
    Sums,
    /// Each credential by itself.
    Each,
    /// Steps.
    Steps,
}

/// Since when counts by the minute and the hour are kept. A day is left at the end, in which they
/// may be gone already.
pub(super) fn kept(app: &App) -> Kept {
    let now = app.sources().now();
    let settings = &app.settings().usage;
    let since = |days: u32| now.plus_millis(-i64::from(days) * DAY_MILLIS);
    Kept {
        minutes: since(settings.minutes_days),
        hours: since(settings.hours_days),
    }
}

/// Writes out what this node has counted. When it cannot, what is read lacks it.
pub(crate) async fn flush(app: &App) {
    if let Err(error) = app.usage().flush().await {
        tracing::warn!(%error, "the latest counts of requests cannot be kept at the moment");
    }
}

#[derive(Default)]
struct Found {
    groups: BTreeMap<Group, Counts>,
    total: Counts,
}

impl Found {
    fn add(&mut self, groups: impl IntoIterator<Item = Group>, outcome: Outcome, count: i64) {
        self.total.count(outcome, count);
        for group in groups {
            self.groups.entry(group).or_default().count(outcome, count);
        }
    }

    fn sorted(self, query: &UsageQuery, by: By) -> Usage {
        let row = |(group, counts)| UsageRow { group, counts };
        let mut rows: Vec<_> = self.groups.into_iter().map(row).collect();
        if !matches!(by, By::Step(_)) {
            rows.sort_by_key(|row| Reverse(row.counts.requests()));
        }
        Usage {
            from: query.from,
            to: query.to,
            rows,
            total: self.total,
        }
    }
}

impl Counts {
    /// Requests, whatever became of them.
    pub const fn requests(&self) -> i64 {
        self.allowed.saturating_add(self.refused)
    }

    /// Takes others in, which none of these is among.
    pub const fn add(&mut self, others: Self) {
        self.allowed = self.allowed.saturating_add(others.allowed);
        self.refused = self.refused.saturating_add(others.refused);
        self.tokens = self.tokens.saturating_add(others.tokens);
    }

    fn count(&mut self, outcome: Outcome, count: i64) {
        let place = match outcome {
            Outcome::Decided(Reason::Allowed) => &mut self.allowed,
            Outcome::Decided(_) => &mut self.refused,
            Outcome::TokenIssued => &mut self.tokens,
        };
        *place = place.saturating_add(count);
    }
}

/// The groups that a series is in.
fn groups(by: By, series: &Series) -> Vec<Group> {
    let credential = series.credential.as_ref();
    let one = match by {
        By::Credential | By::Secret => {
            let Some(used) = credential else {
                return Vec::new();
            };
            Group {
                credential_id: Some(used.id.clone()),
                kind: Some(used.kind),
                secret_id: used.secret_id.filter(|_| by == By::Secret),
                ..Group::default()
            }
        }
        By::Api if series.api_id.is_none() => return Vec::new(),
        By::Route if series.route.is_none() => return Vec::new(),
        By::Api => Group {
            api_id: series.api_id,
            ..Group::default()
        },
        By::Route => Group {
            api_id: series.api_id,
            route: series.route.clone(),
            ..Group::default()
        },
        By::Scope => {
            let names = series.scopes.split(' ').filter(|name| !name.is_empty());
            return names
                .map(|name| Group {
                    scope: Some(name.to_owned()),
                    ..Group::default()
                })
                .collect();
        }
        By::Outcome => Group {
            outcome: Some(series.outcome.as_str()),
            ..Group::default()
        },
        By::Environment => Group {
            environment: Some(series.environment),
            ..Group::default()
        },
        By::Step(_) => Group::default(),
    };
    vec![one]
}
