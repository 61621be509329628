//! `/keys`: the account's API keys.

use std::collections::HashMap;

use askama::Template;
use claviger_model::UnixMillis;
use claviger_model::keys::KeyState;
use claviger_service::access::KeyAccess;
use claviger_service::keys::{self, KeyCounts, KeyWithSecrets, ListFilter, Listed};
use claviger_service::uses::{self, SecretUses};
use claviger_service::{usage, users};

use super::PATH;
use crate::api::keys::shapes::Cursor;
use crate::error::Failure;
use crate::portal::chart::Sparkline;
use crate::portal::parts::{Pager, Status, When};
use crate::portal::scopes::FewScopes;
use crate::portal::traffic::DAYS;
use crate::portal::{Answer, Band, Portal, ROWS, Section, Shell};

/// The list.
#[derive(Template)]
#[template(path = "portal/keys.html")]
struct KeysPage {
    frame: Shell,
    title: String,
    filters: Vec<Filter>,
    total: i64,
    rows: Vec<KeyRow>,
    pager: Pager,
    create: (String, String),
    /// The second button, for test data, where the list is of live keys.
    create_test: Option<(String, String)>,
}

/// A status of which keys can be looked at alone.
struct Filter {
    href: String,
    label: String,
    /// None where there are too many to count them.
    count: Option<i64>,
    is_current: bool,
}

/// A key as a row shows it.
pub(in crate::portal) struct KeyRow {
    pub href: String,
    pub name: String,
    pub hint: String,
    pub owner: String,
    pub status: Status,
    pub scopes: FewScopes,
    /// When, and from which address.
    pub last_used: Option<(When, Option<String>)>,
    /// When, why, and where more about it is, with the issuer's path.
    pub last_refused: Option<(When, &'static str, String)>,
    /// Its requests by the day.
    pub spark: Option<Sparkline>,
    pub expires: Option<When>,
    /// Where it is revoked, with the issuer's path, and what that is called; none when it was.
    pub revoke: Option<(String, String)>,
}

/// What is known of the keys of a list beside themselves.
struct Known {
    makers: HashMap<String, String>,
    uses: HashMap<String, SecretUses>,
    days: HashMap<String, Vec<i64>>,
}

/// Shows the list.
pub async fn show(portal: Portal) -> Answer {
    let access = portal
        .allowed(claviger_service::Caller::key_reading)
        .await?;
    let app = portal.web.app();
    let listed = portal.query.get("status").and_then(Listed::parse);
    let listed = listed.unwrap_or(Listed::All);
    let after: Option<Cursor> = portal.query.get("after").and_then(|text| text.parse().ok());
    let is_first = after.is_none();
    let filter = ListFilter {
        environment: Some(portal.environment),
        listed,
        after: after.map(|Cursor(at, id)| (at, id)),
        limit: ROWS,
    };
    let page = keys::list(app, &access, filter).await?;
    let counts = keys::counts(app, &access, portal.environment).await?;
    let unused = keys::count_unused(app, &access, portal.environment).await?;
    let here = |after: Option<Cursor>| {
        let mut path = format!("{PATH}?status={}", listed.as_str());
        if let Some(after) = after {
            path = format!("{path}&after={after}");
        }
        portal.href(path)
    };
    let labels = super::labels(&portal);
    let (is_test, create_test) = (
        portal.environment == claviger_model::Environment::Test,
        portal.href("/keys/new?environment=test"),
    );
    let create = if is_test {
        (portal.href("/keys/new"), labels.create_test_key.clone())
    } else {
        (portal.href("/keys/new"), labels.create_api_key.clone())
    };
    let page = KeysPage {
        title: labels.api_keys.clone(),
        filters: filters(&portal, listed, &counts, unused),
        total: counts.all(),
        rows: rows(&portal, &access, page.keys).await?,
        pager: Pager {
            first: (!is_first).then(|| here(None)),
            next: page.next.map(|(at, id)| here(Some(Cursor(at, id)))),
        },
        create,
        create_test: (!is_test).then(|| (create_test, labels.create_test_key.clone())),
        frame: portal.shell(Section::Keys, Band::At(PATH.into())).await?,
    };
    Ok(Portal::page(page))
}

/// The rows of a table of keys.
pub(in crate::portal) async fn rows(
    portal: &Portal,
    access: &KeyAccess,
    keys: Vec<KeyWithSecrets>,
) -> Result<Vec<KeyRow>, Failure> {
    let app = portal.web.app();
    let now = app.sources().now();
    let makers = keys.iter().map(|found| found.key.created_by.as_str());
    let ids: Vec<String> = keys.iter().map(|found| found.key.id.to_string()).collect();
    let known = Known {
        makers: users::makers(app, access.account_id(), makers).await?,
        uses: uses::of_credentials(app, &ids).await?,
        days: usage::of_days(app, access.account_id(), &ids, DAYS).await?,
    };
    Ok(keys
        .into_iter()
        .map(|found| row(portal, &found, &known, now))
        .collect())
}

fn row(portal: &Portal, found: &KeyWithSecrets, known: &Known, now: UnixMillis) -> KeyRow {
    let key = &found.key;
    let settings = &key.settings;
    let prefix = portal.web.app().settings().prefixes.key(key.environment);
    let id = key.id.to_string();
    let uses = known.uses.get(&id).cloned().unwrap_or_default();
    let refused = uses.last_refused_at.zip(uses.last_refused_reason);
    let from = uses.last_used_ip.map(|ip| ip.to_string());
    let is_revoked = matches!(key.state, KeyState::Revoked { .. });
    let revoke = || {
        let label = super::labels(portal).revoke.clone();
        (portal.href(format!("{PATH}/{id}/revoke")), label)
    };
    KeyRow {
        href: portal.href(format!("{PATH}/{id}")),
        name: settings.name.clone(),
        hint: format!("{prefix}\u{2026}{}", found.hint()),
        owner: users::told(&known.makers, &key.created_by),
        status: Status::of_key(key.status(now), settings.expires_at, now),
        scopes: FewScopes::of(&settings.scopes),
        last_used: uses.last_used_at.map(|at| (When::of(at, now), from)),
        last_refused: refused.map(|(at, reason)| {
            let why = portal.href(format!("/decisions?credential={id}&outcome=refused"));
            (When::of(at, now), reason.as_str(), why)
        }),
        spark: known
            .days
            .get(&id)
            .and_then(|days| Sparkline::of(days, "30 days", "requests")),
        expires: settings.expires_at.map(|end| When::of(end, now)),
        revoke: (!is_revoked).then(revoke),
    }
}

fn filters(
    portal: &Portal,
    current: Listed,
    counts: &KeyCounts,
    unused: Option<i64>,
) -> Vec<Filter> {
    Listed::ALL
        .map(|listed| {
            let (label, count) = match listed {
                Listed::All => ("All", Some(counts.all())),
                Listed::Active => ("Active", Some(counts.active)),
                Listed::Expiring => ("Expiring", Some(counts.expiring)),
                Listed::Unused => ("Unused", unused),
                Listed::Expired => ("Expired", Some(counts.expired)),
                Listed::Inactive => ("Inactive", Some(counts.inactive)),
                Listed::Revoked => ("Revoked", Some(counts.revoked)),
            };
            Filter {
                href: portal.href(format!("{PATH}?status={}", listed.as_str())),
                label: label.to_owned(),
                count,
                is_current: listed == current,
            }
        })
        .into_iter()
        .filter(|filter| filter.count != Some(0) || filter.is_current)
        .collect()
}
