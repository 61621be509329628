//! `/`: the first three steps of somebody new, and later what needs a look.

use askama::Template;
use claviger_model::credentials::CredentialKind;
use claviger_model::time::DAY_MILLIS;
use claviger_model::{Environment, Reason};
use claviger_service::apis;
use claviger_service::clients::{self, UsedUp};
use claviger_service::keys::{self, KeyCounts};
use claviger_service::usage::{self, By, UsageQuery};

use super::decisions::list::DecisionRow;
use super::{Answer, Band, Portal, Section, Shell, decisions, samples};
use crate::error::Failure;
use crate::pages::see_other;

/// How many decisions are shown.
const RECENT: u32 = 6;
/// How many reasons of refusals are shown.
const REASONS: usize = 5;

/// The page.
#[derive(Template)]
#[template(path = "portal/overview.html")]
struct OverviewPage {
    frame: Shell,
    account: String,
    /// The steps of somebody new.
    steps: Option<Steps>,
    /// What needs a look, for whoever manages credentials.
    board: Vec<Tile>,
    /// Why requests were refused in the last day, how often, and where they are.
    refusals: Option<Vec<(String, i64)>>,
    refused: String,
    /// Clients that got all their tokens of the day: where each is, its name, and how many.
    used_up: Vec<(String, String, String)>,
    recent: Vec<DecisionRow>,
    decisions: String,
    may_look: bool,
    may_manage: bool,
}

/// The way from nothing to a first request.
struct Steps {
    has_key: bool,
    create: (String, String),
    curl: String,
    has_arrived: bool,
}

/// A number that leads to what it counts.
struct Tile {
    label: &'static str,
    count: i64,
    href: String,
    /// Whether it asks for something.
    is_urgent: bool,
}

/// Shows the page; an operator who is in no account finds the operators' one.
pub async fn show(portal: Portal) -> Answer {
    let user = portal.session.user();
    if user.place.is_none() && user.is_operator {
        return Ok(see_other(&portal.href("/operator")));
    }
    portal.place()?;
    let may_look = portal.caller().evidence().is_ok();
    let recent = decisions::newest(&portal, None, RECENT).await?;
    let counts = counts(&portal).await?;
    let unused = match &counts {
        Some(_) => unused(&portal).await?,
        None => None,
    };
    let frame = portal
        .shell(Section::Overview, Band::At("/".into()))
        .await?;
    let page = OverviewPage {
        account: frame.account.clone(),
        steps: steps(&portal, counts.as_ref(), !recent.is_empty()).await?,
        board: counts
            .map(|counts| board(&portal, &counts, unused))
            .unwrap_or_default(),
        refusals: refusals(&portal).await?,
        refused: portal.href("/decisions?outcome=refused"),
        used_up: used_up(&portal).await?,
        recent,
        decisions: portal.href(decisions::PATH),
        may_look,
        may_manage: portal.caller().key_reading().is_ok(),
        frame,
    };
    Ok(Portal::page(page))
}

/// How many keys there are, for whoever manages them, where keys are offered.
async fn counts(portal: &Portal) -> Result<Option<KeyCounts>, Failure> {
    let app = portal.web.app();
    let is_offered = apis::offered_kinds(app).contains(&CredentialKind::ApiKey);
    match portal.caller().key_reading() {
        Ok(access) if is_offered => Ok(Some(keys::counts(app, &access, portal.environment).await?)),
        _ => Ok(None),
    }
}

/// How many keys were not used of late.
async fn unused(portal: &Portal) -> Result<Option<i64>, Failure> {
    let access = portal.caller().key_reading()?;
    Ok(keys::count_unused(portal.web.app(), &access, portal.environment).await?)
}

async fn steps(
    portal: &Portal,
    counts: Option<&KeyCounts>,
    has_arrived: bool,
) -> Result<Option<Steps>, Failure> {
    let app = portal.web.app();
    let (Some(_), Ok(access), false) = (counts, portal.caller().key_writing(), has_arrived) else {
        return Ok(None);
    };
    let test = keys::counts(app, &access, Environment::Test).await?;
    let labels = &app.settings().portal.labels;
    let reading = claviger_service::scopes::list(app);
    let reading: Vec<_> = reading.into_iter().map(|scope| scope.name).collect();
    Ok(Some(Steps {
        has_key: test.active > 0,
        create: (
            super::href(&portal.web, "/keys/new", Environment::Test),
            labels.create_test_key.clone(),
        ),
        curl: samples::curl_in(portal, Environment::Test, "YOUR_TEST_KEY", &reading),
        has_arrived,
    }))
}

fn board(portal: &Portal, counts: &KeyCounts, unused: Option<i64>) -> Vec<Tile> {
    let tile = |label, count, status: &str, is_urgent| Tile {
        label,
        count,
        href: portal.href(format!("/keys?status={status}")),
        is_urgent: is_urgent && count > 0,
    };
    let mut tiles = vec![
        tile("Active keys", counts.active, "active", false),
        tile("Expire within 30 days", counts.expiring, "expiring", true),
    ];
    tiles.extend(unused.map(|count| tile("Unused for 90 days, or ever", count, "unused", false)));
    tiles.push(tile("Expired", counts.expired, "expired", true));
    tiles.push(tile("Inactive", counts.inactive, "inactive", false));
    tiles
}

/// The clients that got all their tokens of the day, for whoever manages them.
async fn used_up(portal: &Portal) -> Result<Vec<(String, String, String)>, Failure> {
    let Ok(access) = portal.caller().client_reading() else {
        return Ok(Vec::new());
    };
    let found = clients::over_quota(portal.web.app(), &access, portal.environment).await?;
    let told = |one: UsedUp| {
        let noun = if one.kind == "app" { "apps" } else { "clients" };
        let href = portal.href(format!("/{noun}/{}", one.client_id));
        (
            href,
            one.client_name,
            format!("{} of {}", one.used, one.limit),
        )
    };
    Ok(found.into_iter().map(told).collect())
}

/// Why requests were refused in the last day.
async fn refusals(portal: &Portal) -> Result<Option<Vec<(String, i64)>>, Failure> {
    let Ok(access) = portal.caller().evidence() else {
        return Ok(None);
    };
    let app = portal.web.app();
    let now = app.sources().now();
    let query = UsageQuery {
        environment: Some(portal.environment),
        ..UsageQuery::between(app, Some(now.plus_millis(-DAY_MILLIS)), None)
    };
    let counted = usage::count(app, &access, &query, By::Outcome).await?;
    let refused = counted
        .rows
        .into_iter()
        .filter(|row| row.counts.refused > 0);
    let told = refused.map(|row| {
        let word = row.group.outcome.unwrap_or_default();
        let sentence = Reason::parse(word).map_or(word, |known| known.refusal().message);
        (sentence.to_owned(), row.counts.refused)
    });
    Ok(Some(told.take(REASONS).collect()))
}
