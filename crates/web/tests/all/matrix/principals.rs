//! Route x principal: what is Acme's, asked for by another account, by a member who may do little,
//! and by whose session has ended by itself or with its user.

use claviger_service::testing::Tables;
use http::Method;
use serde_json::json;

use super::things::Things;
use super::{SIGNED, ask, filled_with, is_of_oauth, is_open, operations};
use crate::instance::{Instance, for_each_app, for_each_app_with, with_management};
use crate::requests::{Answer, call, patch};

/// What a member without any permission may do by a session: look, and see to what is their own.
/// The list only shrinks.
const OF_EVERYBODY: [&str; 7] = [
    "DELETE /v1/sessions",
    "DELETE /v1/sessions/current",
    "POST /v1/sessions/current/account",
    "PATCH /v1/whoami",
    "POST /v1/password",
    "DELETE /v1/grants",
    "DELETE /v1/grants/{id}",
];

/// What changes no row, or is of the asker alone.
pub(super) const BESIDE: [&str; 11] = [
    "nodes",
    "sessions",
    "session_origins",
    "decisions",
    "secret_uses",
    "token_family_uses",
    "usage_series",
    "usage_minutes",
    "usage_hours",
    "usage_days",
    "usage_writers",
];

/// Sends a request with an empty object, where it has a body.
pub(super) async fn try_it(
    instance: &Instance,
    (method, path): (&Method, &str),
    by: &str,
) -> Answer {
    if matches!(*method, Method::GET | Method::DELETE) {
        return ask(instance, (method, path), Some(by)).await;
    }
    let sent = call(method.clone(), path).by(by).json(&json!({}));
    instance.send(sent).await
}

pub(super) fn routes() -> impl Iterator<Item = (Method, String)> {
    let routes = operations().into_iter();
    routes.filter(|(method, path)| !is_of_oauth(path) && path != SIGNED && !is_open(method, path))
}

#[tokio::test]
async fn another_account_gets_nothing_of_this_one() {
    for_each_app_with(&with_management(), async |instance| {
        let things = Things::make(instance).await;
        let (_, neighbour) = instance.neighbour().await;
        let db = &instance.test().database().db;
        let tables = Tables::but(db, &BESIDE).await.expect("tables");
        let before = tables.rows(db).await.expect("rows");
        let (mut cells, mut wrong) = (0, Vec::new());
        for (method, path) in routes() {
            // What ends the session that asks is their own, and not of Acme.
            if path == "/v1/sessions/current"
                || (path == "/v1/sessions" && method == Method::DELETE)
            {
                continue;
            }
            let at = filled_with(&path, &|kind| things.id(kind));
            let answer = try_it(instance, (&method, &at), &neighbour).await;
            cells += 1;
            let is_one = path.contains('{');
            // A body without what is needed is refused before anything is looked for.
            let is_refused = [401, 403, 404, 422].contains(&answer.status);
            // Whoever names an id of another account has it in the refusal, at most.
            let told = if is_refused {
                Vec::new()
            } else {
                things.told_by(&answer.text)
            };
            if (is_one && !is_refused && !path.starts_with("/v1/apis")) || !told.is_empty() {
                wrong.push(format!("{method} {path}: {} {told:?}", answer.status));
            }
        }
        let after = tables.rows(db).await.expect("rows");
        for (table, rows) in &before {
            // Their own legacy key, sandbox and records are made by empty requests.
            if *rows != after[table] && !lines_kept(rows, &after[table]) {
                wrong.push(format!("{table} was changed"));
            }
        }
        eprintln!("route x another account: {cells} cells");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}

/// Whether nothing but lines was added: what the neighbour may make of its own.
fn lines_kept(before: &str, after: &str) -> bool {
    let after: Vec<&str> = after.lines().collect();
    let kept = before.lines().filter(|line| after.contains(line)).count();
    // The ledger's one row moves with each event.
    kept == before.lines().count() || before.lines().count() == 1
}

#[tokio::test]
async fn a_member_without_permissions_changes_nothing() {
    for_each_app(async |instance| {
        let things = Things::make(instance).await;
        let viewer = instance.session("viewer").await;
        let db = &instance.test().database().db;
        let tables = Tables::but(db, &BESIDE).await.expect("tables");
        let before = tables.rows(db).await.expect("rows");
        let (mut cells, mut wrong) = (0, Vec::new());
        for (method, path) in routes() {
            let route = format!("{method} {path}");
            if method == Method::GET || OF_EVERYBODY.contains(&&*route) {
                continue;
            }
            let at = filled_with(&path, &|kind| things.id(kind));
            let answer = try_it(instance, (&method, &at), &viewer).await;
            cells += 1;
            if ![401, 403, 404, 422].contains(&answer.status) {
                wrong.push(format!("{route}: {answer:?}"));
            }
        }
        let after = tables.rows(db).await.expect("rows");
        let changed = before
            .iter()
            .filter(|(table, rows)| after[*table] != **rows);
        wrong.extend(changed.map(|(table, _)| format!("{table} was changed")));
        eprintln!("route x too little permission: {cells} cells");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_over_is_good_for_nothing() {
    for_each_app(async |instance| {
        let things = Things::make(instance).await;
        let operator = instance.session("operator").await;
        let expired = instance.sign_in("admin@acme.test").await;
        let account = instance.account_id();
        let user = instance
            .add_member("gone@acme.test", "admin", &account)
            .await;
        let of_suspended = instance.sign_in("gone@acme.test").await;
        let suspended = json!({"status": "suspended"});
        let suspend = patch(&format!("/v1/users/{user}"), &suspended).by(&operator);
        instance.send(suspend).await.is(200);
        instance.pass(25 * 3_600_000).await;
        let (mut cells, mut wrong) = (0, Vec::new());
        for (method, path) in routes() {
            let at = filled_with(&path, &|kind| things.id(kind));
            for session in [&expired, &of_suspended] {
                let answer = try_it(instance, (&method, &at), session).await;
                cells += 1;
                if answer.status != 401 {
                    wrong.push(format!("{method} {path}: {answer:?}"));
                }
            }
        }
        eprintln!("route x a session that is over: {cells} cells");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}
