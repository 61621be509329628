//! Pushed authorization requests (RFC 9126).

use claviger_service::settings::{OAuthSettings, Settings};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::super::authorize::{CALLBACK, CHALLENGE};
use super::super::instance::{API, Instance, for_each_app_with, merged, text};
use super::super::requests::{Answer, call, get, patch, post};
use super::tabs::Tabs;
use super::{TestClient, form, form_of};

const PAR: &str = "/oauth/par";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const WANTED: [(&str, &str); 6] = [
    ("response_type", "code"),
    ("redirect_uri", CALLBACK),
    ("scope", "read:leads"),
    ("state", "a b%26é"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

fn settings() -> Settings {
    Settings {
        oauth: OAuthSettings {
            pushed_authorization_requests: true,
            dpop: true,
            ..OAuthSettings::default()
        },
        ..Settings::default()
    }
}

/// An app of Acme; a public one has no secret.
async fn app(instance: &Instance, more: Value) -> TestClient {
    let admin = instance.session("admin").await;
    let body = json!({"name": "Calendar", "kind": "app", "scopes": ["read:leads"],
        "redirect_uris": [CALLBACK]});
    let made = instance
        .send(post("/v1/clients", &merged(&body, &more)).by(&admin))
        .await
        .is(201);
    let secret_id = made["secrets"][0]["id"].as_str().unwrap_or_default();
    TestClient {
        id: text(&made, "client_id").to_owned(),
        secret: made["client_secret"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        secret_id: secret_id.to_owned(),
    }
}

/// What is wanted, with some of it replaced or, by an empty value, left out.
fn wanted<'a>(but: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let is_replaced = |(name, _): &&(&str, &str)| but.iter().any(|(other, _)| other == name);
    let kept = WANTED.iter().filter(|pair| !is_replaced(pair)).copied();
    kept.chain(but.iter().copied()).collect()
}

async fn push(instance: &Instance, app: &TestClient, but: &[(&str, &str)]) -> Answer {
    let call = form(PAR, &wanted(but)).basic(&app.id, &app.secret);
    instance.send(call).await
}

async fn pushed(instance: &Instance, app: &TestClient) -> String {
    let answer = push(instance, app, &[]).await;
    text(&answer.is(201), "request_uri").to_owned()
}

impl Tabs<'_> {
    async fn open_pushed(&self, app: &TestClient, request_uri: &str) -> Answer {
        self.open(&address(&app.id, request_uri, "")).await
    }

    async fn allow(&self, page: &Answer) -> Answer {
        self.submit(page, &[("decision", "allow")]).await
    }
}

fn address(client_id: &str, request_uri: &str, more: &str) -> String {
    let name = request_uri.replace(':', "%3A");
    format!("/oauth/authorize?client_id={client_id}&request_uri={name}{more}")
}

/// A parameter of the address that an answer leads to.
fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let (_, query) = answer.header("location").split_once('?')?;
    let pair = |pair: &str| {
        let (known, value) = pair.split_once('=')?;
        (known == name).then(|| value.to_owned())
    };
    query.split('&').find_map(pair)
}

#[tokio::test]
async fn a_pushed_request_leads_to_a_code_once() {
    for_each_app_with(&settings(), async |instance| {
        let app = app(instance, json!({})).await;
        let answer = push(instance, &app, &[]).await;
        answer.is_not_stored();
        let body = answer.is(201);
        let request_uri = text(&body, "request_uri");
        assert!(request_uri.starts_with("urn:ietf:params:oauth:request_uri:cpr_"));
        assert!(
            body["expires_in"]
                .as_u64()
                .is_some_and(|seconds| seconds < 600)
        );

        let browser = Tabs::of(instance, "admin@acme.test").await;
        // What else stands in the address counts for nothing.
        let more = "&scope=write:leads&state=x&redirect_uri=https://evil.test&response_type=token\
                    &prompt=none";
        for more in ["", more, ""] {
            let page = browser.open(&address(&app.id, request_uri, more)).await;
            assert_eq!(page.status, 200, "{page:?}");
            assert!(page.text.contains("read:leads") && !page.text.contains("write:leads"));
        }
        let page = browser.open_pushed(&app, request_uri).await;
        let sent = browser.allow(&page).await;
        assert_eq!(sent.status, 303, "{sent:?}");
        assert!(sent.header("location").starts_with(&format!("{CALLBACK}?")));
        assert_eq!(
            parameter(&sent, "state").as_deref(),
            Some("a%20b%2526%C3%A9")
        );
        let code = parameter(&sent, "code").expect("a code");
        browser.open_pushed(&app, request_uri).await.is_page(400);
        let again = browser.allow(&page).await;
        assert!(!again.headers.contains_key("location"), "{again:?}");

        let exchange = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let exchange = form("/oauth/token", &exchange).basic(&app.id, &app.secret);
        instance.send(exchange).await.is(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_authorizations_at_the_same_time_one_is_completed() {
    for_each_app_with(&settings(), async |instance| {
        let app = app(instance, json!({})).await;
        let request_uri = pushed(instance, &app).await;
        let browser = Tabs::of(instance, "admin@acme.test").await;
        let opened = join_all((0..16).map(|_| browser.open_pushed(&app, &request_uri))).await;
        assert!(opened.iter().all(|page| page.status == 200), "{opened:?}");
        let answers = join_all((0..64).map(|_| browser.allow(&opened[0]))).await;
        let with_code = |answer: &&Answer| answer.text.is_empty() && answer.status == 303;
        let codes = answers.iter().filter(with_code);
        assert_eq!(
            codes.filter_map(|answer| parameter(answer, "code")).count(),
            1
        );
        // The same where consent is remembered.
        let request_uri = pushed(instance, &app).await;
        let answers = join_all((0..64).map(|_| browser.open_pushed(&app, &request_uri))).await;
        let codes = answers.iter().filter(with_code);
        assert_eq!(
            codes.filter_map(|answer| parameter(answer, "code")).count(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn a_pushed_request_is_its_clients_alone_and_ends() {
    for_each_app_with(&settings(), async |instance| {
        let (own, other) = (
            app(instance, json!({})).await,
            app(instance, json!({})).await,
        );
        let request_uri = pushed(instance, &own).await;
        let browser = Tabs::of(instance, "admin@acme.test").await;
        browser.open_pushed(&other, &request_uri).await.is_page(400);
        let mut changed = request_uri.clone();
        changed.pop();
        for unknown in [
            changed.as_str(),
            "urn:ietf:params:oauth:request_uri:cpr_x",
            "urn:ietf:params:oauth:request_uri:",
            "https://app.test/request.jwt",
        ] {
            browser.open_pushed(&own, unknown).await.is_page(400);
        }
        let nobody = format!("/oauth/authorize?request_uri={request_uri}");
        browser.open(&nobody).await.is_page(400);
        let twice = address(&own.id, &request_uri, "&request_uri=x");
        browser.open(&twice).await.is_page(400);
        // In time, and then ten minutes more, once.
        instance.pass(80_000).await;
        assert_eq!(browser.open_pushed(&own, &request_uri).await.status, 200);
        instance.pass(300_000).await;
        let page = browser.open_pushed(&own, &request_uri).await;
        assert_eq!(page.status, 200);
        instance.pass(300_000).await;
        browser.open_pushed(&own, &request_uri).await.is_page(400);
        browser.allow(&page).await.is_page(400);
        let unopened = pushed(instance, &own).await;
        instance.pass(90_000).await;
        browser.open_pushed(&own, &unopened).await.is_page(400);
    })
    .await;
}

#[tokio::test]
async fn signing_in_and_choosing_lead_back_to_the_pushed_request() {
    for_each_app_with(&settings(), async |instance| {
        let app = app(instance, json!({})).await;
        let answer = push(instance, &app, &[("prompt", "login")]).await;
        let request_uri = text(&answer.is(201), "request_uri").to_owned();
        let browser = Tabs::of(instance, "admin@acme.test").await;
        let sent = browser.open_pushed(&app, &request_uri).await;
        assert_eq!(sent.status, 303, "{sent:?}");
        let location = sent.header("location");
        assert!(location.starts_with("/sign-in?next="), "{location}");
        let form = browser.open(location).await;
        assert!(form.text.contains("Calendar"), "{form:?}");
        let next = form.field("next");
        assert!(
            next.contains("request_uri=") && !next.contains("scope="),
            "{next}"
        );
        let page = browser.open(&next).await;
        assert_eq!(page.status, 200, "the prompt was obeyed: {page:?}");
        let sent = browser.allow(&page).await;
        assert!(parameter(&sent, "code").is_some(), "{sent:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once_with_the_words_of_the_authorization_endpoint() {
    for_each_app_with(&settings(), async |instance| {
        let app = app(instance, json!({})).await;
        let own = pushed(instance, &app).await;
        for (but, error) in [
            (("request_uri", own.as_str()), "invalid_request"),
            (("request_uri", ""), "invalid_request"),
            (("request", "e30."), "request_not_supported"),
            (("redirect_uri", "https://app.test/cb/"), "invalid_request"),
            (("redirect_uri", "https://evil.test/cb"), "invalid_request"),
            (("response_type", ""), "invalid_request"),
            (("response_type", "token"), "unsupported_response_type"),
            (("scope", ""), "invalid_scope"),
            (("scope", "read:everything"), "invalid_scope"),
            (("code_challenge", ""), "invalid_request"),
            (("code_challenge_method", "plain"), "invalid_request"),
            (("resource", "https://else.test"), "invalid_target"),
            (("prompt", "none login"), "invalid_request"),
            (("dpop_jkt", "x"), "invalid_request"),
        ] {
            let answer = push(instance, &app, &[but]).await;
            answer.oauth_error(400, error);
            assert!(!answer.headers.contains_key("location"));
        }
        let twice = form_of(PAR, "scope=read:leads&scope=read:leads");
        let twice = instance.send(twice.basic(&app.id, &app.secret)).await;
        twice.oauth_error(400, "invalid_request");
        push(instance, &app, &[("resource", API)]).await.is(201);
        let jkt = [("dpop_jkt", CHALLENGE)];
        push(instance, &app, &jkt).await.is(201);
        let members = wanted(&[]).into_iter();
        let members = members.map(|(name, value)| (name.to_owned(), Value::from(value)));
        let in_json = call(Method::POST, PAR).json(&Value::Object(members.collect()));
        let in_json = in_json.basic(&app.id, &app.secret);
        instance.send(in_json).await.is(201);
    })
    .await;
}

#[tokio::test]
async fn nobody_pushes_for_another_client() {
    for_each_app_with(&settings(), async |instance| {
        let app = app(instance, json!({})).await;
        let all = wanted(&[]);
        instance
            .send(form(PAR, &all))
            .await
            .oauth_error(401, "invalid_client");
        let by_name = wanted(&[("client_id", &app.id)]);
        let unproved = instance.send(form(PAR, &by_name)).await;
        unproved.oauth_error(401, "invalid_client");
        let wrong = form(PAR, &all).basic(&app.id, "cs_live_wrong");
        instance
            .send(wrong)
            .await
            .oauth_error(401, "invalid_client");
        let differs = form(PAR, &wanted(&[("client_id", "cli_x")]));
        let differs = instance.send(differs.basic(&app.id, &app.secret)).await;
        differs.oauth_error(400, "invalid_request");
        let in_body = wanted(&[("client_id", &app.id), ("client_secret", &app.secret)]);
        instance.send(form(PAR, &in_body)).await.is(201);
        let read = instance.send(call(Method::GET, PAR)).await;
        assert_eq!((read.status, read.header("allow")), (405, "POST"));
        let machine = super::client(instance, json!({})).await;
        let refused = push(instance, &machine, &[]).await;
        assert_eq!(refused.status, 400, "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_public_app_pushes_by_its_name_alone() {
    for_each_app_with(&settings(), async |instance| {
        let app = app(instance, json!({"public": true})).await;
        let asked = form(PAR, &wanted(&[("client_id", &app.id)]));
        let body = instance.send(asked).await.is(201);
        let browser = Tabs::of(instance, "admin@acme.test").await;
        let page = browser.open_pushed(&app, text(&body, "request_uri")).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert!(parameter(&browser.allow(&page).await, "code").is_some());
        // A flood by somebody who proves nothing ends.
        let asked = || form(PAR, &wanted(&[("client_id", &app.id)]));
        let answers = join_all((0..130).map(|_| instance.send(asked()))).await;
        let refused: Vec<_> = answers
            .iter()
            .filter(|answer| answer.status == 429)
            .collect();
        assert!(!refused.is_empty());
        refused[0].oauth_error(429, "rate_limited");
        let seconds = refused[0].header("retry-after").parse::<u32>();
        assert!(seconds.is_ok_and(|seconds| seconds > 0));
    })
    .await;
}

#[tokio::test]
async fn an_app_that_has_to_push_may_do_nothing_else() {
    for_each_app_with(&settings(), async |instance| {
        let app = app(instance, json!({})).await;
        let admin = instance.session("admin").await;
        let change = json!({"require_pushed_authorization_requests": true});
        let path = format!("/v1/clients/{}", app.id);
        instance
            .send(patch(&path, &change).by(&admin))
            .await
            .is(200);
        let browser = Tabs::of(instance, "admin@acme.test").await;
        let query: Vec<_> = wanted(&[("state", "x")])
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let plain = format!("/oauth/authorize?client_id={}&{}", app.id, query.join("&"));
        let refused = browser.open(&plain).await;
        assert_eq!(refused.status, 303, "{refused:?}");
        assert_eq!(
            parameter(&refused, "error").as_deref(),
            Some("invalid_request")
        );
        let request_uri = pushed(instance, &app).await;
        assert_eq!(browser.open_pushed(&app, &request_uri).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn what_is_switched_off_is_not_there() {
    let metadata = async |instance: &Instance| {
        let call = get("/.well-known/oauth-authorization-server");
        instance.send(call).await.is(200)
    };
    for_each_app_with(&Settings::default(), async |instance| {
        let app = app(instance, json!({})).await;
        push(instance, &app, &[])
            .await
            .oauth_error(404, "invalid_request");
        let told = metadata(instance).await;
        assert!(
            told.get("pushed_authorization_request_endpoint").is_none(),
            "{told}"
        );
        assert!(
            told.get("require_pushed_authorization_requests").is_none(),
            "{told}"
        );
    })
    .await;
    for_each_app_with(&settings(), async |instance| {
        let told = metadata(instance).await;
        let endpoint = format!("{}{PAR}", instance.issuer());
        assert_eq!(
            text(&told, "pushed_authorization_request_endpoint"),
            endpoint
        );
        assert_eq!(told["require_pushed_authorization_requests"], json!(false));
    })
    .await;
}
