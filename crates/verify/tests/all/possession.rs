//! Tokens that are bound to a key, at a resource (RFC 9449 section 7).

use claviger_model::Reason;
use claviger_model::ids::TokenId;
use claviger_model::tokens::{Audience, Claims, Confirmation};
use claviger_verify::jose::dpop::BadProof;
use claviger_verify::jose::hash_text;
use claviger_verify::possession::{RequestUrl, Scheme, Sent, Unproven};
use claviger_verify::{Now, Request};
use serde_json::{Value, json};

use crate::client_keys::ClientKey;
use crate::issuer::{claims, signed};
use crate::support::{ASKED, ISSUER, Instance, NOW, key};

const URL: &str = "https://api.acme.test/base/v1/leads";

struct Bound {
    instance: Instance,
    key: ClientKey,
    token: String,
}

fn thumbprint(key: &ClientKey) -> String {
    let jwk = key.jwk();
    let key = claviger_verify::jose::PublicKey::from_jwk(jwk.as_object().unwrap());
    key.unwrap().thumbprint().as_str().to_owned()
}

fn bound_on(instance: Instance) -> Bound {
    let key = ClientKey::p256();
    let token = signed(
        &Claims {
            cnf: Some(Confirmation {
                jkt: thumbprint(&key),
            }),
            ..claims()
        },
        1,
    );
    Bound {
        instance,
        key,
        token,
    }
}

fn bound() -> Bound {
    bound_on(Instance::with_client())
}

fn sent(proof: &str) -> Sent<'_> {
    Sent {
        scheme: Scheme::Dpop,
        proof: Some(proof),
        url: RequestUrl::Whole(URL),
    }
}

fn asking(proof: &str) -> Request<'_> {
    Request {
        sent: sent(proof),
        ..ASKED
    }
}

impl Bound {
    fn proof_claims(&self, id: &str) -> Value {
        json!({"jti": id, "htm": "GET", "htu": URL, "iat": NOW.wall.0 / 1_000,
            "ath": hash_text(&self.token)})
    }

    fn proof(&self, id: &str) -> String {
        self.key.proof(&self.proof_claims(id))
    }

    /// What is against it; nothing when it is allowed.
    fn asked(&self, sent: Sent<'_>) -> Option<Unproven> {
        let decision = self
            .instance
            .decide_text(&self.token, &Request { sent, ..ASKED });
        if decision.is_allowed() {
            return None;
        }
        assert_eq!(decision.reason, Reason::InvalidCredential);
        assert!(decision.credential.is_none());
        assert_eq!(decision.message(), decision.unproven().unwrap().to_string());
        decision.unproven()
    }
}

#[test]
fn a_bound_token_needs_its_scheme_and_a_proof_by_its_key_for_this_request() {
    let bound = bound();
    assert_eq!(bound.asked(sent(&bound.proof("1"))), None);
    assert_eq!(bound.asked(Sent::BEARER), Some(Unproven::Bound));
    let proof = bound.proof("2");
    let as_bearer = Sent {
        scheme: Scheme::Bearer,
        ..sent(&proof)
    };
    assert_eq!(bound.asked(as_bearer), Some(Unproven::Bound));
    let without = Sent {
        proof: None,
        ..sent("")
    };
    assert_eq!(bound.asked(without), Some(Unproven::Missing));
    let nowhere = Sent {
        url: RequestUrl::Unknown,
        ..sent(&proof)
    };
    assert_eq!(bound.asked(nowhere), Some(Unproven::UrlUnknown));
    let foreign = ClientKey::p256().proof(&bound.proof_claims("3"));
    assert_eq!(bound.asked(sent(&foreign)), Some(Unproven::WrongKey));
    let with = |name: &str, value: Value| {
        let mut claims = bound.proof_claims("4");
        claims[name] = value;
        bound.asked(sent(&bound.key.proof(&claims)))
    };
    let bad = |why| Some(Unproven::Bad(why));
    assert_eq!(
        with("ath", json!(hash_text("other"))),
        bad(BadProof::TokenHash)
    );
    assert_eq!(with("ath", Value::Null), bad(BadProof::Claims));
    assert_eq!(with("htm", json!("POST")), bad(BadProof::Method));
    assert_eq!(
        with("htu", json!("https://api.acme.test/v1/leads")),
        bad(BadProof::Url)
    );
    assert_eq!(with("iat", json!(1)), bad(BadProof::Time));
    // None of these used the proof up.
    assert_eq!(bound.asked(sent(&proof)), None);
    assert_eq!(bound.asked(sent(&proof)), Some(Unproven::Used));
    let again = bound.key.proof(&bound.proof_claims("2"));
    assert_eq!(bound.asked(sent(&again)), Some(Unproven::Used));
    for url in [
        RequestUrl::Below {
            base: "https://api.acme.test",
            path: "/base/v1/leads?page=2",
        },
        RequestUrl::Forwarded {
            scheme: "https",
            host: "API.acme.test:443",
            target: "/base/v1/leads?page=2",
        },
    ] {
        let proof = bound.proof(&format!("{url:?}"));
        let sent = Sent {
            url,
            ..sent(&proof)
        };
        assert_eq!(bound.asked(sent), None);
    }
}

#[test]
fn what_is_bound_to_no_key_is_sent_as_bearer() {
    let mut bound = bound();
    let proof = bound.proof("1");
    let secret = bound.instance.put(&key());
    for credential in [signed(&claims(), 1), secret.expose().to_owned()] {
        bound.token = credential;
        assert_eq!(bound.asked(sent(&proof)), Some(Unproven::NotBound));
        let as_bearer = Sent {
            scheme: Scheme::Bearer,
            ..sent("garbage")
        };
        assert_eq!(bound.asked(as_bearer), None);
    }
    // Of what is no credential nothing is told.
    for garbage in ["garbage", "a.b.c"] {
        let decision = bound.instance.decide_text(garbage, &asking(&proof));
        assert_eq!(
            (decision.reason, decision.note),
            (Reason::InvalidCredential, None)
        );
    }
}

#[test]
fn of_many_uses_of_a_proof_at_once_one_is_allowed() {
    let bound = bound();
    let proof = bound.proof("1");
    let allowed = std::thread::scope(|scope| {
        let uses: Vec<_> = (0..64)
            .map(|_| scope.spawn(|| bound.asked(sent(&proof)).is_none()))
            .collect();
        let allowed = uses.into_iter().map(|used| used.join().unwrap());
        allowed.filter(|allowed| *allowed).count()
    });
    assert_eq!(allowed, 1);
}

#[test]
fn nonces_are_told_and_taken_for_a_while() {
    let Instance { verifier, keyring } = Instance::with_client();
    let verifier = verifier.asking_for_nonces(true);
    let bound = bound_on(Instance { verifier, keyring });
    let verifier = &bound.instance.verifier;
    let proof_with = |id: &str, nonce: &str| {
        let mut claims = bound.proof_claims(id);
        claims["nonce"] = json!(nonce);
        bound.key.proof(&claims)
    };
    for proof in [bound.proof("1"), proof_with("1", "x"), proof_with("1", "")] {
        let decision = bound.instance.decide_text(&bound.token, &asking(&proof));
        assert_eq!(decision.unproven(), Some(Unproven::Nonce));
        assert_eq!(decision.proof_nonce, verifier.proof_nonce(NOW));
    }
    let nonce = verifier.proof_nonce(NOW).unwrap().to_string();
    assert_eq!(bound.asked(sent(&proof_with("1", &nonce))), None);
    let at = |seconds: i64| Now {
        wall: NOW.wall.plus_seconds(seconds),
        ..NOW
    };
    for (seconds, is_taken) in [
        (0, true),
        (120, true),
        (-120, true),
        (300, false),
        (-300, false),
    ] {
        assert_eq!(
            verifier.is_proof_nonce(&nonce, at(seconds)),
            is_taken,
            "{seconds}"
        );
    }
    let other = Instance::with_client();
    assert!(other.verifier.is_proof_nonce(&nonce, NOW));
}

#[test]
fn at_the_issuers_own_routes_too() {
    let mut bound = bound();
    let own = Claims {
        aud: Audience::One(ISSUER.into()),
        jti: TokenId(51),
        cnf: Some(Confirmation {
            jkt: thumbprint(&bound.key),
        }),
        ..claims()
    };
    bound.token = signed(&own, 1);
    let verifier = &bound.instance.verifier;
    assert_eq!(
        verifier.identify(&bound.token, NOW).unwrap_err(),
        Reason::InvalidCredential
    );
    let proof = bound.proof("1");
    let identified = |sent: Sent<'_>| {
        let found = verifier.identify_sent(&bound.token, (&sent, Some("GET")), NOW);
        found.map(drop).map_err(|refused| refused.unproven)
    };
    assert_eq!(identified(Sent::BEARER), Err(Some(Unproven::Bound)));
    assert_eq!(identified(sent(&proof)), Ok(()));
    assert_eq!(identified(sent(&proof)), Err(Some(Unproven::Used)));
}
