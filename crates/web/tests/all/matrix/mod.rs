//! Every route with nobody, with garbage and with the wrong kind of credential. The routes come
//! from the document that the router makes of itself, so that a new one is tried without being
//! named here; what answers without a credential is named, and that list only shrinks.

mod pages;
mod principals;
mod things;
mod tokens;

use claviger_web::router;
use http::Method;
use serde_json::{Value, json};

use super::instance::{Instance, for_each_app, text};
use super::requests::{Answer, call};

/// What of the public listener takes no credential.
const OPEN: [&str; 4] = [
    "POST /v1/sessions",
    "POST /v1/invitations/accept",
    "GET /v1/instance",
    // Whoever holds a leaked credential may have it ended.
    "POST /v1/leaks",
];
/// What takes a signature over its body instead: see the tests of `leaks`. It is not there unless
/// the operator wants it.
const SIGNED: &str = "/v1/leaks/github";

/// The operations of the public listener, with ids in their paths.
fn operations() -> Vec<(Method, String)> {
    let document = serde_json::to_value(router::openapi()).expect("a document");
    let paths = document["paths"].as_object().expect("paths");
    let mut found = Vec::new();
    for (path, item) in paths
        .iter()
        .filter(|(_, item)| item.get("servers").is_none())
    {
        for method in item.as_object().expect("an item").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            found.push((method, path.clone()));
        }
    }
    assert!(found.len() > 40, "{}", found.len());
    found
}

/// The path with ids that could be.
fn filled(path: &str) -> String {
    filled_with(path, &|kind| format!("{kind}00000000000000000000000000"))
}

/// The path with the ids that `id` has for the nouns before them.
fn filled_with(path: &str, id: &dyn Fn(&str) -> String) -> String {
    let kinds = [
        ("keys", "key_"),
        ("accounts", "acct_"),
        ("members", "usr_"),
        ("users", "usr_"),
        ("sessions", "sid_"),
        ("roles", "role_"),
        ("invitations", "inv_"),
        ("apis", "api_"),
        ("clients", "cli_"),
        ("grants", "grt_"),
        ("secrets", "sec_"),
        ("signing-keys", "sgn_"),
        ("register", "cli_"),
        ("webhooks", "whk_"),
        ("deliveries", "dlv_"),
        ("audit", "evt_"),
        ("apps", "cli_"),
        ("team", "usr_"),
        ("connected-apps", "grt_"),
        ("decisions", "dec_"),
    ];
    let (before, rest) = path.split_once('{').unwrap_or((path, ""));
    let noun = before
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    if rest.is_empty() {
        return path.to_owned();
    }
    let kind = kinds.iter().find(|(known, _)| *known == noun);
    let (_, kind) = kind.unwrap_or_else(|| panic!("no id for {path}"));
    filled_with(&format!("{before}{}{after}", id(kind)), id)
}

async fn ask(
    instance: &Instance,
    (method, path): (&Method, &str),
    credential: Option<&str>,
) -> Answer {
    let mut call = call(method.clone(), path);
    if let Some(credential) = credential {
        call = call.by(credential);
    }
    instance.send(call).await
}

/// Whether a route refuses as RFC 6749 does, or tells everybody the same: see the tests of `oauth`.
fn is_of_oauth(path: &str) -> bool {
    let starts = ["/oauth/", "/connect/", "/.well-known/"];
    starts.iter().any(|start| path.starts_with(start))
}

fn is_open(method: &Method, path: &str) -> bool {
    OPEN.contains(&format!("{method} {path}").as_str())
}

#[tokio::test]
async fn nothing_answers_without_a_credential_but_what_is_named() {
    for_each_app(async |instance| {
        let key = instance.key(json!({"scopes": ["admin"]})).await;
        let revoked = instance.sign_in("admin@acme.test").await;
        ask(
            instance,
            (&Method::DELETE, "/v1/sessions/current"),
            Some(&revoked),
        )
        .await
        .is(200);
        let credentials: [(Option<&str>, &[&str]); 5] = [
            (None, &["credential_missing"]),
            (Some("garbage"), &["invalid_credential"]),
            (
                Some("ses_00000000000000000000000000000000000000000000000000"),
                &["invalid_credential"],
            ),
            (Some(&revoked), &["revoked"]),
            (
                Some(text(&key, "key")),
                &["session_required", "permission_required"],
            ),
        ];
        let mut cells = 0;
        for (method, path) in operations() {
            if is_of_oauth(&path) {
                continue;
            }
            let at = filled(&path);
            for (credential, expected) in credentials {
                cells += 1;
                let answer = ask(instance, (&method, &at), credential).await;
                if path == SIGNED {
                    assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
                    continue;
                }
                if is_open(&method, &path) {
                    // It reads its body, if it has one, whoever asks.
                    let status = if method == Method::GET { 200 } else { 422 };
                    assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
                    continue;
                }
                let error = answer.json()["error"].clone();
                let reason = error["reason"].as_str().unwrap_or_default();
                assert!(
                    answer.status == 401 || answer.status == 403,
                    "{method} {path}: {answer:?}"
                );
                assert!(
                    expected.contains(&reason),
                    "{method} {path} {credential:?}: {answer:?}"
                );
            }
        }
        eprintln!("route x no right credential: {cells} cells");
    })
    .await;
}

/// Other spellings of a path that some servers take for the same.
fn path_tricks(at: &str) -> [String; 9] {
    let (first, rest) = at[1..].split_once('/').unwrap_or((&at[1..], ""));
    [
        format!("/{at}"),
        format!("{at}/"),
        format!("{at};x=1"),
        format!("{at}%2f"),
        format!("{at}%00"),
        format!("/%2e{at}"),
        format!("/x/..{at}"),
        format!("/{first}//{rest}"),
        format!("/{}/{rest}", first.to_uppercase()),
    ]
}

#[tokio::test]
async fn path_tricks_open_nothing() {
    for_each_app(async |instance| {
        let owner = instance.session("owner").await;
        let mut cells = 0;
        for (method, path) in operations() {
            let at = filled(&path);
            for odd in path_tricks(&at) {
                let answer = ask(instance, (&method, &odd), Some(&owner)).await;
                // What is added to an id makes another id, refused or sought in vain.
                let refused = [403, 404, 405].contains(&answer.status);
                assert!(refused, "{method} {odd}: {answer:?}");
                cells += 1;
            }
        }
        eprintln!("route x path trick: {cells} cells");
    })
    .await;
}

#[tokio::test]
async fn only_json_is_read_as_json() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let owner = instance.session("owner").await;
        let mut cells = 0;
        for (method, path) in operations() {
            if !matches!(method, Method::POST | Method::PATCH)
                || path.starts_with("/v1/keys")
                || path == SIGNED
                || is_of_oauth(&path)
            {
                continue;
            }
            let at = filled(&path);
            for (content_type, body, statuses) in [
                ("text/plain", "{}", [415, 415]),
                ("application/x-www-form-urlencoded", "a=b", [415, 415]),
                ("application/json", "{", [400, 400]),
                ("application/json", "[", [400, 400]),
                // An OpenAPI document may have any members, and may be of an unknown API.
                ("application/json", "{\"no such member\":1}", [422, 404]),
            ] {
                for token in [&operator, &owner] {
                    cells += 1;
                    let sent = call(method.clone(), &at)
                        .by(token)
                        .header("content-type", content_type)
                        .raw(body);
                    let answer = instance.send(sent).await;
                    let expected = statuses.contains(&answer.status) || answer.status == 403;
                    assert!(
                        expected,
                        "{method} {path} {content_type} {body}: {answer:?}"
                    );
                    let text = answer.text;
                    assert!(
                        serde_json::from_str::<Value>(&text).is_ok(),
                        "{method} {path}: {text}"
                    );
                }
            }
        }
        eprintln!("route x content type: {cells} cells");
    })
    .await;
}
