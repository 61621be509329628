//! Keys that were made elsewhere, through the routes by which gateways ask.

use std::io::Cursor;

use claviger_service::imports::{ImportOptions, import_keys, write_uses};
use claviger_service::testing::at_the_machine;
use serde_json::{Value, json};

use super::authorize::Browser;
use super::instance::{Instance, for_each_app, text};
use super::requests::{call, get, post};

const FAST: &str = "sk_old_9fQ2-abc.DEF/1+2";
const SHA256: &str = "f65940370b2c779f6c4af58889cc674b880880a8ce808a074fe48f52280e12d1";
const SLOW: &str = "sk_slow_bcrypt_0001";
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuu/c6zFL6ckBPpLnN0sILUqZaNB9mpwhq";

/// Takes over keys of Acme.
pub(crate) async fn import(instance: &Instance, lines: &[Value]) {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let options = ImportOptions {
        account_id: Some(instance.test().account.id),
        ..ImportOptions::default()
    };
    let access = at_the_machine().operator().expect("an operator");
    let mut source = Cursor::new(lines.join("\n"));
    let outcome = import_keys(instance.app(), &access, &mut source, &options, &mut |_| {}).await;
    let outcome = outcome.expect("an import");
    assert_eq!(outcome.fresh, lines.len() as u64, "{outcome:?}");
}

fn lines() -> [Value; 2] {
    let old = |name: &str| json!({"name": name, "scopes": ["read:leads"]});
    let (mut fast, mut slow) = (old("Fast"), old("Slow"));
    fast["hash"] = json!(SHA256);
    fast["algorithm"] = json!("sha256");
    slow["hash"] = json!(BCRYPT);
    slow["algorithm"] = json!("bcrypt");
    slow["lookup"] = json!("sk_slow");
    [fast, slow]
}

#[tokio::test]
async fn gateways_take_imported_keys_as_ordinary_ones() {
    for_each_app(async |instance| {
        import(instance, &lines()).await;
        for key in [FAST, SLOW] {
            for _ in 0..2 {
                let demo = instance.send(get("/demo/v1/leads").by(key)).await;
                assert_eq!(demo.status, 200, "{demo:?}");
                let refused = instance
                    .send(post("/demo/v1/leads", &json!({})).by(key))
                    .await;
                assert_eq!(refused.status, 403, "{refused:?}");
                let gateway = call(http::Method::GET, "/verify/http")
                    .by(key)
                    .header("x-forwarded-host", "live.acme.test")
                    .header("x-forwarded-method", "GET")
                    .header("x-forwarded-uri", "/v1/leads");
                let answer = instance.send_inside(gateway).await;
                assert_eq!(answer.status, 200, "{answer:?}");
                assert!(answer.header("claviger-credential").starts_with("key_"));
                instance
                    .check(&format!("{key}x"), json!({}), "invalid_credential")
                    .await;
                write_uses(instance.app()).await.expect("written");
            }
        }
        let batch =
            json!([{"credential": FAST}, {"credential": SLOW}, {"credential": "sk_slow_no"}]);
        let answer = instance
            .send_inside(post("/v1/verify/batch", &batch))
            .await
            .is(200);
        let allowed: Vec<&Value> = answer["data"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| &one["allowed"])
            .collect();
        assert_eq!(allowed, [true, true, false]);
    })
    .await;
}

#[tokio::test]
async fn the_portal_lists_finds_and_revokes_them() {
    for_each_app(async |instance| {
        import(instance, &lines()).await;
        let admin = instance.session("admin").await;
        let listed = instance.send(get("/api/keys").by(&admin)).await.is(200);
        assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
        let mut browser = Browser::of(instance, "admin@acme.test").await;
        browser.open("/keys").await.tells("Slow");
        for (key, name) in [(FAST, "Fast"), (SLOW, "Slow")] {
            let found = browser.fill_in("/find", &[("q", key)]).await;
            found.tells(name);
            found.tells_not(key);
        }
        let nothing = browser
            .fill_in("/find", &[("q", "sk_slow_bcrypt_0002")])
            .await;
        nothing.tells_not("What you pasted");
        for key in listed.as_array().expect("a list") {
            let path = format!("/api/keys/{}", text(key, "id"));
            let revoked = instance
                .send(super::requests::delete(&path).by(&admin))
                .await;
            assert_eq!(revoked.is(200), json!({"ok": true}));
        }
        for key in [FAST, SLOW] {
            instance.check(key, json!({}), "revoked").await;
        }
        let events = instance
            .send(get("/v1/audit?action=key.imported").by(&admin))
            .await
            .is(200);
        assert_eq!(events["data"].as_array().map(Vec::len), Some(2));
    })
    .await;
}
