//! Every route of the router itself, which is asked what it has: a page that is not named as open
//! leads to the sign-in, and a form without the token of its session does nothing.

use std::collections::{BTreeMap, BTreeSet};

use claviger_service::testing::Tables;
use http::Method;
use serde_json::json;

use super::principals::BESIDE;
use super::things::Things;
use super::{filled_with, operations, path_tricks};
use crate::instance::{Instance, for_each_app, text};
use crate::oauth::form;
use crate::requests::{Answer, Call, call, get};

/// Where whoever comes is not asked to sign in, each for its reason. The list only shrinks.
const OPEN: [(&str, &str); 16] = [
    ("/sign-in", "where one signs in"),
    ("/sign-out", "whoever is out may go out"),
    ("/invitation", "takes the token of the invitation"),
    ("/leaked", "takes a credential, and tells nothing"),
    ("/device", "asks to sign in when it has a code"),
    ("/assets/{name}", "stylesheets and scripts"),
    ("/docs", "documentation"),
    ("/docs/", "documentation"),
    ("/docs/{*rest}", "documentation"),
    ("/docs/errors", "documentation"),
    ("/docs/errors/{reason}", "documentation"),
    ("/openapi.json", "documentation"),
    (
        "/demo/{*path}",
        "an API, which takes credentials: see `disable`",
    ),
    (
        "/sandbox/{*path}",
        "an API, which takes credentials: see `disable`",
    ),
    (
        "/oauth/authorize",
        "asks by itself: see the tests of `authorize`",
    ),
    (
        "/oauth/authorize/consent",
        "asks by itself: see the tests of `authorize`",
    ),
];

/// Forms that a member without permissions may send: about what is their own, or what they look
/// for.
const OF_EVERYBODY: [&str; 10] = [
    "/account",
    "/account/password",
    "/account/sessions/end",
    "/account/sessions/{id}/end",
    "/account/switch",
    "/audit",
    "/connected-apps/{id}/disconnect",
    "/decisions",
    "/find",
    "/sign-out",
];

const COOKIE: &str = "claviger_session";

/// The routes that the router has: each path with its methods, as it prints itself.
fn routes(instance: &Instance) -> BTreeMap<String, BTreeSet<String>> {
    let printed = instance.printed_router();
    let (table, _) = printed.split_once("fallback_router:").expect("a router");
    let (handlers, paths) = table.split_once("node:").expect("a table");
    let numbered = |part: &str| -> Vec<(u32, String)> {
        let rows = part.split("RouteId(").skip(1);
        let row = |row: &str| {
            let (number, rest) = row.split_once("): ").expect("a number");
            (number.parse().expect("a number"), rest.to_owned())
        };
        rows.map(row).collect()
    };
    let methods: BTreeMap<u32, BTreeSet<String>> = numbered(handlers)
        .into_iter()
        .map(|(number, handler)| {
            let told = handler.split_once("allow_header: Bytes(b\"");
            let told = told.and_then(|(_, rest)| rest.split('"').next());
            let methods = told.unwrap_or("ANY").split(',').map(str::to_owned);
            (number, methods.collect())
        })
        .collect();
    let paths = numbered(paths).into_iter().map(|(number, path)| {
        let path = path.split('"').nth(1).expect("a path").to_owned();
        (path, methods[&number].clone())
    });
    let routes: BTreeMap<_, _> = paths.collect();
    // A router that prints itself otherwise would have none.
    assert!(routes.len() > 150, "{}", routes.len());
    routes
}

/// The pages that need somebody who is signed in: all that is neither a program's route nor open.
fn pages(instance: &Instance) -> Vec<(Method, String)> {
    let of_programs: BTreeSet<String> = operations().into_iter().map(|(_, path)| path).collect();
    let mut pages = Vec::new();
    let mut open_found = 0;
    for (path, methods) in routes(instance) {
        if of_programs.contains(&path) || path.starts_with("/.well-known/") {
            continue;
        }
        if OPEN.iter().any(|(open, _)| *open == path) {
            open_found += 1;
            continue;
        }
        for method in [Method::GET, Method::POST] {
            if methods.contains(method.as_str()) {
                pages.push((method, path.clone()));
            }
        }
    }
    assert_eq!(
        open_found,
        OPEN.len(),
        "an open path is none any more: take it off the list"
    );
    assert!(pages.len() > 100, "{}", pages.len());
    pages
}

/// A request as a browser sends it.
fn sent(method: &Method, path: &str, cookie: Option<&str>, fields: &[(&str, &str)]) -> Call {
    let call = if *method == Method::POST {
        form(path, fields)
    } else {
        get(path)
    };
    match cookie {
        Some(token) => call.header("cookie", &format!("{COOKIE}={token}")),
        None => call,
    }
}

/// The token that the forms of a session carry.
async fn form_token(instance: &Instance, session: &str) -> String {
    let page = instance
        .send(sent(&Method::GET, "/account", Some(session), &[]))
        .await;
    let hidden = page.hidden();
    let token = hidden.into_iter().find(|(name, _)| name == "form_token");
    token.expect("a token").1
}

fn leads_to_sign_in(answer: &Answer) -> bool {
    let to = answer
        .headers
        .get("location")
        .and_then(|to| to.to_str().ok());
    answer.status == 303 && to.is_some_and(|to| to.starts_with("/sign-in"))
}

#[tokio::test]
async fn every_page_that_is_not_open_leads_to_the_sign_in() {
    for_each_app(async |instance| {
        let things = Things::make(instance).await;
        let key = instance.key(json!({"scopes": ["admin"]})).await;
        let (ended, expired) = (
            instance.sign_in("admin@acme.test").await,
            instance.sign_in("admin@acme.test").await,
        );
        let end = call(Method::DELETE, "/v1/sessions/current").by(&ended);
        instance.send(end).await.is(200);
        instance.pass(25 * 3_600_000).await;
        let bearer = instance.sign_in("owner@acme.test").await;
        let cookies = [
            None,
            Some("garbage"),
            Some("ses_00000000000000000000000000000000000000000000000000"),
            Some(text(&key, "key")),
            Some(&ended),
            Some(&expired),
        ];
        let (mut cells, mut wrong) = (0, Vec::new());
        for (method, path) in pages(instance) {
            let at = filled_with(&path, &|kind| things.id(kind));
            let by_bearer = sent(&method, &at, None, &[("form_token", "x")]).by(&bearer);
            let by_cookie =
                cookies.map(|cookie| sent(&method, &at, cookie, &[("form_token", "x")]));
            for call in by_cookie.into_iter().chain([by_bearer]) {
                let answer = instance.send(call).await;
                cells += 1;
                if !leads_to_sign_in(&answer) || !things.told_by(&answer.text).is_empty() {
                    wrong.push(format!("{method} {path}: {}", answer.status));
                }
            }
        }
        eprintln!("page x nobody who is signed in: {cells} cells");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}

/// Forms that do nothing, with what is answered.
fn unfit(
    at: &str,
    (session, token): (&str, &str),
    others_token: &str,
) -> Vec<(&'static str, Call, [u16; 2])> {
    let posted = |fields: &[(&str, &str)]| sent(&Method::POST, at, Some(session), fields);
    let own = [("form_token", token)];
    let typed = |content_type: &str| {
        let call = call(Method::POST, at).header("content-type", content_type);
        let call = call.header("cookie", &format!("{COOKIE}={session}"));
        call.raw(format!("form_token={token}"))
    };
    // The form again, or a refusal where there is none that could be filled in.
    let again = [303, 403];
    let elsewhere = [403, 403];
    let unreadable = [400, 415];
    let site = |name, value| posted(&own).header(name, value);
    vec![
        ("without a token", posted(&[]), again),
        ("with garbage", posted(&[("form_token", "x")]), again),
        (
            "with another's",
            posted(&[("form_token", others_token)]),
            again,
        ),
        (
            "across sites",
            site("sec-fetch-site", "cross-site"),
            elsewhere,
        ),
        (
            "within a site",
            site("sec-fetch-site", "same-site"),
            elsewhere,
        ),
        (
            "of another origin",
            site("origin", "https://evil.test"),
            elsewhere,
        ),
        ("as JSON", typed("application/json"), unreadable),
        ("as text", typed("text/plain"), unreadable),
        ("as nothing", typed(""), unreadable),
    ]
}

#[tokio::test]
async fn a_form_without_the_token_of_its_session_or_from_elsewhere_does_nothing() {
    for_each_app(async |instance| {
        let things = Things::make(instance).await;
        let (owner, operator) = (
            instance.session("owner").await,
            instance.session("operator").await,
        );
        let other = instance.sign_in("owner@acme.test").await;
        let (own_token, operators_token, others_token) = (
            form_token(instance, &owner).await,
            form_token(instance, &operator).await,
            form_token(instance, &other).await,
        );
        let db = &instance.test().database().db;
        let tables = Tables::but(db, &BESIDE[1..]).await.expect("tables");
        let but_nodes = |rows: BTreeMap<String, String>| {
            let rows = rows.into_iter();
            rows.filter(|(table, _)| table != "nodes")
                .collect::<BTreeMap<_, _>>()
        };
        let before = but_nodes(tables.rows(db).await.expect("rows"));
        let (mut cells, mut wrong) = (0, Vec::new());
        for (method, path) in pages(instance) {
            if method != Method::POST {
                continue;
            }
            let at = filled_with(&path, &|kind| things.id(kind));
            let (session, token) = if path.starts_with("/operator") {
                (&operator, &operators_token)
            } else {
                (&owner, &own_token)
            };
            for (why, call, statuses) in unfit(&at, (session, token), &others_token) {
                let answer = instance.send(call).await;
                cells += 1;
                let to = answer
                    .headers
                    .get("location")
                    .and_then(|to| to.to_str().ok());
                let is_elsewhere = to.is_some_and(|to| !to.starts_with(&*at));
                if !statuses.contains(&answer.status) || is_elsewhere {
                    wrong.push(format!("{path} {why}: {} {to:?}", answer.status));
                }
            }
        }
        let after = but_nodes(tables.rows(db).await.expect("rows"));
        let changed = before
            .iter()
            .filter(|(table, rows)| after[*table] != **rows);
        wrong.extend(changed.map(|(table, _)| format!("{table} was changed")));
        eprintln!("form x no token of its session: {cells} cells");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn pages_of_others_are_not_shown_and_their_forms_not_taken() {
    for_each_app(async |instance| {
        let things = Things::make(instance).await;
        let (_, neighbour) = instance.neighbour().await;
        let viewer = instance.session("viewer").await;
        let owner = instance.session("owner").await;
        let db = &instance.test().database().db;
        let tables = Tables::but(db, &BESIDE).await.expect("tables");
        let before = tables.rows(db).await.expect("rows");
        let (mut cells, mut wrong) = (0, Vec::new());
        let [of_neighbour, of_viewer, of_owner] = [
            form_token(instance, &neighbour).await,
            form_token(instance, &viewer).await,
            form_token(instance, &owner).await,
        ];
        for (method, path) in pages(instance) {
            let at = filled_with(&path, &|kind| things.id(kind));
            let is_operators = path.starts_with("/operator");
            let is_one = path.contains('{');
            let is_form = method == Method::POST;
            let is_own = OF_EVERYBODY.contains(&&*path);
            for (who, session, token, is_refused) in [
                (
                    "neighbour",
                    &neighbour,
                    &of_neighbour,
                    is_operators || is_one,
                ),
                (
                    "viewer",
                    &viewer,
                    &of_viewer,
                    is_operators || (is_form && !is_own),
                ),
                ("owner", &owner, &of_owner, is_operators),
            ] {
                if !is_refused {
                    continue;
                }
                let fields = [("form_token", token.as_str())];
                let answer = instance
                    .send(sent(&method, &at, Some(session), &fields))
                    .await;
                cells += 1;
                let told = things.told_by(&answer.text);
                let told = who == "neighbour" && !is_one && !told.is_empty();
                if ![403, 404].contains(&answer.status) || told {
                    wrong.push(format!("{method} {path} by {who}: {}", answer.status));
                }
            }
        }
        let after = tables.rows(db).await.expect("rows");
        let changed = before
            .iter()
            .filter(|(table, rows)| after[*table] != **rows);
        wrong.extend(changed.map(|(table, _)| format!("{table} was changed")));
        eprintln!("page x other principals: {cells} cells");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn path_tricks_show_no_page() {
    for_each_app(async |instance| {
        let things = Things::make(instance).await;
        let owner = instance.session("owner").await;
        let (mut cells, mut wrong) = (0, Vec::new());
        for (method, path) in pages(instance) {
            let at = filled_with(&path, &|kind| things.id(kind));
            if at == "/" {
                continue;
            }
            let (first, rest) = at[1..].split_once('/').unwrap_or((&at[1..], ""));
            let hex = format!("%{:02x}{}", first.as_bytes()[0], &first[1..]);
            let encoded = format!("/{hex}/{rest}").trim_end_matches('/').to_owned();
            for odd in path_tricks(&at).into_iter().chain([encoded]) {
                for cookie in [None, Some(&*owner)] {
                    let fields = [("form_token", "x")];
                    let answer = instance.send(sent(&method, &odd, cookie, &fields)).await;
                    cells += 1;
                    // What is added to an id makes another id, sought in vain.
                    let is_refused = [400, 403, 404, 405].contains(&answer.status)
                        || leads_to_sign_in(&answer)
                        || (answer.status == 303 && method == Method::POST);
                    if !is_refused {
                        wrong.push(format!("{method} {odd}: {}", answer.status));
                    }
                }
            }
        }
        eprintln!("page x path trick: {cells} cells");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}
