//! Tokens that are bound to a key (RFC 9449): at the token endpoint, and what is said of them.

use claviger_service::settings::{OAuthSettings, Settings};
use claviger_verify::jose::{PublicKey, hash_text};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::client_keys::{ClientKey, base64};
use super::{TestClient, claims, client};
use crate::instance::{API, Instance, for_each_app, for_each_app_with, merged, text};
use crate::requests::{Answer, Call, get};

/// The settings of an instance that binds tokens.
pub(super) fn settings(dpop_nonces: bool) -> Settings {
    Settings {
        oauth: OAuthSettings {
            dpop: true,
            dpop_nonces,
            ..OAuthSettings::default()
        },
        ..Settings::default()
    }
}

/// A client of an instance that binds tokens, and a key.
pub(super) struct Binding<'a> {
    pub(super) instance: &'a Instance,
    pub(super) client: TestClient,
    pub(super) key: ClientKey,
}

pub(super) async fn for_each_binding(settings: &Settings, test: impl AsyncFn(&Binding<'_>)) {
    for_each_app_with(settings, async |instance| {
        let client = client(instance, json!({})).await;
        let key = ClientKey::p256();
        test(&Binding {
            instance,
            client,
            key,
        })
        .await;
    })
    .await;
}

pub(super) fn thumbprint(key: &ClientKey) -> String {
    let jwk = key.jwk();
    let key = PublicKey::from_jwk(jwk.as_object().expect("an object"));
    key.expect("a key").thumbprint().as_str().to_owned()
}

/// What a good proof for this request says, with these changes; a member that is null is left out.
pub(super) fn proof_claims(
    instance: &Instance,
    method: &str,
    path: &str,
    changes: &Value,
) -> Value {
    let id = instance.app().sources().request_id().to_string();
    let good = json!({"jti": id, "htm": method, "htu": format!("{}{path}", instance.issuer()),
        "iat": instance.now() / 1_000});
    let mut claims = merged(&good, changes);
    let members = claims.as_object_mut().expect("an object");
    members.retain(|_, value| !value.is_null());
    claims
}

impl Binding<'_> {
    pub(super) fn proof_with(&self, changes: &Value) -> String {
        let claims = proof_claims(self.instance, "POST", "/oauth/token", changes);
        self.key.proof(&claims)
    }

    pub(super) fn asking(&self, proof: &str) -> Call {
        self.client.form(&[]).header("dpop", proof)
    }

    pub(super) async fn asked(&self, proof: &str) -> Answer {
        self.instance.send(self.asking(proof)).await
    }

    /// A token that is bound to the key.
    pub(super) async fn token(&self) -> String {
        let given = self.asked(&self.proof_with(&json!({}))).await.is(200);
        text(&given, "access_token").to_owned()
    }

    /// A proof for a GET of this path with this token, with these changes.
    pub(super) fn use_of(&self, token: &str, path: &str, changes: &Value) -> String {
        let ath = json!({"ath": hash_text(token)});
        let claims = proof_claims(self.instance, "GET", path, &merged(&ath, changes));
        self.key.proof(&claims)
    }
}

#[tokio::test]
async fn a_proof_makes_a_token_that_is_bound_to_its_key() {
    for key in [ClientKey::p256, ClientKey::ed25519, ClientKey::rsa] {
        for_each_binding(&settings(false), async |binding| {
            let binding = &Binding {
                key: key(),
                instance: binding.instance,
                client: TestClient {
                    id: binding.client.id.clone(),
                    secret: binding.client.secret.clone(),
                    secret_id: String::new(),
                },
            };
            let given = binding.asked(&binding.proof_with(&json!({}))).await.is(200);
            assert_eq!(given["token_type"], "DPoP");
            let token = text(&given, "access_token");
            let jkt = json!({"jkt": thumbprint(&binding.key)});
            assert_eq!(claims(token)["cnf"], jkt);
            let told = binding.client.introspect(binding.instance, token).await;
            assert_eq!((&told["token_type"], &told["cnf"]), (&json!("DPoP"), &jkt));
            // Without a proof it is what it always was.
            let plain = binding.client.token_with(binding.instance, &[]).await;
            assert_eq!(plain["token_type"], "Bearer");
            assert!(claims(text(&plain, "access_token")).get("cnf").is_none());
        })
        .await;
    }
}

#[tokio::test]
async fn a_proof_with_anything_wrong_is_invalid_dpop_proof() {
    for_each_binding(&settings(false), async |binding| {
        let now = binding.instance.now() / 1_000;
        let refused = async |proof: &str| {
            let answer = binding.asked(proof).await;
            assert_eq!(answer.status, 400, "{proof}: {answer:?}");
            answer.oauth_error(400, "invalid_dpop_proof");
        };
        for changes in [
            json!({"jti": null}),
            json!({"jti": ""}),
            json!({"htm": null}),
            json!({"htm": "GET"}),
            json!({"htu": null}),
            json!({"htu": "https://evil.test/oauth/token"}),
            json!({"htu": format!("{}/connect/token", binding.instance.issuer())}),
            json!({"iat": null}),
            json!({"iat": now - 3_600}),
            json!({"iat": now + 3_600}),
            json!({"iat": "now"}),
        ] {
            refused(&binding.proof_with(&changes)).await;
        }
        let claims = proof_claims(binding.instance, "POST", "/oauth/token", &json!({}));
        let good = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": binding.key.jwk()});
        let mut private = good.clone();
        private["jwk"]["d"] = json!("AQAB");
        for changes in [
            json!({"typ": null}),
            json!({"typ": "JWT"}),
            json!({"alg": null}),
            json!({"alg": "none"}),
            json!({"alg": "HS256"}),
            json!({"jwk": null}),
            json!({"jwk": ClientKey::p256().jwk()}),
            json!({"jwk": private["jwk"]}),
            json!({"crit": ["jwk"]}),
        ] {
            let mut header = merged(&good, &changes);
            let members = header.as_object_mut().expect("an object");
            members.retain(|_, value| !value.is_null());
            refused(&binding.key.signed(&header, &claims)).await;
        }
        let (head, body) = (base64(good.to_string()), base64(claims.to_string()));
        for proof in [
            format!("{head}.{body}."),
            format!("{head}.{body}.AAAA"),
            "x".to_owned(),
        ] {
            refused(&proof).await;
        }
        let (one, other) = (
            binding.proof_with(&json!({})),
            binding.proof_with(&json!({})),
        );
        let two = binding.asking(&one).header("dpop", &other);
        let answer = binding.instance.send(two).await;
        answer.oauth_error(400, "invalid_dpop_proof");
    })
    .await;
}

#[tokio::test]
async fn clocks_may_differ_by_seconds_and_addresses_in_what_means_nothing() {
    for_each_binding(&settings(false), async |binding| {
        let now = binding.instance.now() / 1_000;
        let url = format!("{}/oauth/token", binding.instance.issuer());
        for changes in [
            json!({"iat": now + 10}),
            json!({"iat": now - 10}),
            json!({"htu": format!("{url}?x=1#y")}),
            json!({"htu": url.replace("http://", "HTTP://")}),
            json!({"more": [1]}),
        ] {
            binding.asked(&binding.proof_with(&changes)).await.is(200);
        }
        let connect = format!("{}/connect/token", binding.instance.issuer());
        let proof = binding.proof_with(&json!({"htu": connect}));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &*binding.client.id),
            ("client_secret", &*binding.client.secret),
        ];
        let call = super::form("/connect/token", &form).header("dpop", &proof);
        binding.instance.send(call).await.is(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_proof_is_used_once_however_many_send_it_at_once() {
    for_each_binding(&settings(false), async |binding| {
        let proof = binding.proof_with(&json!({}));
        let answers = join_all((0..64).map(|_| binding.asked(&proof))).await;
        assert_eq!(
            answers.iter().filter(|answer| answer.status == 200).count(),
            1
        );
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            answer.oauth_error(400, "invalid_dpop_proof");
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_whose_tokens_have_to_be_bound_gets_no_other() {
    for_each_binding(&settings(false), async |binding| {
        let (instance, client) = (binding.instance, &binding.client);
        let bound = json!({"dpop_bound_access_tokens": true});
        client.edit(instance, bound).await;
        let answer = instance.send(client.form(&[])).await;
        answer.oauth_error(400, "invalid_dpop_proof");
        let given = binding.asked(&binding.proof_with(&json!({}))).await.is(200);
        assert_eq!(given["token_type"], "DPoP");
    })
    .await;
}

#[tokio::test]
async fn where_nonces_are_asked_for_a_proof_without_gets_one_and_works_then() {
    for_each_binding(&settings(true), async |binding| {
        let instance = binding.instance;
        let answer = binding.asked(&binding.proof_with(&json!({}))).await;
        answer.oauth_error(400, "use_dpop_nonce");
        let nonce = answer.header("dpop-nonce").to_owned();
        let with = |nonce: &str| binding.proof_with(&json!({"nonce": nonce}));
        let answer = binding.asked(&with(&nonce)).await;
        assert_eq!(answer.is(200)["token_type"], "DPoP");
        assert!(!answer.header("dpop-nonce").is_empty());
        let token = answer.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let answer = binding.asked(&with("made-up")).await;
        answer.oauth_error(400, "use_dpop_nonce");
        // The same at a resource.
        let using = |changes: &Value| {
            let proof = binding.use_of(&token, "/demo/v1/leads", changes);
            bound(get("/demo/v1/leads"), &token, &proof)
        };
        let answer = instance.send(using(&json!({}))).await;
        assert_eq!(answer.status, 401);
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("DPoP error=\"use_dpop_nonce\""),
            "{challenge}"
        );
        let nonce = answer.header("dpop-nonce").to_owned();
        instance.send(using(&json!({"nonce": nonce}))).await.is(200);
        // Old ones are not taken for ever.
        instance.pass(600_000).await;
        let answer = binding.asked(&with(&nonce)).await;
        answer.oauth_error(400, "use_dpop_nonce");
        assert_ne!(answer.header("dpop-nonce"), nonce);
    })
    .await;
}

/// A request with a token that is bound to a key.
pub(super) fn bound(call: Call, token: &str, proof: &str) -> Call {
    call.header("authorization", &format!("DPoP {token}"))
        .header("dpop", proof)
}

#[tokio::test]
async fn it_is_in_the_metadata_where_it_is_switched_on_and_ignored_where_not() {
    let server = "/.well-known/oauth-authorization-server";
    let resource = "/.well-known/oauth-protected-resource";
    for_each_binding(&settings(false), async |binding| {
        for path in [server, resource] {
            let call = get(path).header("host", "live.acme.test");
            let document = binding.instance.send(call).await.is(200);
            assert_eq!(
                document["dpop_signing_alg_values_supported"],
                json!(["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]),
                "{path}"
            );
        }
    })
    .await;
    for_each_app(async |instance| {
        for path in [server, resource] {
            let call = get(path).header("host", "live.acme.test");
            let document = instance.send(call).await.is(200);
            assert!(document.get("dpop_signing_alg_values_supported").is_none());
        }
        let client = client(instance, json!({})).await;
        let call = client.form(&[("audience", API)]).header("dpop", "garbage");
        assert_eq!(instance.send(call).await.is(200)["token_type"], "Bearer");
    })
    .await;
}
