//! Storage error x mutation: every statement of every operation that changes something fails, once
//! alone and once with all that follow. Then the answer is a 5xx, and no row of any table is
//! another or the whole change was committed before; and when nothing fails any more, the same
//! request succeeds.
//!
//! The operations are those of the document that the router makes of itself: a new one without a
//! recipe fails the test.

mod recipes;

use std::collections::{BTreeMap, BTreeSet};

use claviger_service::settings::{OAuthSettings, Settings};
use claviger_service::testing::{Failing, RanStatements, Tables, with_failing};
use claviger_web::router;

use super::instance::{Instance, for_each_app_with};
use super::requests::{Answer, Call};
use super::webhooks::near;

/// What is written beside every request, and not by it.
const BESIDE: [&str; 10] = [
    "nodes",
    "decisions",
    "secret_uses",
    "token_family_uses",
    "usage_series",
    "usage_minutes",
    "usage_hours",
    "usage_days",
    "usage_writers",
    // Where a session was last seen: of the sign-in of the session that asks.
    "session_origins",
];

/// What changes nothing, or where a failure is not the answer's: each with its reason.
const WITHOUT_RECIPE: [(&str, &str); 5] = [
    ("POST /v1/verify", "decides in memory"),
    ("POST /v1/verify/batch", "decides in memory"),
    ("POST /oauth/introspect", "decides in memory"),
    (
        "POST /v1/leaks",
        "tells nobody what was done, and goes on behind its answer",
    ),
    (
        "POST /v1/leaks/github",
        "needs a signature of GitHub's: see the tests of `leaks`",
    ),
];

/// What reads after its commit what it shows, or whether there is more to end, so that its answer
/// can be a failure although it was done. It is asked again without harm. The list only shrinks.
const TOLD_LATE: [&str; 11] = [
    "DELETE /v1/grants/{id}",
    "DELETE /v1/sessions",
    "PATCH /api/keys/{id}",
    "PATCH /v1/keys/{id}",
    "PATCH /v1/clients/{id}",
    "PATCH /v1/clients/{id}/rotations/current",
    "PATCH /v1/webhooks/{id}",
    "PATCH /v1/whoami",
    "POST /v1/audit/checkpoints",
    "POST /v1/operators",
    "POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver",
];

/// A request that succeeds once, made as often as it is wanted.
pub(super) struct Recipe {
    make: Box<dyn Fn() -> Call>,
}

impl Recipe {
    fn new(make: impl Fn() -> Call + 'static) -> Self {
        let make = Box::new(make);
        Self { make }
    }
}

/// What was tried.
#[derive(Default)]
struct Tried {
    operations: usize,
    cells: usize,
    /// What was done whole and durably, and its answer was a failure because it could not read what
    /// it shows beside.
    late: BTreeSet<String>,
    /// What broke the rule.
    wrong: Vec<String>,
}

fn settings() -> Settings {
    Settings {
        management_enabled: true,
        oauth: OAuthSettings {
            dynamic_registration: true,
            device_grant: true,
            pushed_authorization_requests: true,
            ..OAuthSettings::default()
        },
        ..near()
    }
}

/// The operations that are no GET, as `METHOD path`.
fn mutations() -> Vec<String> {
    let document = serde_json::to_value(router::openapi()).expect("a document");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("an item").keys();
        let methods = methods.filter(|name| ["post", "put", "patch", "delete"].contains(&&***name));
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

type Rows = BTreeMap<String, String>;

/// The tables in which two dumps differ.
fn changed(before: &Rows, after: &Rows) -> Vec<String> {
    let tables = before
        .iter()
        .filter(|(table, rows)| after.get(*table) != Some(rows));
    tables.map(|(table, _)| table.clone()).collect()
}

async fn rows(instance: &Instance, tables: &Tables) -> Rows {
    let db = &instance.test().database().db;
    tables.rows(db).await.expect("rows")
}

async fn send(
    instance: &Instance,
    recipe: &Recipe,
    fails: Option<Failing>,
) -> (Answer, RanStatements) {
    let sent = instance.send_from_here((recipe.make)());
    with_failing(fails, sent).await
}

/// Tries one operation with a failure at each of its statements.
async fn fail_each(instance: &Instance, tables: &Tables, operation: &str, tried: &mut Tried) {
    let Some(whole) = recipes::of(instance, operation).await else {
        tried.wrong.push(format!("{operation}: no recipe"));
        return;
    };
    tried.operations += 1;
    // What it takes to be done: with less than so many commits it is half done.
    let (answer, expected) = send(instance, &whole, None).await;
    if !(200..300).contains(&answer.status) || expected.count == 0 {
        tried.wrong.push(format!("{operation}: {answer:?}"));
    }
    let commit = expected.committed_at;
    let Some(mut attempt) = Attempt::new(instance, tables, operation).await else {
        return;
    };
    let turn = tried.operations;
    // A transaction on PostgreSQL is one and the same code whoever asks for it, and opening lost
    // connections again takes its time: there every third is enough.
    let is_sqlite = instance.test().database().db.is_sqlite();
    let is_tried = |number: &usize| is_sqlite || (number + turn).is_multiple_of(3);
    for number in (0..commit).filter(is_tried) {
        attempt = attempt.fail(Failing::From(number), expected, tried).await;
    }
    // Nothing is in the way of doing it now.
    if !attempt.is_done {
        let (answer, _) = send(instance, &attempt.recipe, None).await;
        if !(200..300).contains(&answer.status) {
            tried.wrong.push(format!("{operation}: at last {answer:?}"));
        }
    }
    // A batch is run again without the one that failed, so that it may well succeed. And a node
    // that cannot read who the others are waits as long as a lease can be: behind the commit one
    // failure has to do.
    for number in (0..expected.count).filter(|at| *at >= commit || (at + turn).is_multiple_of(8)) {
        let Some(attempt) = Attempt::new(instance, tables, operation).await else {
            return;
        };
        attempt.fail(Failing::One(number), expected, tried).await;
    }
}

/// One operation, and what is in the database.
struct Attempt<'a> {
    instance: &'a Instance,
    tables: &'a Tables,
    operation: &'a str,
    recipe: Recipe,
    before: Rows,
    /// Whether it was done, so that it cannot be done again.
    is_done: bool,
}

impl<'a> Attempt<'a> {
    async fn new(instance: &'a Instance, tables: &'a Tables, operation: &'a str) -> Option<Self> {
        let recipe = recipes::of(instance, operation).await?;
        let before = rows(instance, tables).await;
        Some(Self {
            instance,
            tables,
            operation,
            recipe,
            before,
            is_done: false,
        })
    }

    /// The same after it was tried with a failure; a new one when it was done all the same.
    async fn fail(mut self, fails: Failing, expected: RanStatements, tried: &mut Tried) -> Self {
        if self.is_done {
            match Self::new(self.instance, self.tables, self.operation).await {
                Some(fresh) => self = fresh,
                None => return self,
            }
        }
        let (answer, ran) = send(self.instance, &self.recipe, Some(fails)).await;
        let after = rows(self.instance, self.tables).await;
        let touched = changed(&self.before, &after);
        tried.cells += 1;
        let is_success = (200..300).contains(&answer.status);
        let is_failure = answer.status >= 500;
        let (Failing::From(number) | Failing::One(number)) = fails;
        // With fewer statements than before, none failed.
        self.is_done = ran.commits >= expected.commits || ran.count <= number;
        let is_well = if self.is_done {
            if is_failure {
                tried.late.insert(self.operation.to_owned());
            }
            is_success || is_failure
        } else {
            is_failure && touched.is_empty()
        };
        if !is_well {
            let operation = self.operation;
            let told = format!("{operation}: {fails:?}: {answer:?} {ran:?} of {expected:?}");
            tried.wrong.push(format!("{told}, changed {touched:?}"));
        }
        self.before = after;
        self
    }
}

#[tokio::test]
async fn whatever_statement_fails_nothing_is_half_done_and_nobody_is_told_that_it_was() {
    for_each_app_with(&settings(), async |instance| {
        let db = &instance.test().database().db;
        let tables = Tables::but(db, &BESIDE).await.expect("tables");
        let mut tried = Tried::default();
        for operation in mutations() {
            if WITHOUT_RECIPE
                .iter()
                .all(|(without, _)| *without != operation)
            {
                fail_each(instance, &tables, &operation, &mut tried).await;
            }
        }
        let Tried {
            operations,
            cells,
            late,
            wrong,
        } = tried;
        eprintln!("storage error x mutation: {cells} cells of {operations} operations");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        // None of them shows a secret: that would be lost.
        let named: BTreeSet<String> = TOLD_LATE.map(str::to_owned).into();
        assert!(late.is_subset(&named), "{:?}", late.difference(&named));
    })
    .await;
}
