//! What nobody has issued costs no statement, wherever it is asked about.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_service::testing::with_failing;
use serde_json::json;

use super::instance::{Instance, for_each_app_with, with_management};
use super::keys::management_token;
use super::oauth::client;
use super::requests::{get, post};

/// How many of each kind.
const EACH: usize = 50;

/// Credentials that look right, each of another kind; `token` is one that is right.
fn unknown(instance: &Instance, token: &str) -> Vec<String> {
    let sources = instance.app().sources();
    let minted = |prefix: &str| sources.mint(prefix).expect("random").expose().to_owned();
    let random = sources.key().expect("random");
    let (head, _) = token.rsplit_once('.').expect("a signature");
    let other_kid = URL_SAFE_NO_PAD.encode(format!(
        "{{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"{}\"}}",
        URL_SAFE_NO_PAD.encode(&random[..16])
    ));
    let (_, rest) = token.split_once('.').expect("parts");
    let signature = URL_SAFE_NO_PAD.encode([&random[..], &random[..]].concat());
    vec![
        minted("ck_live_"),
        minted("ck_test_"),
        minted("ses_"),
        minted("cs_live_"),
        URL_SAFE_NO_PAD.encode(&random[..]),
        format!("{head}.{signature}"),
        format!("{other_kid}.{rest}"),
    ]
}

#[tokio::test]
async fn what_nobody_has_issued_costs_no_statement() {
    for_each_app_with(&with_management(), async |instance| {
        let token = management_token(instance, &["keys:read"]).await;
        let asker = client(instance, json!({})).await;
        let mut cells = 0;
        for _ in 0..EACH {
            for credential in unknown(instance, &token) {
                let question = json!({"credential": credential, "method": "GET",
                    "path": "/v1/leads"});
                let forwarded = get("/verify/http")
                    .header("x-forwarded-host", "live.acme.test")
                    .header("x-forwarded-method", "GET")
                    .header("x-forwarded-uri", "/v1/leads");
                let cookie = format!("claviger_session={credential}");
                let inside = [
                    ("verify", post("/v1/verify", &question)),
                    ("batch", post("/v1/verify/batch", &json!([question]))),
                    ("gateway", forwarded.by(&credential)),
                ];
                let outside = [
                    ("demo", get("/demo/v1/leads").by(&credential)),
                    ("REST", get("/v1/keys").by(&credential)),
                    ("whoami", get("/v1/whoami").by(&credential)),
                    ("page", get("/account").header("cookie", &cookie)),
                    (
                        "introspection",
                        asker.about("/oauth/introspect", &credential),
                    ),
                ];
                let inside = inside.map(|(what, call)| (what, call, true));
                let outside = outside.map(|(what, call)| (what, call, false));
                for (what, call, is_inside) in inside.into_iter().chain(outside) {
                    let answered = async {
                        if is_inside {
                            instance.send_inside(call).await
                        } else {
                            instance.send_from_here(call).await
                        }
                    };
                    let (answer, ran) = with_failing(None, answered).await;
                    assert_eq!(ran.count, 0, "{what} {credential}: {answer:?}");
                    assert!(answer.status < 500, "{what} {credential}: {answer:?}");
                    cells += 1;
                }
            }
        }
        instance.send(get("/v1/keys").by(&token)).await.is(200);
        eprintln!("unknown credential x use: {cells} questions, no statement");
    })
    .await;
}
