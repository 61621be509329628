//! What others sign: keys and texts that are taken, and forgeries that are not.

use aws_lc_rs::hmac;
use claviger_verify::jose::{BadJws, BadKey, BadKeySet, KeySet, PublicKey, SignedText};
use serde_json::{Map, Value, json};

use crate::client_keys::ClientKey;
use crate::issuer::base64;

fn key(jwk: &Value) -> Result<PublicKey, BadKey> {
    PublicKey::from_jwk(jwk.as_object().unwrap())
}

fn with(jwk: &Value, name: &str, value: Value) -> Value {
    let mut changed = jwk.clone();
    changed[name] = value;
    changed
}

fn without(jwk: &Value, name: &str) -> Value {
    let mut members: Map<String, Value> = jwk.as_object().unwrap().clone();
    members.remove(name).unwrap();
    Value::Object(members)
}

#[test]
fn thumbprints_are_those_of_the_standards() {
    // RFC 7638 section 3.1.
    let rsa = json!({"kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAt\
        VT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5\
        w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08\
        qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"});
    let rsa = key(&rsa).unwrap();
    assert_eq!(rsa.key_id.as_deref(), Some("2011-04-29"));
    assert_eq!(
        rsa.thumbprint().as_str(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    // RFC 8037 appendix A.3.
    let okp = json!({"kty": "OKP", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(key(&okp).unwrap().thumbprint().as_str(), thumbprint);
    // RFC 9449 sections 4.1 and 6.1.
    let ec = json!({"kty": "EC", "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"});
    let thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    assert_eq!(key(&ec).unwrap().thumbprint().as_str(), thumbprint);
}

#[test]
fn each_kind_of_key_signs_with_its_own_algorithms_alone() {
    let keys = [ClientKey::p256(), ClientKey::ed25519(), ClientKey::rsa()];
    let claims = json!({"a": 1});
    for signer in &keys {
        for alg in ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"] {
            let text = signer.signed(&json!({"alg": alg}), &claims);
            let text = SignedText::parse(&text).unwrap();
            let own = signer.algorithms().contains(&alg);
            for other in &keys {
                let is_own = std::ptr::eq(other, signer) && own;
                let said = text.claims_signed_by(&key(&other.jwk()).unwrap());
                assert_eq!(said.is_some(), is_own, "{alg}");
            }
        }
    }
    // One algorithm alone where the key says so, whatever the library could do.
    let rsa = ClientKey::rsa();
    let only = key(&with(&rsa.jwk(), "alg", json!("PS256"))).unwrap();
    let signed = |alg: &str| rsa.signed(&json!({"alg": alg}), &claims);
    let taken = |text: &str| {
        SignedText::parse(text)
            .unwrap()
            .claims_signed_by(&only)
            .is_some()
    };
    assert!(taken(&signed("PS256")) && !taken(&signed("RS256")));
}

#[test]
fn keys_that_are_private_weak_or_no_keys_are_refused() {
    let (ec, okp, rsa) = (
        ClientKey::p256().jwk(),
        ClientKey::ed25519().jwk(),
        ClientKey::rsa().jwk(),
    );
    for jwk in [&ec, &okp, &rsa] {
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            let refused = key(&with(jwk, name, json!("AQAB"))).unwrap_err();
            assert_eq!(refused, BadKey::Private);
        }
        for (name, value) in [
            ("use", json!("enc")),
            ("use", json!(1)),
            ("key_ops", json!(["encrypt"])),
            ("key_ops", json!("verify")),
            ("alg", json!("HS256")),
            ("alg", json!("none")),
            ("alg", json!("ES384")),
            ("kid", json!(7)),
        ] {
            assert_eq!(
                key(&with(jwk, name, value)).unwrap_err(),
                BadKey::Use,
                "{name}"
            );
        }
        for (name, value) in [
            ("use", json!("sig")),
            ("key_ops", json!(["verify"])),
            ("x-y", json!({})),
        ] {
            assert!(key(&with(jwk, name, value)).is_ok(), "{name}");
        }
        assert_eq!(
            key(&with(jwk, "kty", json!("X"))).unwrap_err(),
            BadKey::Type
        );
    }
}

#[test]
fn keys_of_other_types_and_beside_their_curve_are_refused() {
    let (ec, okp) = (ClientKey::p256().jwk(), ClientKey::ed25519().jwk());
    assert_eq!(
        key(&json!({"kty": "oct", "k": "AQAB"})).unwrap_err(),
        BadKey::Private
    );
    assert_eq!(key(&json!({"kty": "oct"})).unwrap_err(), BadKey::Private);
    assert_eq!(
        key(&with(&ec, "alg", json!("RS256"))).unwrap_err(),
        BadKey::Use
    );
    for crv in ["P-384", "secp256k1", "Ed25519"] {
        assert_eq!(
            key(&with(&ec, "crv", json!(crv))).unwrap_err(),
            BadKey::Type
        );
    }
    assert_eq!(
        key(&with(&okp, "crv", json!("X25519"))).unwrap_err(),
        BadKey::Type
    );
    // A point beside the curve, and one at infinity.
    assert_eq!(
        key(&with(&ec, "y", ec["x"].clone())).unwrap_err(),
        BadKey::Numbers
    );
    let zero = json!(base64([0; 32]));
    let infinity = with(&with(&ec, "x", zero.clone()), "y", zero);
    assert_eq!(key(&infinity).unwrap_err(), BadKey::Numbers);
}

#[test]
fn numbers_are_canonical_and_make_a_key_of_a_good_length() {
    let ec = ClientKey::p256().jwk();
    let (okp, rsa) = (ClientKey::ed25519().jwk(), ClientKey::rsa().jwk());
    let numbers = |jwk: &Value, names: &[&str]| {
        for name in names {
            let text = jwk[*name].as_str().unwrap().to_owned();
            for broken in [
                json!(format!("{text}=")),
                json!(format!("AA{text}")),
                json!(1),
                json!(""),
            ] {
                assert_eq!(
                    key(&with(jwk, name, broken)).unwrap_err(),
                    BadKey::Number,
                    "{name}"
                );
            }
            assert_eq!(
                key(&without(jwk, name)).unwrap_err(),
                BadKey::Number,
                "{name}"
            );
        }
    };
    numbers(&ec, &["x", "y"]);
    numbers(&okp, &["x"]);
    numbers(&rsa, &["n"]);
    let modulus = |bytes: usize, first: u8, last: u8| {
        let mut number = vec![0x5a; bytes];
        (number[0], number[bytes - 1]) = (first, last);
        json!(base64(number))
    };
    // 1024 bits, 2047 bits, more than 8192 bits, an even one.
    for n in [
        modulus(128, 0x80, 1),
        modulus(256, 0x7f, 1),
        modulus(1025, 1, 1),
        modulus(256, 0x80, 2),
    ] {
        assert_eq!(key(&with(&rsa, "n", n)).unwrap_err(), BadKey::Numbers);
    }
    for e in [&[1][..], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
        assert_eq!(
            key(&with(&rsa, "e", json!(base64(e)))).unwrap_err(),
            BadKey::Numbers
        );
    }
    assert_eq!(
        key(&with(&rsa, "e", json!(base64([0, 3])))).unwrap_err(),
        BadKey::Number
    );
}

#[test]
fn texts_that_mean_two_things_or_prove_nothing_are_refused() {
    let signer = ClientKey::p256();
    let claims = json!({"a": 1});
    let parsed = |text: &str| SignedText::parse(text).map(drop);
    assert_eq!(
        parsed(&signer.signed(&json!({"alg": "ES256"}), &claims)),
        Ok(())
    );
    for name in ["crit", "b64", "zip", "jku", "x5u", "x5c"] {
        let header = json!({"alg": "ES256", name: ["https://evil.test"]});
        assert_eq!(
            parsed(&signer.signed(&header, &claims)),
            Err(BadJws::Extended),
            "{name}"
        );
    }
    for alg in [
        json!("none"),
        json!("HS256"),
        json!("es256"),
        json!("ES384"),
        Value::Null,
        json!(["ES256"]),
    ] {
        let header = json!({"alg": alg});
        let refused = parsed(&signer.signed(&header, &claims)).unwrap_err();
        assert!(
            matches!(refused, BadJws::Algorithm | BadJws::Header),
            "{alg}"
        );
    }
    // Unsigned, and signed with the public key as the secret (RFC 8725 section 3.1).
    let unsigned = format!("{}.{}.", base64(r#"{"alg":"none"}"#), base64("{}"));
    assert!(parsed(&unsigned).is_err());
    let message = format!("{}.{}", base64(r#"{"alg":"HS256"}"#), base64("{}"));
    let secret = hmac::Key::new(hmac::HMAC_SHA256, signer.jwk().to_string().as_bytes());
    let forged = format!(
        "{message}.{}",
        base64(hmac::sign(&secret, message.as_bytes()))
    );
    assert_eq!(parsed(&forged), Err(BadJws::Algorithm));
}

#[test]
fn texts_of_another_form_are_refused() {
    let signer = ClientKey::p256();
    let parsed = |text: &str| SignedText::parse(text).map(drop);
    for header in [
        r#"{"alg":"ES256","alg":"ES256"}"#,
        r#"{"alg":"ES256","x":{"y":1,"y":1}}"#,
        r#"{"alg":"ES256","kid":1}"#,
        r#"{"alg":"ES256","typ":1}"#,
        r#"{"alg":"ES256","jwk":"x"}"#,
        r#"["ES256"]"#,
    ] {
        assert_eq!(
            parsed(&signer.signed_text(header, "{}")),
            Err(BadJws::Header),
            "{header}"
        );
    }
    let good = signer.signed(&json!({"alg": "ES256"}), &json!({"a": 1}));
    for text in [
        String::new(),
        "a.b".into(),
        format!("{good}.{good}"),
        format!("{good}="),
        format!("{good} "),
        good.replacen('.', "..", 1),
        good.rsplit_once('.').unwrap().0.to_owned(),
    ] {
        assert_eq!(parsed(&text), Err(BadJws::Parts), "{text}");
    }
    assert_eq!(parsed(&"a".repeat(8_193)), Err(BadJws::TooLong));
    // A claim that stands twice is no claim, though the signature is good.
    let twice = signer.signed_text(r#"{"alg":"ES256"}"#, r#"{"a":1,"a":2}"#);
    let own = key(&signer.jwk()).unwrap();
    assert_eq!(
        SignedText::parse(&twice).unwrap().claims_signed_by(&own),
        None
    );
}

#[test]
fn a_set_gives_the_key_that_signed_and_leaves_out_what_it_cannot_use() {
    let (first, second) = (ClientKey::p256(), ClientKey::p256());
    let named = |key: &ClientKey, id: &str| with(&key.jwk(), "kid", json!(id));
    let other = json!({"kty": "EC", "crv": "P-521", "x": "AQ", "y": "AQ"});
    let set = json!({"keys": [named(&first, "1"), other, named(&second, "2")]}).to_string();
    let set = KeySet::parse(&set).unwrap();
    assert_eq!(set.keys().len(), 2);
    let said = |header: Value| {
        let text = second.signed(&header, &json!({"a": 1}));
        let text = SignedText::parse(&text).unwrap();
        (set.has_candidate(&text), set.has_signed(&text))
    };
    assert_eq!(said(json!({"alg": "ES256", "kid": "2"})), (true, true));
    assert_eq!(said(json!({"alg": "ES256"})), (true, true));
    assert_eq!(said(json!({"alg": "ES256", "kid": "1"})), (true, false));
    assert_eq!(said(json!({"alg": "ES256", "kid": "3"})), (false, false));
    assert_eq!(said(json!({"alg": "RS256", "kid": "2"})), (false, false));
    let bad = |set: Value| KeySet::parse(&set.to_string()).unwrap_err();
    let good = named(&first, "1");
    assert_eq!(
        bad(json!({"keys": [good, with(&good, "d", json!("AQ"))]})),
        BadKeySet::Private
    );
    assert_eq!(
        bad(json!({"keys": [good, {"kty": "oct", "k": "AQ"}]})),
        BadKeySet::Private
    );
    assert_eq!(bad(json!({"keys": [other]})), BadKeySet::Useless);
    assert_eq!(bad(json!({"keys": []})), BadKeySet::Useless);
    assert_eq!(
        bad(json!({"keys": vec![good.clone(); 21]})),
        BadKeySet::TooMany
    );
    assert_eq!(bad(json!({"keys": [1]})), BadKeySet::Shape);
    assert_eq!(bad(json!({"keys": {}})), BadKeySet::Shape);
    assert_eq!(bad(json!([good])), BadKeySet::Shape);
    let text = format!("{{\"keys\":[],\"x\":\"{}\"}}", " ".repeat(65_536));
    assert_eq!(KeySet::parse(&text).unwrap_err(), BadKeySet::TooLong);
}
