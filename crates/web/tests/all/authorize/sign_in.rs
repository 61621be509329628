//! The sign-in form, the cookies, and what other sites can make a browser send.

use claviger_service::settings::Settings;
use claviger_service::testing::PASSWORD;
use http::Method;
use serde_json::json;

use super::{Browser, CALLBACK, app, path, request, with};
use crate::instance::{for_each_app, for_each_app_with};
use crate::oauth::{escaped, form};
use crate::requests::{call, get};

fn credentials(password: &str) -> [(&str, &str); 2] {
    [("email", "admin@acme.test"), ("password", password)]
}

#[tokio::test]
async fn a_wrong_password_keeps_the_address_and_says_so() {
    for_each_app(async |instance| {
        let mut browser = Browser::new(instance);
        let form = browser.open("/sign-in?next=/connected-apps").await;
        form.is_page(200);
        for email in ["admin@acme.test", "nobody@acme.test", "\"><script>"] {
            let fields = [("email", email), ("password", "wrong")];
            let again = browser.submit(&form, &fields).await;
            again.is_page(422);
            assert!(
                again.text.contains("Wrong email or password."),
                "{}",
                again.text
            );
            assert!(
                again
                    .text
                    .contains("role=\"alert\" tabindex=\"-1\" autofocus")
            );
            assert!(
                !again.text.contains("wrong\""),
                "the password is not repeated"
            );
            let shown = again.text.contains(&format!("value=\"{email}\""));
            assert_eq!(shown, !email.contains('<'), "{}", again.text);
            let next = ("next".to_owned(), "/connected-apps".to_owned());
            assert!(again.hidden().contains(&next));
        }
        assert!(!browser.cookies.contains_key("claviger_session"));
        let signed_in = browser.submit(&form, &credentials(PASSWORD)).await;
        assert_eq!(signed_in.leads_on(), "/connected-apps");
    })
    .await;
}

#[tokio::test]
async fn cookies_are_for_this_host_and_for_no_script() {
    for (url, name, secure) in [
        ("http://127.0.0.1:8080", "claviger_session", ""),
        (
            "https://id.acme.test",
            "__Host-claviger_session",
            "; Secure",
        ),
    ] {
        let settings = Settings {
            public_url: url.to_owned(),
            ..Settings::default()
        };
        for_each_app_with(&settings, async |instance| {
            let mut browser = Browser::new(instance);
            let form = browser.open("/sign-in").await;
            let answer = browser.submit(&form, &credentials(PASSWORD)).await;
            let cookie = answer.header("set-cookie");
            let token = browser.cookies[name].clone();
            assert!(token.starts_with("ses_"));
            let expected = format!("{name}={token}; Path=/; Max-Age=");
            assert!(cookie.starts_with(&expected), "{cookie}");
            let attributes = format!("; HttpOnly; SameSite=Lax{secure}");
            assert!(cookie.ends_with(&attributes), "{cookie}");
            // Programs' routes do not read it.
            for path in ["/v1/whoami", "/api/keys"] {
                let answer = browser.open(path).await;
                assert_eq!(answer.status, 401, "{path}");
            }
            let as_bearer = get("/v1/whoami").by(&token);
            instance.send(as_bearer).await.is(200);
        })
        .await;
    }
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    for_each_app(async |instance| {
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let first = browser.cookies["claviger_session"].clone();
        browser.sign_in("owner@acme.test", "/connected-apps").await;
        let second = browser.cookies["claviger_session"].clone();
        assert_ne!(first, second);
        let who = |token: &str| instance.send(get("/v1/whoami").by(token));
        assert_eq!(who(&first).await.status, 401);
        who(&second).await.is(200);

        let id = app(instance, json!({})).await;
        let page = browser.open(&path(&request(&id))).await;
        let token = page
            .hidden()
            .into_iter()
            .find(|(name, _)| name == "form_token");
        let token = token.expect("a token").1;
        let out = browser
            .send(form("/sign-out", &[("form_token", &token)]))
            .await;
        assert_eq!(out.leads_on(), "/sign-in");
        assert!(!browser.cookies.contains_key("claviger_session"));
        assert_eq!(who(&second).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn a_form_of_another_session_or_site_does_nothing() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open(&path(&request(&id))).await;
        let mut other = Browser::of(instance, "owner@acme.test").await;
        let others = other.open(&path(&request(&id))).await.hidden();
        let others = &others
            .iter()
            .find(|(name, _)| name == "form_token")
            .expect("a token")
            .1;
        let account = instance.account_id();
        let action = page.form_action();
        let send = |token: Option<&str>| {
            let mut fields = vec![
                ("decision", "allow"),
                ("account", &*account),
                ("scopes", "read:leads write:leads"),
            ];
            fields.extend(token.map(|token| ("form_token", token)));
            form(&action, &fields)
        };
        let zeros = "0".repeat(64);
        for wrong in [None, Some(""), Some("x"), Some(&*zeros), Some(&**others)] {
            browser.send(send(wrong)).await.is_page(403);
        }
        let own = page.hidden();
        let own = &own
            .iter()
            .find(|(name, _)| name == "form_token")
            .expect("a token")
            .1;
        for (header, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.test"),
            ("origin", "http://127.0.0.1:9999"),
        ] {
            let call = send(Some(own)).header(header, value);
            browser.send(call).await.is_page(403);
        }
        let call = send(Some(own)).header("sec-fetch-site", "same-origin");
        let call = call.header("origin", "null");
        browser.send(call).await.redirected(CALLBACK);
        // A GET does not answer for the user.
        let answer = browser.send(call_get(&action)).await;
        assert_eq!(answer.status, 405);

        // The sign-in form: what the cookie says has to stand in it.
        let mut fresh = Browser::new(instance);
        let page = fresh.open("/sign-in").await;
        let fields = credentials(PASSWORD);
        let bare = fresh.send(form("/sign-in", &fields)).await;
        bare.is_page(403);
        let wrong = [&fields[..], &[("form_token", &*zeros)]].concat();
        fresh.send(form("/sign-in", &wrong)).await.is_page(403);
        fresh.cookies.clear();
        fresh.submit(&page, &fields).await.is_page(403);
    })
    .await;
}

fn call_get(path: &str) -> crate::requests::Call {
    call(Method::GET, path)
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_after_signing_in() {
    for_each_app(async |instance| {
        for next in [
            "//evil.test",
            "///evil.test",
            "https://evil.test/",
            "http:evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "/\t/evil.test",
            "/\r\nLocation: https://evil.test",
            "javascript:alert(1)",
            "evil.test",
            "@evil.test",
            "/x//evil.test",
            " //evil.test",
            "/\u{7f}",
        ] {
            let mut browser = Browser::new(instance);
            let answer = browser.sign_in("admin@acme.test", next).await;
            assert_eq!(answer.leads_on(), "/", "{next}");
            // Nor by writing it into the form.
            let page = browser.open("/sign-in").await;
            let fields = [&credentials(PASSWORD)[..], &[("next", next)]].concat();
            let answer = browser.submit(&page, &fields).await;
            assert_eq!(answer.leads_on(), "/", "{next}");
        }
    })
    .await;
}

#[tokio::test]
async fn prompts_are_obeyed_once() {
    for_each_app(async |instance| {
        let id = app(instance, json!({})).await;
        let mut nobody = Browser::new(instance);
        let silent = with(request(&id), "prompt", Some("none"));
        nobody
            .open(&path(&silent))
            .await
            .sent_back("login_required");
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        browser
            .open(&path(&silent))
            .await
            .sent_back("consent_required");
        browser.allow(&request(&id)).await;
        browser.open(&path(&silent)).await.redirected(CALLBACK);

        // Signing in again, for all that there is a session and a grant.
        let again = with(request(&id), "prompt", Some("login"));
        let again = with(again, "login_hint", Some("admin@acme.test"));
        let location = browser.open(&path(&again)).await.leads_on().to_owned();
        let form = browser.open(&location).await;
        form.is_page(200);
        assert!(
            form.text.contains("value=\"admin@acme.test\""),
            "{}",
            form.text
        );
        assert!(form.text.contains("to continue to"));
        let policy = form.header("content-security-policy");
        assert!(policy.ends_with("form-action 'self' https:"), "{policy}");
        let next = browser
            .submit(&form, &credentials(PASSWORD))
            .await
            .leads_on()
            .to_owned();
        browser.open(&next).await.redirected(CALLBACK);

        let both = with(request(&id), "prompt", Some("login consent"));
        let location = browser.open(&path(&both)).await.leads_on().to_owned();
        let form = browser.open(&location).await;
        let next = browser
            .submit(&form, &credentials(PASSWORD))
            .await
            .leads_on()
            .to_owned();
        browser.open(&next).await.is_page(200);
        let select = with(request(&id), "prompt", Some("select_account"));
        let page = browser.open(&path(&select)).await;
        page.is_page(200);
        assert!(page.text.contains("Choose an account"));
    })
    .await;
}

#[tokio::test]
async fn a_stylesheet_is_kept_for_ever_under_its_own_name() {
    for_each_app(async |instance| {
        let page = instance.send(get("/sign-in")).await;
        let path = page.text.split("href=\"").find_map(|rest| {
            let path = rest.split('"').next()?;
            path.ends_with("css").then(|| path.to_owned())
        });
        let path = path.expect("a stylesheet");
        let sheet = instance.send(get(&path)).await;
        assert_eq!(sheet.status, 200);
        assert_eq!(sheet.header("content-type"), "text/css");
        assert_eq!(
            sheet.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        for other in ["/assets/x.css", "/assets/", "/assets/0000000000000000.css"] {
            assert_eq!(instance.send(get(other)).await.status, 404);
        }
        let plain = instance
            .send(get(&format!("/sign-in?next={}", escaped("/x"))))
            .await;
        let policy = plain.header("content-security-policy");
        assert!(policy.ends_with("form-action 'self'"), "{policy}");
    })
    .await;
}
