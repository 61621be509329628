//! Tokens that are bound to a key, at a protected resource (RFC 9449 section 7): the demo API, the
//! management routes, `/v1/verify` and gateways.

use claviger_model::Reason;
use claviger_verify::jose::hash_text;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::client_keys::ClientKey;
use super::dpop::{Binding, bound, for_each_binding, settings};
use crate::instance::{text, with_management};
use crate::requests::{Answer, get, post};

const PATH: &str = "/demo/v1/leads";

/// What a test changes of a question.
type Change<'a> = &'a dyn Fn(&mut Value);

/// A refusal of the proof, with its challenge.
#[track_caller]
fn unproven(answer: &Answer, error: &str) {
    let body = answer.is(401);
    assert_eq!(
        body["error"]["reason"],
        Reason::InvalidCredential.as_str(),
        "{answer:?}"
    );
    let challenges = answer.headers.get_all("www-authenticate").iter();
    let challenges: Vec<&str> = challenges
        .map(|value| value.to_str().expect("text"))
        .collect();
    let expected = format!("DPoP error=\"{error}\", algs=\"ES256 EdDSA Ed25519 PS256 RS256\"");
    assert_eq!(challenges[0], expected, "{answer:?}");
    assert!(
        challenges[1].starts_with("Bearer error=\"invalid_token\""),
        "{challenges:?}"
    );
}

#[tokio::test]
async fn a_bound_token_works_with_a_proof_and_in_no_other_way() {
    for_each_binding(&settings(false), async |binding| {
        let instance = binding.instance;
        let token = binding.token().await;
        let plain = binding.client.token(instance).await;
        let using =
            async |token: &str, proof: &str| instance.send(bound(get(PATH), token, proof)).await;
        let with = |changes: &Value| binding.use_of(&token, PATH, changes);
        let proof = with(&json!({}));
        using(&token, &proof).await.is(200);
        unproven(&using(&token, &proof).await, "invalid_dpop_proof");
        unproven(&instance.send(get(PATH).by(&token)).await, "invalid_token");
        let as_bearer = get(PATH).by(&token).header("dpop", &with(&json!({})));
        unproven(&instance.send(as_bearer).await, "invalid_token");
        let without = get(PATH).header("authorization", &format!("DPoP {token}"));
        unproven(&instance.send(without).await, "invalid_dpop_proof");
        let (one, other) = (with(&json!({})), with(&json!({})));
        let two = bound(get(PATH), &token, &one).header("dpop", &other);
        unproven(&instance.send(two).await, "invalid_dpop_proof");
        for changes in [
            json!({"ath": null}),
            json!({"ath": hash_text("other")}),
            json!({"htm": "POST"}),
            json!({"htu": format!("{}/demo/v1/people", instance.issuer())}),
            json!({"iat": instance.now() / 1_000 - 3_600}),
        ] {
            let answer = using(&token, &with(&changes)).await;
            unproven(&answer, "invalid_dpop_proof");
        }
        unproven(&using(&token, "garbage").await, "invalid_dpop_proof");
        let thief = Binding {
            instance,
            client: super::client(instance, json!({})).await,
            key: ClientKey::p256(),
        };
        let stolen = thief.use_of(&token, PATH, &json!({}));
        unproven(&using(&token, &stolen).await, "invalid_token");
        // A token that is bound to no key is sent as one, whatever is beside it.
        let proof = binding.use_of(&plain, PATH, &json!({}));
        unproven(&using(&plain, &proof).await, "invalid_token");
        instance
            .send(get(PATH).by(&plain).header("dpop", &proof))
            .await
            .is(200);
        let clocks = json!({"iat": instance.now() / 1_000 - 10});
        using(&token, &with(&clocks)).await.is(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_uses_of_a_proof_at_once_one_is_answered() {
    for_each_binding(&settings(false), async |binding| {
        let token = binding.token().await;
        let proof = binding.use_of(&token, PATH, &json!({}));
        let uses = (0..64).map(|_| binding.instance.send(bound(get(PATH), &token, &proof)));
        let answers = join_all(uses).await;
        assert_eq!(
            answers.iter().filter(|answer| answer.status == 200).count(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn gateways_pass_on_the_proof_and_where_the_request_went() {
    for_each_binding(&settings(false), async |binding| {
        let instance = binding.instance;
        let token = binding.token().await;
        let url = "https://live.acme.test/v1/leads";
        let with = |htu: &str| binding.use_of(&token, "", &json!({"htu": htu}));
        let forwarded = |proof: &str, scheme: Option<&str>| {
            let call = get("/verify/http")
                .header("x-forwarded-host", "live.acme.test")
                .header("x-forwarded-method", "GET")
                .header("x-forwarded-uri", "/v1/leads?page=2");
            let call = match scheme {
                Some(scheme) => call.header("x-forwarded-proto", scheme),
                None => call,
            };
            bound(call, &token, proof)
        };
        for scheme in [None, Some("https")] {
            let answer = instance.send_inside(forwarded(&with(url), scheme)).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let http = with("http://live.acme.test/v1/leads");
        let answer = instance.send_inside(forwarded(&http, Some("http"))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        for (proof, scheme) in [
            (with("http://live.acme.test/v1/leads"), Some("https")),
            (with("https://evil.test/v1/leads"), None),
            (with("https://live.acme.test/v1/people"), None),
            ("garbage".to_owned(), None),
        ] {
            let answer = instance.send_inside(forwarded(&proof, scheme)).await;
            unproven(&answer, "invalid_dpop_proof");
        }
        let nowhere = bound(get("/verify/http"), &token, &with(url));
        unproven(&instance.send_inside(nowhere).await, "invalid_dpop_proof");
    })
    .await;
}

#[tokio::test]
async fn the_verifier_is_told_scheme_proof_and_address() {
    for_each_binding(&settings(false), async |binding| {
        let token = binding.token().await;
        let url = "https://live.acme.test/v1/leads";
        let good = || {
            json!({"credential": token, "method": "GET", "path": "/v1/leads", "scheme": "DPoP",
                "dpop": binding.use_of(&token, "", &json!({"htu": url})), "url": url})
        };
        let decided = async |change: Change<'_>| {
            let mut question = good();
            change(&mut question);
            let call = post("/v1/verify", &question);
            binding.instance.send_inside(call).await.is(200)
        };
        assert_eq!(decided(&|_| {}).await["allowed"], true);
        let cases: [(Change<'_>, &str); 5] = [
            (
                &|question| question["scheme"] = Value::Null,
                "invalid_token",
            ),
            (
                &|question| question["scheme"] = json!("bearer"),
                "invalid_token",
            ),
            (
                &|question| question["dpop"] = Value::Null,
                "invalid_dpop_proof",
            ),
            (
                &|question| question["url"] = Value::Null,
                "invalid_dpop_proof",
            ),
            (
                &|question| question["method"] = json!("POST"),
                "invalid_dpop_proof",
            ),
        ];
        for (change, error) in cases {
            let decision = decided(change).await;
            assert_eq!(decision["allowed"], false);
            assert_eq!(decision["reason"], "invalid_credential");
            assert_eq!(decision["proof"], json!({"error": error}));
            assert_eq!(decision["credential"], Value::Null);
        }
        let mut wrong = good();
        wrong["scheme"] = json!("Basic");
        let answer = binding
            .instance
            .send_inside(post("/v1/verify", &wrong))
            .await;
        answer.refused_members(&["scheme"]);
        let foreign = post(
            "/v1/verify",
            &json!({"credential": "ck_live_x", "scheme": "DPoP"}),
        );
        let decision = binding.instance.send_inside(foreign).await.is(200);
        assert!(decision.get("proof").is_none());
    })
    .await;
}

#[tokio::test]
async fn the_management_routes_take_bound_tokens_in_the_same_way() {
    let settings = claviger_service::settings::Settings {
        oauth: settings(false).oauth,
        ..with_management()
    };
    for_each_binding(&settings, async |binding| {
        let instance = binding.instance;
        let scopes = json!({"scopes": ["keys:read"]});
        let manager = Binding {
            instance,
            client: super::client(instance, scopes).await,
            key: ClientKey::p256(),
        };
        let audience = [("audience", instance.issuer())];
        let call = manager.client.form(&audience);
        let call = call.header("dpop", &manager.proof_with(&json!({})));
        let given = instance.send(call).await.is(200);
        let token = text(&given, "access_token");
        let proof = manager.use_of(token, "/v1/keys", &json!({}));
        instance
            .send(bound(get("/v1/keys"), token, &proof))
            .await
            .is(200);
        unproven(
            &instance.send(bound(get("/v1/keys"), token, &proof)).await,
            "invalid_dpop_proof",
        );
        unproven(
            &instance.send(get("/v1/keys").by(token)).await,
            "invalid_token",
        );
        let session = instance.session("admin").await;
        let proof = manager.use_of(&session, "/v1/keys", &json!({}));
        let answer = instance
            .send(bound(get("/v1/keys"), &session, &proof))
            .await;
        unproven(&answer, "invalid_token");
    })
    .await;
}
