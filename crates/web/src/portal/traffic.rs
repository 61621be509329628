//! What a credential is used for: its requests over thirty days, and its scopes against what it
//! did with them.

use claviger_model::UnixMillis;
use claviger_model::time::DAY_MILLIS;
use claviger_service::access::KeyAccess;
use claviger_service::usage::{self, ScopeUse};

use super::Portal;
use super::chart::{Chart, Step, told};
use super::links::with_query;
use crate::error::Failure;
use crate::pages::dates;

/// How many days the chart shows.
pub(super) const DAYS: u16 = 30;

/// What a credential is used for.
pub(super) struct Traffic {
    /// Its requests by the day; none when there were none.
    pub chart: Option<Chart>,
    /// Where more of it is.
    pub usage: String,
    /// Its scopes, once it was used.
    pub scopes: Option<Scopes>,
}

/// Scopes and how often they were asked for.
pub(super) struct Scopes {
    /// Since when was looked.
    pub since: String,
    /// Each scope with its requests; none when there were none.
    pub rows: Vec<(String, Option<String>)>,
    /// Where the form is filled in with what would have been enough; none where nothing is too
    /// much, or nothing can be changed.
    pub narrower: Option<String>,
}

impl Traffic {
    /// What the credential `id` is used for. `form` is where its scopes can be changed.
    pub(super) async fn of(
        portal: &Portal,
        access: &KeyAccess,
        id: &str,
        scopes: ScopeUse,
        form: Option<String>,
    ) -> Result<Self, Failure> {
        let app = portal.web.app();
        let now = app.sources().now();
        let ids = [id.to_owned()];
        let days = usage::of_days(app, access.account_id(), &ids, DAYS).await?;
        let counts = days.get(id).cloned().unwrap_or_default();
        let first = now.0.div_euclid(DAY_MILLIS) + 1 - i64::from(DAYS);
        let starts = (first..).map(|day| UnixMillis(day * DAY_MILLIS));
        let steps = starts.zip(counts).map(|(start, count)| Step {
            label: dates::day(start),
            count,
        });
        let span = ("span", Some("30d".to_owned()));
        let credential = ("credential", Some(id.to_owned()));
        Ok(Self {
            chart: Chart::of("Requests", "Day (UTC)", &steps.collect::<Vec<_>>()),
            usage: portal.href(with_query("/usage", &[span, credential])),
            scopes: (scopes.allowed > 0).then(|| Scopes::of(portal, scopes, form)),
        })
    }
}

impl Scopes {
    fn of(portal: &Portal, scopes: ScopeUse, form: Option<String>) -> Self {
        let used = scopes.exercised.iter();
        let used = used.map(|one| (one.scope.to_string(), Some(told(one.requests))));
        let unused = scopes.unused.iter().map(|name| (name.to_string(), None));
        let narrower = form.zip(scopes.narrower).map(|(form, names)| {
            let chosen = names.iter().map(|name| ("scopes", Some(name.to_string())));
            let narrowed = ("narrowed", Some("1".to_owned()));
            let parts: Vec<_> = chosen.chain([narrowed]).collect();
            portal.href(with_query(&form, &parts))
        });
        Self {
            since: dates::day(scopes.since),
            rows: used.chain(unused).collect(),
            narrower,
        }
    }
}
