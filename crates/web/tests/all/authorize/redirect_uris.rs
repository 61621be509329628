//! Where an answer may go: registered addresses, compared as text. Anything else ends on a page.

use serde_json::json;

use super::{Browser, CALLBACK, app, path, request, with};
use crate::instance::{for_each_app, for_each_app_with};
use crate::requests::get;

/// Registered in these tests.
const REGISTERED: [&str; 4] = [
    CALLBACK,
    "https://app.test/cb?tenant=1",
    "http://127.0.0.1/cb",
    "http://[::1]/cb",
];

/// One letter off, or much more.
const STRANGE: &[&str] = &[
    "https://app.test/cb/",
    "https://app.test/cb/more",
    "https://app.test/cbx",
    "https://app.test/CB",
    "https://app.test/Cb",
    "https://app.test/c",
    "https://app.test//cb",
    "https://app.test/",
    "https://app.test",
    "https://app.test/./cb",
    "https://app.test/x/../cb",
    "https://app.test/cb/..",
    "https://app.test/cb/%2e%2e/cb",
    "https://app.test/%2e%2e/cb",
    "https://app.test/c%62",
    "https://app.test/cb%00",
    "https://app.test/cb%2f",
    "https://app.test/cb;x",
    "https://app.test/cb ",
    " https://app.test/cb",
    "https://app.test/cb\n",
    "https://app.test/cb\t",
    "https://app.test\\cb",
    "https://app.test/cb?",
    "https://app.test/cb?x=1",
    "https://app.test/cb?tenant=2",
    "https://app.test/cb?tenant=1&x=1",
    "https://app.test/cb?TENANT=1",
    "https://app.test/cb?tenant=1#",
    "https://app.test/cb#",
    "https://app.test/cb#fragment",
    "https://app.test/cb#/cb",
    "HTTPS://app.test/cb",
    "https://APP.test/cb",
    "https://app.test./cb",
    "https://app.test:443/cb",
    "https://app.test:8443/cb",
    "https://app.test:/cb",
    "http://app.test/cb",
    "ftp://app.test/cb",
    "//app.test/cb",
    "/cb",
    "cb",
    "app.test/cb",
    "https:/app.test/cb",
    "https:app.test/cb",
    "https:///app.test/cb",
    "https://evil.test/cb",
    "https://evil.app.test/cb",
    "https://app.test.evil.test/cb",
    "https://xapp.test/cb",
    "https://app.testx/cb",
    "https://app.test@evil.test/cb",
    "https://user@app.test/cb",
    "https://user:pw@app.test/cb",
    "https://evil.test/https://app.test/cb",
    "https://evil.test/?https://app.test/cb",
    "https://evil.test#https://app.test/cb",
    "https://evil.test\\@app.test/cb",
    "https://app.test,https://evil.test/cb",
    "https://app.test/cb https://evil.test/cb",
    "https://\u{430}pp.test/cb",
    "https://xn--pp-6kc.test/cb",
    "https://app.test/c\u{431}",
    "javascript:alert(1)",
    "data:text/html,x",
    "urn:ietf:wg:oauth:2.0:oob",
    "about:blank",
    "null",
    "*",
    "https://*.test/cb",
    "http://127.0.0.1/cb/",
    "http://127.0.0.1:8080/CB",
    "http://127.0.0.1:0/cb",
    "http://127.0.0.1:65536/cb",
    "http://127.0.0.1:/cb",
    "http://127.0.0.1:80:80/cb",
    "http://127.0.0.1:8080@evil.test/cb",
    "http://127.0.0.1.evil.test/cb",
    "http://127.0.0.2/cb",
    "http://127.1/cb",
    "http://2130706433/cb",
    "http://0x7f.0.0.1/cb",
    "http://localhost/cb",
    "http://localhost:8080/cb",
    "https://127.0.0.1/cb",
    "http://[::2]:8080/cb",
    "http://[0:0:0:0:0:0:0:1]/cb",
    "http://::1/cb",
    "http://0.0.0.0:8080/cb",
];

#[tokio::test]
async fn an_address_that_is_not_registered_gets_nothing() {
    assert!(STRANGE.len() >= 60);
    for_each_app(async |instance| {
        let id = app(instance, json!({"redirect_uris": REGISTERED})).await;
        let mut nobody = Browser::new(instance);
        let mut owner = Browser::of(instance, "admin@acme.test").await;
        for strange in STRANGE {
            let asked = path(&with(request(&id), "redirect_uri", Some(strange)));
            let page = nobody.open(&asked).await;
            page.is_page(400);
            assert!(page.text.contains(page.header("request-id")), "{strange}");
            for secret in ["app.test/cb", "tenant=1", "127.0.0.1/cb", "evil"] {
                assert!(!page.text.contains(secret), "{strange}: {}", page.text);
            }
            let page = owner.open(&asked).await;
            page.is_page(400);
            assert!(
                page.text.contains("somebody who manages this app"),
                "{strange}"
            );
        }
        // Wrong in a second way: still nothing is sent.
        for (name, value) in [
            ("response_type", "token"),
            ("scope", "x"),
            ("prompt", "none"),
        ] {
            let asked = with(request(&id), "redirect_uri", Some("https://evil.test/cb"));
            let asked = with(asked, name, Some(value));
            nobody.open(&path(&asked)).await.is_page(400);
        }
    })
    .await;
}

#[tokio::test]
async fn a_registered_address_is_answered_as_it_is() {
    for_each_app(async |instance| {
        let id = app(instance, json!({"redirect_uris": REGISTERED})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        for (asked, begins) in [
            (
                "https://app.test/cb?tenant=1",
                "https://app.test/cb?tenant=1",
            ),
            ("http://127.0.0.1/cb", "http://127.0.0.1/cb"),
            ("http://127.0.0.1:51234/cb", "http://127.0.0.1:51234/cb"),
            ("http://[::1]:1/cb", "http://[::1]:1/cb"),
        ] {
            let asked = with(request(&id), "redirect_uri", Some(asked));
            let page = browser
                .open(&path(&with(asked, "prompt", Some("consent"))))
                .await;
            let back = browser.submit(&page, &[("decision", "allow")]).await;
            let back = back.redirected(begins);
            assert!(
                back.contains_key("code") && back.contains_key("iss"),
                "{back:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_may_be_left_out_where_there_is_one() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let id = app(instance, json!({})).await;
        let unnamed = |id: &str| with(request(id), "redirect_uri", None);
        assert!(browser.allow(&unnamed(&id)).await.contains_key("code"));
        for uris in [
            json!([CALLBACK, "https://app.test/2"]),
            json!(["http://127.0.0.1/cb"]),
        ] {
            let id = app(instance, json!({"redirect_uris": uris})).await;
            browser.open(&path(&unnamed(&id))).await.is_page(400);
        }
        let machine = crate::oauth::client(instance, json!({})).await;
        browser
            .open(&path(&unnamed(&machine.id)))
            .await
            .is_page(400);
        browser
            .open(&path(&request(&machine.id)))
            .await
            .is_page(400);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_is_not_there_is_told_to_the_user_alone() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let id = app(instance, json!({})).await;
        for other in [
            None,
            Some(""),
            Some("cli_00000000000000000000000000"),
            Some("x"),
            Some("https://app.test/client.json"),
            Some("<script>alert(1)</script>"),
        ] {
            let page = browser
                .open(&path(&with(request(&id), "client_id", other)))
                .await;
            page.is_page(400);
        }
        browser.open("/oauth/authorize").await.is_page(400);
        browser
            .open("/oauth/authorize?client_id=%zz")
            .await
            .is_page(400);

        let admin = instance.session("admin").await;
        let gone = crate::requests::delete(&format!("/v1/clients/{id}")).by(&admin);
        instance.send(gone).await.is(200);
        browser.open(&path(&request(&id))).await.is_page(400);
    })
    .await;
}

#[tokio::test]
async fn only_who_manages_the_app_sees_what_was_wrong() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        instance.neighbour().await;
        instance.session("developer").await;
        let asked = with(request(&id), "redirect_uri", Some("https://app.test/cb/"));
        let told = "slash at the end";
        for (email, sees) in [
            ("admin@acme.test", true),
            ("owner@acme.test", true),
            ("developer@acme.test", false),
            ("admin@neighbour.test", false),
        ] {
            let mut browser = Browser::of(instance, email).await;
            let page = browser.open(&path(&asked)).await;
            page.is_page(400);
            assert_eq!(page.text.contains(told), sees, "{email}: {}", page.text);
        }
    })
    .await;
}

#[tokio::test]
async fn an_instance_below_a_path_answers_below_it() {
    let settings = claviger_service::settings::Settings {
        public_url: "https://acme.test/id".to_owned(),
        ..Default::default()
    };
    for_each_app_with(&settings, async |instance| {
        let id = app(instance, json!({})).await;
        let first = instance
            .send(get(&format!("/id{}", path(&request(&id)))))
            .await;
        let location = first.leads_on();
        assert!(
            location.starts_with("/id/sign-in?next=%2Foauth%2Fauthorize"),
            "{location}"
        );
        let form = instance.send(get(location)).await;
        assert!(
            form.text.contains("action=\"/id/sign-in\""),
            "{}",
            form.text
        );
        assert!(form.text.contains("href=\"/id/assets/"), "{}", form.text);
        let wrong = with(request(&id), "scope", None);
        let back = instance.send(get(&path(&wrong))).await.redirected(CALLBACK);
        assert_eq!(back["iss"], "https://acme.test/id");
    })
    .await;
}
