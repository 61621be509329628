//! The device grant (RFC 8628): the endpoint, the page and the polls.

use claviger_service::settings::{OAuthSettings, Settings};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::super::instance::{API, Instance, for_each_app_with, text};
use super::super::requests::{Answer, call, get};
use super::tabs::Tabs;
use super::{TestClient, claims, client, form};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const AUTHORIZE: &str = "/oauth/device_authorization";

fn settings() -> Settings {
    Settings {
        oauth: OAuthSettings {
            device_grant: true,
            ..OAuthSettings::default()
        },
        ..Settings::default()
    }
}

fn app() -> Value {
    json!({"name": "Hall display", "kind": "app", "public": true,
        "grant_types": [GRANT, "refresh_token"]})
}

/// A public app on a device; its id.
async fn device(instance: &Instance) -> String {
    let admin = instance.session("admin").await;
    let body = super::merged(&json!({"scopes": ["read:leads", "write:leads"]}), &app());
    let call = super::post("/v1/clients", &body).by(&admin);
    text(&instance.send(call).await.is(201), "client_id").to_owned()
}

async fn begin(instance: &Instance, client_id: &str) -> Value {
    let asked = form(
        AUTHORIZE,
        &[("client_id", client_id), ("scope", "read:leads")],
    );
    let answer = instance.send(asked).await;
    answer.is_not_stored();
    answer.is(200)
}

async fn poll(instance: &Instance, client_id: &str, codes: &Value) -> Answer {
    let pairs = [
        ("grant_type", GRANT),
        ("client_id", client_id),
        ("device_code", text(codes, "device_code")),
    ];
    instance.send(form("/oauth/token", &pairs)).await
}

impl Tabs<'_> {
    /// Enters the code.
    async fn enter(&self, user_code: &str) -> Answer {
        let page = self.open("/device").await;
        self.submit(&page, &[("user_code", user_code)]).await
    }

    /// Enters the code and answers the question.
    async fn decide(&self, codes: &Value, decision: &str) -> Answer {
        let asked = self.enter(text(codes, "user_code")).await;
        asked.is_page(200);
        self.submit(&asked, &[("decision", decision)]).await
    }
}

#[tokio::test]
async fn a_device_gets_codes_and_its_user_enters_the_short_one() {
    for_each_app_with(&settings(), async |instance| {
        let id = device(instance).await;
        let codes = begin(instance, &id).await;
        assert!(text(&codes, "device_code").starts_with("cdc_"));
        let user_code = text(&codes, "user_code");
        let (left, right) = user_code.split_once('-').expect("two groups");
        assert_eq!((left.len(), right.len()), (4, 4));
        let page = format!("{}/device", instance.issuer());
        assert_eq!(text(&codes, "verification_uri"), page);
        let complete = format!("{page}?user_code={user_code}");
        assert_eq!(text(&codes, "verification_uri_complete"), complete);
        assert_eq!(
            (&codes["expires_in"], &codes["interval"]),
            (&json!(600), &json!(5))
        );

        let pending = poll(instance, &id, &codes).await;
        pending.oauth_error(400, "authorization_pending");
        let browser = Tabs::of(instance, "admin@acme.test").await;
        // A link fills the code in and does nothing else.
        let link = get(&format!("/device?user_code={user_code}")).header("cookie", &browser.cookie);
        let filled = instance.send(link).await;
        assert!(
            filled.text.contains(&format!("value=\"{user_code}\"")),
            "{filled:?}"
        );
        assert!(!filled.text.contains("Hall display"), "{filled:?}");
        let lower = user_code.replace('-', " ").to_lowercase();
        let asked = browser.enter(&lower).await;
        assert_eq!(asked.status, 200);
        for told in ["Hall display", "read:leads", "your own device", user_code] {
            assert!(asked.text.contains(told), "{told}: {asked:?}");
        }
        let done = browser.decide(&codes, "allow").await;
        assert!(done.text.contains("The device is connected"), "{done:?}");

        let token = poll(instance, &id, &codes).await;
        token.is_not_stored();
        let token = token.is(200);
        assert_eq!(
            (text(&token, "scope"), text(&token, "token_type")),
            ("read:leads", "Bearer")
        );
        assert!(text(&token, "refresh_token").starts_with("crt_"));
        let said = claims(text(&token, "access_token"));
        assert_eq!(
            (&said["gty"], &said["client_id"]),
            (&json!("device-code"), &json!(id))
        );
        assert!(text(&said, "sub").starts_with("usr_"));
        let again = poll(instance, &id, &codes).await;
        again.oauth_error(400, "invalid_grant");
        // What it gave goes on.
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", &*id),
            ("refresh_token", text(&token, "refresh_token")),
        ];
        instance.send(form("/oauth/token", &pairs)).await.is(200);
    })
    .await;
}

#[tokio::test]
async fn a_device_that_polls_too_fast_is_told_to_slow_down() {
    for_each_app_with(&settings(), async |instance| {
        let id = device(instance).await;
        let codes = begin(instance, &id).await;
        let pending = "authorization_pending";
        for (wait_millis, expected) in [
            (0, pending),
            (5_000, pending),
            (1_000, "slow_down"),
            (5_000, "slow_down"),
            (15_000, pending),
            (9_000, "slow_down"),
            (20_000, pending),
        ] {
            instance.pass(wait_millis).await;
            let polled = poll(instance, &id, &codes).await;
            polled.oauth_error(400, expected);
        }
        // Another device of the same app has an interval of its own.
        let other = begin(instance, &id).await;
        poll(instance, &id, &other).await.oauth_error(400, pending);
    })
    .await;
}

#[tokio::test]
async fn a_denied_and_a_late_device_are_told_so() {
    for_each_app_with(&settings(), async |instance| {
        let id = device(instance).await;
        let (denied, late) = (begin(instance, &id).await, begin(instance, &id).await);
        let approved = begin(instance, &id).await;
        let browser = Tabs::of(instance, "admin@acme.test").await;
        let told = browser.decide(&denied, "deny").await;
        assert!(told.text.contains("Nothing was connected"), "{told:?}");
        for _ in 0..2 {
            let polled = poll(instance, &id, &denied).await;
            polled.oauth_error(400, "access_denied");
        }
        // A decision stands.
        let again = browser.enter(text(&denied, "user_code")).await;
        assert_eq!(again.status, 422, "{again:?}");
        browser.decide(&approved, "allow").await;
        instance.pass(600_000).await;
        for codes in [&late, &approved] {
            poll(instance, &id, codes)
                .await
                .oauth_error(400, "expired_token");
        }
        let late = browser.enter(text(&late, "user_code")).await;
        assert_eq!(late.status, 422, "{late:?}");
    })
    .await;
}

#[tokio::test]
async fn a_device_code_is_its_clients_alone() {
    for_each_app_with(&settings(), async |instance| {
        let (id, other) = (device(instance).await, device(instance).await);
        let codes = begin(instance, &id).await;
        let browser = Tabs::of(instance, "admin@acme.test").await;
        browser.decide(&codes, "allow").await;
        poll(instance, &other, &codes)
            .await
            .oauth_error(400, "invalid_grant");
        let broken = json!({"device_code": "cdc_x"});
        poll(instance, &id, &broken)
            .await
            .oauth_error(400, "invalid_grant");
        poll(instance, &id, &codes).await.is(200);
        let none = form("/oauth/token", &[("grant_type", GRANT), ("client_id", &id)]);
        instance
            .send(none)
            .await
            .oauth_error(400, "invalid_request");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_polls_at_the_same_time_one_gets_tokens() {
    for_each_app_with(&settings(), async |instance| {
        let id = device(instance).await;
        let codes = begin(instance, &id).await;
        let early = join_all((0..64).map(|_| poll(instance, &id, &codes))).await;
        let pending = |answer: &&Answer| answer.json()["error"] == "authorization_pending";
        assert_eq!(early.iter().filter(pending).count(), 1);
        for answer in early.iter().filter(|answer| !pending(answer)) {
            answer.oauth_error(400, "slow_down");
        }
        let browser = Tabs::of(instance, "admin@acme.test").await;
        browser.decide(&codes, "allow").await;
        let answers = join_all((0..64).map(|_| poll(instance, &id, &codes))).await;
        let won: Vec<_> = answers
            .iter()
            .filter(|answer| answer.status == 200)
            .collect();
        assert_eq!(won.len(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            answer.oauth_error(400, "invalid_grant");
        }
        let token = text(&won[0].json(), "access_token").to_owned();
        let call = get("/demo/open/anything").by(&token);
        assert_ne!(instance.send(call).await.status, 401, "it goes on");
    })
    .await;
}

#[tokio::test]
async fn of_two_decisions_at_the_same_time_one_counts() {
    for_each_app_with(&settings(), async |instance| {
        let id = device(instance).await;
        let browser = Tabs::of(instance, "admin@acme.test").await;
        let codes = begin(instance, &id).await;
        let code = text(&codes, "user_code");
        let asked = browser.enter(code).await;
        let decide = |decision| {
            let (browser, asked) = (&browser, &asked);
            async move { browser.submit(asked, &[("decision", decision)]).await }
        };
        let words = ["allow", "deny"].into_iter().cycle().take(16);
        let told = join_all(words.map(decide)).await;
        let connected = told
            .iter()
            .any(|page| page.text.contains("The device is connected"));
        let polled = poll(instance, &id, &codes).await;
        if connected {
            polled.is(200);
        } else {
            polled.oauth_error(400, "access_denied");
        }
    })
    .await;
}

#[tokio::test]
async fn wrong_user_codes_are_bounded() {
    for_each_app_with(&settings(), async |instance| {
        let id = device(instance).await;
        let codes = begin(instance, &id).await;
        let browser = Tabs::of(instance, "admin@acme.test").await;
        for wrong in ["", "hello", "BCDF-GHJA", "<script>"] {
            let told = browser.enter(wrong).await;
            assert_eq!(told.status, 422, "{wrong}: {told:?}");
            assert!(!told.text.contains("<script>"));
        }
        for _ in 0..10 {
            let told = browser.enter("BBBB-BBBB").await;
            assert_eq!(told.status, 422, "{told:?}");
        }
        // Not even the right one any more, in another session of the same user either.
        let again = Tabs::of(instance, "admin@acme.test").await;
        for browser in [&browser, &again] {
            let told = browser.enter(text(&codes, "user_code")).await;
            assert_eq!(told.status, 429, "{told:?}");
            assert!(
                told.header("retry-after")
                    .parse::<u32>()
                    .is_ok_and(|s| s > 500)
            );
        }
        let other = Tabs::of(instance, "owner@acme.test").await;
        let asked = other.enter(text(&codes, "user_code")).await;
        assert_eq!(asked.status, 200, "{asked:?}");
    })
    .await;
}

#[tokio::test]
async fn the_page_asks_to_sign_in_and_takes_forms_of_its_own_alone() {
    for_each_app_with(&settings(), async |instance| {
        let id = device(instance).await;
        let codes = begin(instance, &id).await;
        let code = text(&codes, "user_code");
        let link = format!("/device?user_code={code}");
        let sent = instance.send(get(&link)).await;
        assert_eq!(sent.status, 303, "{sent:?}");
        assert!(
            sent.header("location")
                .starts_with("/sign-in?next=%2Fdevice%3Fuser_code%3D")
        );
        let browser = Tabs::of(instance, "admin@acme.test").await;
        let other = Tabs::of(instance, "owner@acme.test").await;
        let page = other.open("/device").await;
        let told = browser.submit(&page, &[("user_code", code)]).await;
        assert_eq!(told.status, 403, "{told:?}");
        let page = browser.open("/device").await;
        let form_token = page.field("form_token");
        let pairs = [("form_token", form_token.as_str()), ("user_code", code)];
        let foreign = form("/device", &pairs).header("cookie", &browser.cookie);
        let foreign = instance
            .send(foreign.header("sec-fetch-site", "cross-site"))
            .await;
        assert_eq!(foreign.status, 403, "{foreign:?}");
        let page = browser.enter(code).await;
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert!(
            page.header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
        assert!(!page.headers.contains_key("access-control-allow-origin"));
    })
    .await;
}

#[tokio::test]
async fn a_device_gives_no_more_than_was_shown_and_the_role_holds() {
    for_each_app_with(&settings(), async |instance| {
        let id = device(instance).await;
        let asked = form(
            AUTHORIZE,
            &[
                ("client_id", &id),
                ("scope", "read:leads write:leads"),
                ("resource", API),
            ],
        );
        let codes = instance.send(asked).await.is(200);
        let browser = Tabs::of(instance, "admin@acme.test").await;
        let code = text(&codes, "user_code");
        let page = browser.enter(code).await;
        // Fewer than were asked for, and one that was not.
        let fewer = [("scopes", "read:leads read:people"), ("decision", "allow")];
        browser.submit(&page, &fewer).await;
        let token = poll(instance, &id, &codes).await.is(200);
        assert_eq!(text(&token, "scope"), "read:leads");
        assert_eq!(claims(text(&token, "access_token"))["aud"], API);
    })
    .await;
}

#[tokio::test]
async fn what_a_device_may_not_ask_for_is_refused_at_once() {
    for_each_app_with(&settings(), async |instance| {
        let id = device(instance).await;
        for (pairs, error) in [
            (&[][..], "invalid_scope"),
            (&[("scope", "read:everything")], "invalid_scope"),
            (
                &[("scope", "read:leads"), ("resource", "https://else.test")],
                "invalid_target",
            ),
            (
                &[("scope", "read:leads"), ("resource", "/relative")],
                "invalid_target",
            ),
        ] {
            let own = [("client_id", id.as_str())];
            let asked = form(AUTHORIZE, &[&own[..], pairs].concat());
            instance.send(asked).await.oauth_error(400, error);
        }
        let twice = form(
            AUTHORIZE,
            &[("client_id", &id), ("scope", "a"), ("scope", "b")],
        );
        instance
            .send(twice)
            .await
            .oauth_error(400, "invalid_request");
        let machine = client(instance, json!({})).await;
        let asked = by_secret(&machine, &machine.secret);
        instance
            .send(asked)
            .await
            .oauth_error(400, "unauthorized_client");
        let wrong = by_secret(&machine, "cs_live_wrong");
        instance
            .send(wrong)
            .await
            .oauth_error(401, "invalid_client");
        let unproved = form(
            AUTHORIZE,
            &[("client_id", &machine.id), ("scope", "read:leads")],
        );
        instance
            .send(unproved)
            .await
            .oauth_error(401, "invalid_client");
        let unknown = form(
            AUTHORIZE,
            &[("client_id", "cli_x"), ("scope", "read:leads")],
        );
        instance
            .send(unknown)
            .await
            .oauth_error(401, "invalid_client");
        let read = instance.send(call(Method::GET, AUTHORIZE)).await;
        assert_eq!(read.status, 405, "{read:?}");
    })
    .await;
}

fn by_secret(client: &TestClient, secret: &str) -> super::Call {
    let pairs = [
        ("client_id", client.id.as_str()),
        ("client_secret", secret),
        ("scope", "read:leads"),
    ];
    form(AUTHORIZE, &pairs)
}

#[tokio::test]
async fn what_is_switched_off_is_not_there() {
    for_each_app_with(&Settings::default(), async |instance| {
        let asked = form(
            AUTHORIZE,
            &[("client_id", "cli_x"), ("scope", "read:leads")],
        );
        instance
            .send(asked)
            .await
            .oauth_error(404, "invalid_request");
        let admin = instance.session("admin").await;
        let cookie = format!("claviger_session={admin}");
        let page = instance
            .send(get("/device").header("cookie", &cookie))
            .await;
        assert_eq!(page.status, 404, "{page:?}");
        let told = poll(instance, "cli_x", &json!({"device_code": "cdc_x"})).await;
        assert!(matches!(told.status, 400 | 401), "{told:?}");
        let metadata = instance
            .send(get("/.well-known/oauth-authorization-server"))
            .await
            .is(200);
        assert!(
            metadata.get("device_authorization_endpoint").is_none(),
            "{metadata}"
        );
        assert!(
            !metadata["grant_types_supported"]
                .to_string()
                .contains("device")
        );
    })
    .await;
    for_each_app_with(&settings(), async |instance| {
        let metadata = instance
            .send(get("/.well-known/oauth-authorization-server"))
            .await
            .is(200);
        let endpoint = format!("{}{AUTHORIZE}", instance.issuer());
        assert_eq!(text(&metadata, "device_authorization_endpoint"), endpoint);
        assert!(
            metadata["grant_types_supported"]
                .to_string()
                .contains(GRANT)
        );
    })
    .await;
}
