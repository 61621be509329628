//! `/v1/leaks`, `/v1/leaks/github` and `/leaked`: credentials that others can read.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_model::Reason;
use claviger_service::leaks::{REPORT_TIME, github};
use claviger_service::settings::{LeakPolicy, Settings};
use claviger_service::sources::Sources;
use claviger_service::testing::ConnectedApp;
use http::Method;
use serde_json::{Value, json};

use super::authorize::Browser;
use super::disable::exchanged;
use super::imports::import;
use super::instance::{Instance, for_each_app, for_each_app_with, text};
use super::oauth::fetched_keys::KeyServer;
use super::oauth::{client, form};
use super::requests::{Answer, call, get, patch, post};

async fn report(instance: &Instance, credential: &str) {
    let body = json!({ "credential": credential });
    let answer = instance.send(post("/v1/leaks", &body)).await;
    assert_eq!(answer.is(200), json!({"ok": true}));
}

fn boot_millis(instance: &Instance) -> u64 {
    instance.app().sources().both().boot_nanos / 1_000_000
}

async fn events(instance: &Instance, action: &str) -> Vec<Value> {
    let operator = instance.session("operator").await;
    let path = format!("/v1/audit?action={action}&limit=100");
    let page = instance.send(get(&path).by(&operator)).await.is(200);
    page["data"].as_array().expect("a list").clone()
}

fn with_policy(policy: LeakPolicy) -> Settings {
    let mut settings = Settings::default();
    settings.leaks.policy = policy;
    settings
}

#[tokio::test]
async fn whoever_holds_a_credential_ends_it_and_is_told_nothing() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let (key, id) = (text(&made, "key"), text(&made, "id"));
        instance.check(key, json!({}), "allowed").await;
        let wrong = if key.ends_with('x') { 'y' } else { 'x' };
        let mistyped = format!("{}{wrong}", &key[..key.len() - 1]);
        let mut took = Vec::new();
        for credential in [mistyped.as_str(), "nonsense", "", key, key] {
            let start = boot_millis(instance);
            report(instance, credential).await;
            took.push(boot_millis(instance) - start);
        }
        // No answer comes before the time that every answer takes.
        for time in &took {
            let least = u64::try_from(REPORT_TIME.as_millis()).expect("a number");
            assert!(*time >= least, "{took:?}");
        }
        instance.check(key, json!({}), "revoked").await;
        let leaked = events(instance, "credential.leaked").await;
        assert_eq!(leaked.len(), 1, "{leaked:?}");
        assert_eq!(
            (&leaked[0]["target"], &leaked[0]["actor"]),
            (&json!(id), &json!("leak-report"))
        );
        assert_eq!(leaked[0]["after"]["policy"], "revoke");
        let revoked = events(instance, "key.revoked").await;
        assert_eq!(
            (revoked.len(), &revoked[0]["actor"]),
            (1, &json!("leak-report"))
        );
        assert!(!leaked[0].to_string().contains(key));

        let admin = instance.session("admin").await;
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        drop(admin);
        let page = browser.open(&format!("/keys/{id}")).await;
        page.tells("somebody who holds it");
    })
    .await;
}

#[tokio::test]
async fn every_kind_of_credential_is_ended() {
    for_each_app(async |instance| {
        let admin = instance.session("admin").await;
        let made = instance
            .send(post("/v1/legacy-key", &json!({})).by(&admin))
            .await;
        let legacy = text(&made.is(201), "key").to_owned();
        let client = client(instance, json!({})).await;
        let token = client.token(instance).await;
        let session = instance.sign_in("owner@acme.test").await;
        let test = instance.test();
        let app = ConnectedApp::make(&test.app, test.account.id).await;
        let (_, tokens) = exchanged(instance, &app, &test.owner).await;
        let (refresh, access) = (
            text(&tokens, "refresh_token"),
            text(&tokens, "access_token"),
        );

        report(instance, &token).await;
        instance.check(&token, json!({}), "revoked").await;
        let next = client.token(instance).await;
        instance.check(&next, json!({}), "allowed").await;
        report(instance, &client.secret).await;
        let refused = instance.send(client.form(&[])).await;
        assert_eq!(refused.status, 401, "{refused:?}");
        instance.check(&next, json!({}), "revoked").await;
        report(instance, &session).await;
        instance
            .send(get("/v1/whoami").by(&session))
            .await
            .refused(Reason::Revoked);
        instance.check(access, json!({}), "allowed").await;
        report(instance, refresh).await;
        instance.check(access, json!({}), "revoked").await;
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let again = form("/oauth/token", &parameters)
            .basic(&app.client.id.to_string(), app.secret.expose());
        assert_eq!(instance.send(again).await.status, 400);
        report(instance, &legacy).await;
        let again = instance
            .send(post("/v1/legacy-key", &json!({})).by(&admin))
            .await;
        let fresh = text(&again.is(201), "key").to_owned();
        // The one that took its place stays.
        report(instance, &legacy).await;
        let shown = instance
            .send(get("/v1/legacy-key").by(&admin))
            .await
            .is(200);
        assert_eq!(shown["revoked_at"], Value::Null, "{fresh}");
        let kinds: Vec<Value> = events(instance, "credential.leaked")
            .await
            .iter()
            .map(|event| event["after"]["kind"].clone())
            .collect();
        let expected = [
            "legacy_key",
            "refresh_token",
            "session",
            "client_secret",
            "access_token",
        ];
        assert_eq!(kinds, expected);
    })
    .await;
}

#[tokio::test]
async fn quarantine_switches_a_key_off_and_notice_only_tells() {
    for_each_app_with(&with_policy(LeakPolicy::Quarantine), async |instance| {
        let made = instance.key(json!({})).await;
        report(instance, text(&made, "key")).await;
        instance
            .check(text(&made, "key"), json!({}), "inactive")
            .await;
        instance.edit_key(&made, json!({"active": true})).await;
        instance
            .check(text(&made, "key"), json!({}), "allowed")
            .await;
        // Reported again: it is out of use again, and written down once a day.
        report(instance, text(&made, "key")).await;
        instance
            .check(text(&made, "key"), json!({}), "inactive")
            .await;
        assert_eq!(events(instance, "credential.leaked").await.len(), 1);
    })
    .await;
    for_each_app_with(&with_policy(LeakPolicy::Notify), async |instance| {
        let made = instance.key(json!({})).await;
        for _ in 0..3 {
            report(instance, text(&made, "key")).await;
        }
        instance
            .check(text(&made, "key"), json!({}), "allowed")
            .await;
        assert_eq!(events(instance, "credential.leaked").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn reports_are_limited_whatever_they_hold() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let body = json!({ "credential": "nonsense" });
        let calls = (0..40).map(|_| instance.send(post("/v1/leaks", &body)));
        let answers = futures_util::future::join_all(calls).await;
        assert!(answers.iter().any(|answer| answer.status == 429));
        let body = json!({ "credential": made["key"] });
        let limited = instance.send(post("/v1/leaks", &body)).await;
        limited.refused(Reason::RateLimited);
        instance
            .send(post("/v1/leaks", &json!({})))
            .await
            .refused_members(&["credential"]);
    })
    .await;
}

#[tokio::test]
async fn the_page_takes_a_credential_from_anybody() {
    for_each_app(async |instance| {
        let made = instance.key(json!({})).await;
        let mut browser = Browser::new(instance);
        let page = browser.open("/leaked").await;
        page.is_page(200);
        let empty = browser.submit(&page, &[("credential", " ")]).await;
        empty.tells("Enter the whole credential.");
        let done = browser
            .submit(&page, &[("credential", text(&made, "key"))])
            .await;
        done.tells("Thank you");
        done.tells_not(text(&made, "key"));
        instance
            .check(text(&made, "key"), json!({}), "revoked")
            .await;
    })
    .await;
}

#[tokio::test]
async fn an_imported_key_is_ended_too_before_and_after_its_first_use() {
    for_each_app(async |instance| {
        let bcrypt = "$2b$04$abcdefghijklmnopqrstuu/c6zFL6ckBPpLnN0sILUqZaNB9mpwhq";
        import(
            instance,
            &[
                json!({"name": "Old", "scopes": ["read:leads"], "hash": bcrypt,
            "algorithm": "bcrypt", "lookup": "sk_slow"}),
            ],
        )
        .await;
        report(instance, "sk_slow_bcrypt_0001").await;
        instance
            .check("sk_slow_bcrypt_0001", json!({}), "revoked")
            .await;
        assert_eq!(events(instance, "key.revoked").await.len(), 1);
    })
    .await;
}

/// GitHub, as far as its alerts go.
struct GitHub {
    pair: EcdsaKeyPair,
}

fn system_random() -> SystemRandom {
    Sources::system().expect("random bytes").system_random()
}

impl GitHub {
    fn new() -> Self {
        let random = system_random();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref());
        Self {
            pair: pair.expect("a key"),
        }
    }

    fn document(&self) -> Value {
        let mut der = vec![
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
            0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        der.extend_from_slice(self.pair.public_key().as_ref());
        let body = STANDARD.encode(der);
        let (first, rest) = body.split_at(64);
        let pem =
            format!("-----BEGIN PUBLIC KEY-----\n{first}\n{rest}\n-----END PUBLIC KEY-----\n");
        json!({"public_keys": [{"key_identifier": "key-1", "key": pem, "is_current": true}]})
    }

    async fn send(
        &self,
        instance: &Instance,
        body: &str,
        identifier: &str,
        signed: &str,
    ) -> Answer {
        let signature = self
            .pair
            .sign(&system_random(), signed.as_bytes())
            .expect("a signature");
        let request = call(Method::POST, "/v1/leaks/github")
            .header("content-type", "application/json")
            .header("github-public-key-identifier", identifier)
            .header(
                "github-public-key-signature",
                &STANDARD.encode(signature.as_ref()),
            )
            .raw(body);
        instance.send(request).await
    }
}

fn alert(credential: &str) -> String {
    json!([
        {"token": credential, "type": "acme_key", "url": "https://github.com/o/r/blob/1/f", "source": "content"},
        {"token": "ck_live_none", "type": "acme_key", "url": "", "source": "commit"},
    ])
    .to_string()
}

#[tokio::test]
async fn an_alert_of_github_ends_what_it_names_and_a_forged_or_replayed_one_nothing() {
    let scanner = GitHub::new();
    let mut settings = with_policy(LeakPolicy::Quarantine);
    settings.leaks.github = true;
    let keys = github::read_keys(scanner.document().to_string().as_bytes());
    settings.leaks.github_keys = Some(keys.expect("keys"));
    for_each_app_with(&settings, async |instance| {
        let made = instance.key(json!({})).await;
        let key = text(&made, "key");
        let body = alert(key);
        for (identifier, signed) in [("key-1", "other"), ("key-2", &body)] {
            let forged = scanner.send(instance, &body, identifier, signed).await;
            forged.refused(Reason::InvalidCredential);
        }
        let foreign = GitHub::new().send(instance, &body, "key-1", &body).await;
        foreign.refused(Reason::InvalidCredential);
        let unsigned = instance
            .send(call(Method::POST, "/v1/leaks/github").raw(body.clone()))
            .await;
        unsigned.refused(Reason::InvalidCredential);
        instance.check(key, json!({}), "allowed").await;

        let answer = scanner.send(instance, &body, "key-1", &body).await;
        let feedback = answer.is(200);
        assert_eq!(
            (&feedback[0]["label"], &feedback[1]["label"]),
            (&json!("true_positive"), &json!("false_positive"))
        );
        assert_eq!(feedback[0]["token_type"], "acme_key");
        instance.check(key, json!({}), "inactive").await;
        let leaked = events(instance, "credential.leaked").await;
        assert_eq!(leaked[0]["after"]["url"], "https://github.com/o/r/blob/1/f");

        // Its owner has looked at it; the same alert does not switch it off again.
        instance.edit_key(&made, json!({"active": true})).await;
        let again = scanner.send(instance, &body, "key-1", &body).await;
        assert_eq!(again.is(200), feedback);
        instance.check(key, json!({}), "allowed").await;
        assert_eq!(events(instance, "credential.leaked").await.len(), 1);
        let nonsense = scanner.send(instance, "{}", "key-1", "{}").await;
        nonsense.refused(Reason::Malformed);

        let mut browser = Browser::of(instance, "admin@acme.test").await;
        let page = browser.open(&format!("/keys/{}", text(&made, "id"))).await;
        page.tells("secret scanning, at https://github.com/o/r/blob/1/f");
    })
    .await;
    for_each_app(async |instance| {
        let off = scanner.send(instance, "[]", "key-1", "[]").await;
        off.refused(Reason::NotFound);
    })
    .await;
}

#[tokio::test]
async fn keys_of_github_are_fetched_when_an_alert_names_one_and_not_for_every_made_up_name() {
    let scanner = GitHub::new();
    let server = KeyServer::start(&scanner.document()).await;
    let mut settings = with_policy(LeakPolicy::Revoke);
    settings.leaks.github = true;
    settings.leaks.github_keys_url = server.url.clone();
    settings.oauth.fetch_networks = vec!["127.0.0.0/8".parse().expect("a network")];
    for_each_app_with(&settings, async |instance| {
        let made = instance.key(json!({})).await;
        let body = alert(text(&made, "key"));
        let asked = server.asked();
        for name in ["made-up-1", "made-up-2", "made-up-3"] {
            let forged = scanner.send(instance, &body, name, &body).await;
            forged.refused(Reason::InvalidCredential);
        }
        scanner.send(instance, &body, "key-1", &body).await.is(200);
        assert_eq!(server.asked(), asked + 1);
        instance
            .check(text(&made, "key"), json!({}), "revoked")
            .await;
    })
    .await;
}

#[tokio::test]
async fn every_secret_of_ours_matches_the_pattern_and_other_text_does_not() {
    for_each_app(async |instance| {
        let shown = instance.send(get("/v1/instance")).await.is(200);
        let pattern = text(&shown["credentials"], "pattern").to_owned();
        let prefixes = pattern
            .strip_prefix("\\b(")
            .and_then(|rest| rest.strip_suffix(")[0-9A-Za-z]{48}\\b"));
        let prefixes: Vec<&str> = prefixes.expect("a pattern").split('|').collect();
        // What the expression says, without an engine for it.
        let matches = |text: &str| {
            let word = |at: char| at.is_ascii_alphanumeric() || at == '_';
            text.split(|at| !word(at)).any(|word| {
                prefixes.iter().any(|prefix| {
                    let body = word.strip_prefix(prefix);
                    body.is_some_and(|body| {
                        body.len() == 48 && body.bytes().all(|b| b.is_ascii_alphanumeric())
                    })
                })
            })
        };
        let admin = instance.session("admin").await;
        let live = instance.key(json!({})).await;
        let test = instance.key(json!({"environment": "test"})).await;
        let legacy = instance
            .send(post("/v1/legacy-key", &json!({})).by(&admin))
            .await
            .is(201);
        let client = client(instance, json!({})).await;
        let app = ConnectedApp::make(instance.app(), instance.test().account.id).await;
        let (_, tokens) = exchanged(instance, &app, &instance.test().owner).await;
        for secret in [
            text(&live, "key"),
            text(&test, "key"),
            text(&legacy, "key"),
            &client.secret,
            &admin,
            text(&tokens, "refresh_token"),
        ] {
            assert!(matches(secret), "{secret}");
            assert!(matches(&format!("KEY=\"{secret}\"\n")));
        }
        for other in [
            "a typical line of code: let key = load(\"ck_live_\");",
            "ck_live_short",
            &format!("x{}", text(&live, "key")),
            &format!("{}0", text(&live, "key")),
            "sha512-0123456789012345678901234567890123456789012345678901234567890123456789",
        ] {
            assert!(!matches(other), "{other}");
        }
        let patched = patch("/v1/instance", &json!({}));
        assert_eq!(instance.send(patched).await.status, 405);
    })
    .await;
}
