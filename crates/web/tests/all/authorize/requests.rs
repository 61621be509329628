//! What an app may ask, line by line of RFC 6749 section 4.1, RFC 7636, RFC 8707 and RFC 9207.

use http::Method;
use serde_json::json;

use super::{Browser, CALLBACK, CHALLENGE, app, app_by, encoded, path, request, with};
use crate::instance::{API, for_each_app, for_each_app_with};
use crate::oauth::{api, form_of};
use crate::requests::{call, get};

/// What is sent instead of the right value of a parameter, and the word that comes back.
const WRONG: &[(&str, Option<&str>, &str)] = &[
    ("response_type", None, "invalid_request"),
    ("response_type", Some(""), "invalid_request"),
    ("response_type", Some("token"), "unsupported_response_type"),
    (
        "response_type",
        Some("code token"),
        "unsupported_response_type",
    ),
    (
        "response_type",
        Some("id_token"),
        "unsupported_response_type",
    ),
    ("response_type", Some("CODE"), "unsupported_response_type"),
    ("response_mode", Some("fragment"), "invalid_request"),
    ("response_mode", Some("form_post"), "invalid_request"),
    ("scope", None, "invalid_scope"),
    ("scope", Some(""), "invalid_scope"),
    ("scope", Some("read:nothing"), "invalid_scope"),
    ("scope", Some("openid"), "invalid_scope"),
    ("scope", Some("read:leads  write:leads"), "invalid_scope"),
    ("scope", Some("read:leads read:properties"), "invalid_scope"),
    ("scope", Some("\"read:leads\""), "invalid_scope"),
    ("scope", Some("admin"), "invalid_scope"),
    ("code_challenge", None, "invalid_request"),
    ("code_challenge", Some(""), "invalid_request"),
    ("code_challenge", Some("E9Melhoa2Owv"), "invalid_request"),
    (
        "code_challenge",
        Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"),
        "invalid_request",
    ),
    (
        "code_challenge",
        Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="),
        "invalid_request",
    ),
    ("code_challenge_method", None, "invalid_request"),
    ("code_challenge_method", Some("plain"), "invalid_request"),
    ("code_challenge_method", Some("s256"), "invalid_request"),
    ("code_challenge_method", Some("S512"), "invalid_request"),
    ("audience", Some("https://other.test"), "invalid_target"),
    ("audience", Some("http://127.0.0.1:8080"), "invalid_target"),
    ("resource", Some("https://other.test"), "invalid_target"),
    ("resource", Some("/v1"), "invalid_target"),
    (
        "resource",
        Some("https://api.acme.test#x"),
        "invalid_target",
    ),
    ("request", Some("eyJ"), "request_not_supported"),
    ("request_uri", Some("urn:x:y"), "request_uri_not_supported"),
    ("prompt", Some("none login"), "invalid_request"),
    ("prompt", Some("create"), "invalid_request"),
    ("prompt", Some("NONE"), "invalid_request"),
];

#[tokio::test]
async fn what_is_wrong_goes_back_to_the_app() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        // Nobody signs in for a request that cannot succeed.
        for browser in [
            &mut Browser::new(instance),
            &mut Browser::of(instance, "admin@acme.test").await,
        ] {
            for (name, value, error) in WRONG {
                let asked = with(request(&id), name, *value);
                let pairs = browser.open(&path(&asked)).await.sent_back(error);
                assert_eq!(pairs["state"], "xyz", "{name} {value:?}");
                assert_eq!(pairs.len(), 4, "{name} {value:?}: {pairs:?}");
                assert!(!pairs["error_description"].contains('?'), "{pairs:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_parameter_stands_once_but_for_resources() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        for name in [
            "scope",
            "code_challenge",
            "response_type",
            "audience",
            "unknown",
            "<b>",
        ] {
            let twice = [
                request(&id),
                vec![(name.into(), "a".into()), (name.into(), "a".into())],
            ];
            let asked = twice.concat();
            let pairs = browser
                .open(&path(&asked))
                .await
                .sent_back("invalid_request");
            assert_eq!(pairs["state"], "xyz");
            assert!(!pairs["error_description"].contains('<'), "{pairs:?}");
        }
        let states = [request(&id), vec![("state".into(), "b".into())]].concat();
        let pairs = browser
            .open(&path(&states))
            .await
            .sent_back("invalid_request");
        assert!(
            !pairs.contains_key("state"),
            "nobody knows which: {pairs:?}"
        );
        for name in ["client_id", "redirect_uri"] {
            let value = request(&id)
                .iter()
                .find(|(known, _)| known == name)
                .cloned();
            let twice = [request(&id), vec![value.expect("a value")]].concat();
            browser.open(&path(&twice)).await.is_page(400);
        }
        // What cannot be decoded, and too much of all.
        let bad = format!("{}&x=%zz", path(&request(&id)));
        browser.open(&bad).await.sent_back("invalid_request");
        let bad = format!("{}&x=%ff", path(&request(&id)));
        browser.open(&bad).await.sent_back("invalid_request");
        let many: Vec<String> = (0..100).map(|n| format!("&p{n}=1")).collect();
        let many = many.concat();
        let many = format!("{}{many}", path(&request(&id)));
        browser.open(&many).await.sent_back("invalid_request");

        let other = api(instance, "https://other.acme.test", "read:other").await;
        assert!(!other.is_empty());
        let resources = [
            ("resource".to_owned(), API.to_owned()),
            ("resource".to_owned(), API.to_owned()),
            ("foo".to_owned(), "bar".to_owned()),
        ];
        let fine = [request(&id), resources.to_vec()].concat();
        browser.open(&path(&fine)).await.is_page(200);
    })
    .await;
}

#[tokio::test]
async fn the_state_comes_back_as_it_was_sent() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let long = format!("%26 + &=#?/\\\"'<>é漢😀{}", "x".repeat(960));
        let asked = with(request(&id), "state", Some(&long));
        assert_eq!(browser.allow(&asked).await["state"], long);
        let denied = browser
            .open(&path(&with(asked.clone(), "scope", None)))
            .await;
        assert_eq!(denied.sent_back("invalid_scope")["state"], long);
        let without = with(request(&id), "state", None);
        let again = browser.open(&path(&without)).await.redirected(CALLBACK);
        assert_eq!(again.keys().collect::<Vec<_>>(), ["code", "iss"]);
        let most = "s".repeat(4_000);
        let asked = with(request(&id), "state", Some(&most));
        let back = browser.open(&path(&asked)).await.redirected(CALLBACK);
        assert_eq!(back["state"], most);
        let asked = with(request(&id), "state", Some(&"s".repeat(4_001)));
        browser
            .open(&path(&asked))
            .await
            .sent_back("invalid_request");
    })
    .await;
}

#[tokio::test]
async fn a_challenge_is_left_out_only_by_whom_the_operator_exempts() {
    for_each_app(async |instance| {
        let operator = instance.session("operator").await;
        let account = instance.account_id();
        let exempt = json!({"require_pkce": false, "account_id": account});
        let id = app_by(instance, &operator, exempt).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let bare = with(request(&id), "code_challenge", None);
        let method_alone = browser.open(&path(&bare)).await;
        method_alone.sent_back("invalid_request");
        let bare = with(bare, "code_challenge_method", None);
        assert!(browser.allow(&bare).await.contains_key("code"));
        // One that sends a challenge is held to it.
        let plain = with(request(&id), "code_challenge_method", None);
        browser
            .open(&path(&plain))
            .await
            .sent_back("invalid_request");
        let public = app(instance, json!({"name": "Public", "public": true})).await;
        let bare = with(request(&public), "code_challenge", None);
        let bare = with(bare, "code_challenge_method", None);
        browser
            .open(&path(&bare))
            .await
            .sent_back("invalid_request");
    })
    .await;
}

#[tokio::test]
async fn an_app_without_the_grant_type_is_not_authorized() {
    for_each_app_with(&all_on(), async |instance| {
        let device = "urn:ietf:params:oauth:grant-type:device_code";
        let grants = json!({"grant_types": [device], "redirect_uris": [CALLBACK]});
        let id = app(instance, grants).await;
        let answer = Browser::new(instance).open(&path(&request(&id))).await;
        answer.sent_back("unauthorized_client");
    })
    .await;
}

pub(super) fn all_on() -> claviger_service::settings::Settings {
    let mut settings = claviger_service::settings::Settings::default();
    settings.oauth.device_grant = true;
    settings.oauth.dpop = true;
    settings
}

#[tokio::test]
async fn a_form_asks_as_an_address_does() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let asked = encoded(&request(&id));
        let posted = browser.send(form_of("/oauth/authorize", &asked)).await;
        assert_eq!(posted.leads_on(), format!("/oauth/authorize?{asked}"));
        // One parameter in both is there twice.
        let both = form_of("/oauth/authorize?scope=read:leads", &asked);
        let location = browser.send(both).await.leads_on().to_owned();
        browser.open(&location).await.sent_back("invalid_request");
        let json = call(Method::POST, "/oauth/authorize").json(&json!({"client_id": id}));
        browser.send(json).await.is_page(415);
        for odd in ["a=\r\nb", "a=é", "a=\u{0}"] {
            let odd = form_of("/oauth/authorize", odd);
            browser.send(odd).await.is_page(400);
        }
    })
    .await;
}

#[tokio::test]
async fn other_methods_and_other_sites_get_nothing() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        browser.allow(&request(&id)).await;
        let options = call(Method::OPTIONS, &path(&request(&id)))
            .header("origin", "https://app.test")
            .header("access-control-request-method", "GET");
        let options = browser.send(options).await;
        assert_eq!(options.status, 405, "{options:?}");
        let fetched = get(&path(&request(&id))).header("origin", "https://app.test");
        for answer in [options, browser.send(fetched).await] {
            let cors = answer.headers.keys().filter(|name| {
                let name = name.as_str();
                name.starts_with("access-control")
            });
            assert_eq!(cors.count(), 0, "{answer:?}");
        }
        // A HEAD would use up a code that nobody sees.
        let head = browser.send(call(Method::HEAD, &path(&request(&id)))).await;
        assert_eq!(head.status, 405);
        assert!(!head.headers.contains_key("location"));
    })
    .await;
}

#[tokio::test]
async fn the_metadata_names_the_endpoint() {
    for_each_app(async |instance| {
        let document = instance
            .send(get("/.well-known/oauth-authorization-server"))
            .await;
        let document = document.is(200);
        let at = format!("{}/oauth/authorize", instance.issuer());
        for (member, value) in [
            ("authorization_endpoint", json!(at)),
            ("response_types_supported", json!(["code"])),
            ("response_modes_supported", json!(["query"])),
            ("code_challenge_methods_supported", json!(["S256"])),
            (
                "authorization_response_iss_parameter_supported",
                json!(true),
            ),
            (
                "prompt_values_supported",
                json!(["none", "login", "consent", "select_account"]),
            ),
        ] {
            assert_eq!(document[member], value, "{member}");
        }
        assert_eq!(CHALLENGE.len(), 43);
    })
    .await;
}
