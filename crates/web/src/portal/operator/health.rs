//! `/operator`: how the instance is.

use askama::Template;
use claviger_model::UnixMillis;
use claviger_model::signing_keys::SigningKeyStatus;
use claviger_service::health::{self, Health, NodeHealth};
use claviger_service::signing_keys::{self, ListedKey};

use super::access;
use crate::portal::parts::{Status, When};
use crate::portal::{Answer, Band, Portal, Section, Shell};

/// The health board.
#[derive(Template)]
#[template(path = "portal/operator/health.html")]
struct HealthPage {
    frame: Shell,
    product: String,
    version: &'static str,
    /// What needs somebody's attention.
    warnings: Vec<String>,
    checks: Vec<Check>,
    nodes: Vec<NodeRow>,
    accounts: String,
    signing_keys: String,
    policies: String,
    operators: String,
}

/// Something that is fine or not.
struct Check {
    name: String,
    status: Status,
    told: String,
}

struct NodeRow {
    name: String,
    is_this: bool,
    status: Status,
    applied: String,
    lease: String,
    started: When,
}

/// Shows the board.
pub async fn show(portal: Portal) -> Answer {
    let access = access(&portal)?;
    let app = portal.web.app();
    let now = app.sources().now();
    let health = health::look(app, &access).await?;
    let keys = signing_keys::list(app, &access).await?;
    let mut checks = vec![lease(&health), index(&health)];
    checks.extend(databases(&health));
    checks.push(recorder(&health));
    checks.push(keys_check(&keys, now));
    checks.push(accounts(&health));
    let warnings = checks
        .iter()
        .filter(|check| check.status != Status::OK)
        .map(|check| format!("{}: {}", check.name, check.told));
    let page = HealthPage {
        product: app.settings().portal.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        warnings: warnings.collect(),
        nodes: health.nodes.iter().map(|node| row(node, now)).collect(),
        checks,
        accounts: portal.at("/operator/accounts"),
        signing_keys: portal.at("/operator/signing-keys"),
        policies: portal.at("/operator/policies"),
        operators: portal.at("/operator/operators"),
        frame: portal.shell(Section::Operator, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

impl Status {
    /// It is as it should be.
    const OK: Self = Self::of("OK", "active");
    /// It works, and somebody should look.
    const ATTENTION: Self = Self::of("LOOK", "expiring");
    /// It does not work.
    const DOWN: Self = Self::of("DOWN", "revoked");
}

fn check(name: &str, status: Status, told: String) -> Check {
    Check {
        name: name.to_owned(),
        status,
        told,
    }
}

fn lease(health: &Health) -> Check {
    let seconds = health.lease_millis / 1_000;
    if let Some(millis) = health.staleness_millis {
        let told =
            format!("The last heartbeat was {millis} ms ago; its lease is {seconds} s long.");
        check("This node decides", Status::OK, told)
    } else {
        let told = format!(
            "No heartbeat reached the database for {seconds} s: it answers 503 until one does."
        );
        check("This node decides", Status::DOWN, told)
    }
}

fn index(health: &Health) -> Check {
    let behind = health.epoch - health.applied_epoch;
    let size = health.index;
    let told = format!(
        "Epoch {} of {}. {} secrets in memory, and {} access tokens in {} KiB.",
        health.applied_epoch,
        health.epoch,
        size.secrets,
        size.tokens,
        size.token_bytes.div_ceil(1_024)
    );
    let status = if behind > 0 {
        Status::ATTENTION
    } else {
        Status::OK
    };
    check("Changes applied", status, told)
}

fn databases(health: &Health) -> impl Iterator<Item = Check> {
    health.databases.iter().map(|database| {
        if let Some(schema) = &database.schema {
            let told = format!("{} answers. Schema {schema}.", database.kind);
            check(database.name, Status::OK, told)
        } else {
            let told = format!("{} does not answer.", database.kind);
            check(database.name, Status::DOWN, told)
        }
    })
}

fn recorder(health: &Health) -> Check {
    match health.decisions_dropped {
        0 => check(
            "Decisions kept",
            Status::OK,
            "None was lost since the start.".to_owned(),
        ),
        lost => {
            let told = format!(
                "{lost} were lost since the start: too many waited, or the usage database did not \
                 take them."
            );
            check("Decisions kept", Status::ATTENTION, told)
        }
    }
}

/// The keys that sign, each with its age.
fn keys_check(keys: &[ListedKey], now: UnixMillis) -> Check {
    let signing = keys
        .iter()
        .filter(|listed| listed.status == SigningKeyStatus::Signing);
    let ages: Vec<String> = signing
        .map(|listed| {
            let since = When::of(listed.key.signs_from, now).told;
            format!("{} began to sign {since}", listed.key.algorithm.as_str())
        })
        .collect();
    if ages.is_empty() {
        let told = "No key signs yet: the first is made with the first token.".to_owned();
        return check("Signing keys", Status::OK, told);
    }
    check("Signing keys", Status::OK, format!("{}.", ages.join(", ")))
}

fn accounts(health: &Health) -> Check {
    let told = match health.accounts_suspended {
        0 => format!("{}, none of them suspended.", health.accounts),
        suspended => format!("{}, {suspended} of them suspended.", health.accounts),
    };
    check("Accounts", Status::OK, told)
}

fn row(node: &NodeHealth, now: UnixMillis) -> NodeRow {
    let (status, applied) = match node.behind {
        0 => (Status::OK, format!("epoch {}", node.applied_epoch)),
        behind => (
            Status::ATTENTION,
            format!("epoch {}, {behind} behind", node.applied_epoch),
        ),
    };
    NodeRow {
        name: node.name.clone(),
        is_this: node.is_this,
        status,
        applied,
        lease: format!("{} s", node.lease_millis / 1_000),
        started: When::of(node.started_at, now),
    }
}
