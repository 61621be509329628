//! Texts that are no token of ours, whoever made them.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::KeyPair;
use claviger_model::Reason;
use claviger_model::ids::{ClientId, SigningKeyId};
use claviger_model::tokens::{Audience, TOKEN_LENGTH_MAX};
use claviger_verify::checks::{Check, Outcome};
use claviger_verify::tokens::{Unreadable, parse};
use serde_json::{Map, Value, json};

use crate::issuer::{CLIENT, KEYS, Signer, base64, claims, header, published, signed, signed_text};
use crate::support::{API, ASKED, ISSUER, Instance, NOW};

/// Asserts that a text is nobody, everywhere, and that nothing of it is remembered.
fn assert_nobody(instance: &Instance, token: &str, what: &str) {
    let remembered = instance.verifier.index().remembered_tokens();
    let decision = instance.decide_text(token, &ASKED);
    assert_eq!(decision.reason, Reason::InvalidCredential, "{what}");
    assert!(decision.credential.is_none(), "{what}");
    for (check, outcome) in decision.checks.iter().skip(1) {
        assert_eq!(outcome, Outcome::NotAsked, "{what}: {check:?}");
    }
    let identified = instance.verifier.identify(token, NOW);
    assert_eq!(identified.unwrap_err(), Reason::InvalidCredential, "{what}");
    let inspected = instance.verifier.inspect(token, NOW);
    assert_eq!(inspected.unwrap_err(), Reason::InvalidCredential, "{what}");
    assert_eq!(
        instance.verifier.index().remembered_tokens(),
        remembered,
        "{what}"
    );
}

/// A token with a changed header, well signed.
fn with_header(change: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut header = header(1);
    change(header.as_object_mut().unwrap());
    let claims = serde_json::to_string(&claims()).unwrap();
    signed_text(&header.to_string(), &claims, 1)
}

/// A token with these claims as text, well signed.
fn with_claims_text(claims: &str) -> String {
    signed_text(&header(1).to_string(), claims, 1)
}

#[test]
fn media_types_are_compared_without_case_and_prefix() {
    let instance = Instance::with_client();
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/At+Jwt",
    ] {
        let token = with_header(|header| header["typ"] = json!(typ));
        assert!(instance.decide_text(&token, &ASKED).is_allowed(), "{typ}");
    }
}

#[test]
fn another_type_of_token_is_refused() {
    let instance = Instance::with_client();
    for typ in [
        json!("JWT"),
        json!("jwt"),
        json!(""),
        json!("at+jwt "),
        json!("application/application/at+jwt"),
        json!("text/at+jwt"),
        json!("application/"),
        json!("dpop+jwt"),
        json!("logout+jwt"),
        json!(null),
        json!(["at+jwt"]),
        json!({"at+jwt": null}),
    ] {
        let token = with_header(|header| header["typ"] = typ.clone());
        assert_nobody(&instance, &token, &typ.to_string());
    }
    let token = with_header(|header| drop(header.remove("typ")));
    assert_nobody(&instance, &token, "no typ");
}

#[test]
fn an_algorithm_that_is_not_the_keys_own_is_refused() {
    let instance = Instance::with_client();
    for alg in [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!("HS256"),
        json!("HS512"),
        json!("RS256"),
        json!("EdDSA"),
        json!("ES384"),
        json!("es256"),
        json!("PS256"),
        json!(""),
        json!(null),
        json!({"ES256": null}),
    ] {
        let token = with_header(|header| header["alg"] = alg.clone());
        assert_nobody(&instance, &token, &alg.to_string());
        let unsigned = token.rsplit_once('.').unwrap().0;
        assert_nobody(&instance, &format!("{unsigned}."), &alg.to_string());
    }
}

#[test]
fn hs256_with_the_public_key_as_its_secret_is_refused() {
    let instance = Instance::with_client();
    let Signer::Es256(pair) = &KEYS[0].1 else {
        unreachable!("the first key is of ES256");
    };
    let der = pair.public_key().as_der().unwrap().as_ref().to_vec();
    let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
    let point = published(1).public_key;
    let jwk =
        json!({"kty": "EC", "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..])});
    let secrets = [point, der, pem.into_bytes(), jwk.to_string().into_bytes()];
    for secret in secrets {
        let mut header = header(1);
        header["alg"] = json!("HS256");
        let claims = serde_json::to_string(&claims()).unwrap();
        let text = format!("{}.{}", base64(header.to_string()), base64(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let token = format!("{text}.{}", base64(hmac::sign(&key, text.as_bytes())));
        assert_nobody(&instance, &token, "HS256");
    }
}

#[test]
fn a_key_that_is_not_published_is_refused_however_it_is_named() {
    let instance = Instance::with_client();
    let unpublished = signed(&claims(), 4);
    assert_nobody(&instance, &unpublished, "a key that nobody publishes");
    for kid in [
        json!("../../../../dev/null"),
        json!("/dev/null"),
        json!("file:///dev/null"),
        json!("x' UNION ALL --"),
        json!("https://evil.test/jwks.json"),
        json!("sgn_"),
        json!(""),
        json!(SigningKeyId(2)),
        json!(SigningKeyId(9)),
        json!(SigningKeyId(1).to_string().to_uppercase()),
        json!(format!("{} ", SigningKeyId(1))),
        json!(1),
        json!(null),
        json!([SigningKeyId(1)]),
    ] {
        let token = with_header(|header| header["kid"] = kid.clone());
        assert_nobody(&instance, &token, &kid.to_string());
    }
    let token = with_header(|header| drop(header.remove("kid")));
    assert_nobody(&instance, &token, "no kid");
}

#[test]
fn a_key_that_the_token_brings_or_points_to_is_refused() {
    let instance = Instance::with_client();
    let point = published(4).public_key;
    let jwk =
        json!({"kty": "EC", "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..])});
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.test/jwks.json")),
        ("jku", json!(format!("{ISSUER}/.well-known/jwks.json"))),
        ("x5u", json!("https://evil.test/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("cty", json!("JWT")),
        ("anything", json!(1)),
    ] {
        let token = with_header(|header| drop(header.insert(name.into(), value.clone())));
        assert_eq!(parse(&token).unwrap_err(), Unreadable::Header);
        assert_nobody(&instance, &token, name);
        // The same, signed by the key that it names.
        let mut header = header(1);
        header[name] = value;
        let claims = serde_json::to_string(&claims()).unwrap();
        assert_nobody(
            &instance,
            &signed_text(&header.to_string(), &claims, 4),
            name,
        );
    }
}

#[test]
fn headers_that_are_not_one_plain_object_are_refused() {
    let instance = Instance::with_client();
    let claims = serde_json::to_string(&claims()).unwrap();
    let kid = SigningKeyId(1);
    for header in [
        String::new(),
        "{}".into(),
        "null".into(),
        "7".into(),
        format!(r#"["at+jwt","ES256","{kid}"]"#),
        format!(r#"{{"typ":"at+jwt","alg":"ES256","kid":"{kid}"}} "#) + "x",
        format!(r#" {{"typ":"at+jwt","alg":"ES256","kid":"{kid}"}}"#),
        format!(r#"{{"typ":"at+jwt","alg":"none","alg":"ES256","kid":"{kid}"}}"#),
        format!(r#"{{"typ":"at+jwt","alg":"ES256","alg":"ES256","kid":"{kid}"}}"#),
        format!(r#"{{"typ":"at+jwt","alg":"ES256","kid":"{kid}","\u006bid":"{kid}"}}"#),
        format!(r#"{{"typ":"JWT","typ":"at+jwt","alg":"ES256","kid":"{kid}"}}"#),
        format!(r#"{{"typ":"at+jwt","alg":"ES256","kid":"{kid}",}}"#),
        format!("\u{feff}{{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"{kid}\"}}"),
        "{\"typ\":".repeat(1_000),
    ] {
        assert_nobody(&instance, &signed_text(&header, &claims, 1), &header);
    }
    let bytes = [b"{\"typ\":\"", &[0xff, 0xfe][..], b"\"}"].concat();
    let token = format!("{}.{}.{}", base64(bytes), base64(&claims), base64([0; 64]));
    assert_nobody(&instance, &token, "no UTF-8");
}

#[test]
fn a_text_of_another_shape_is_refused() {
    let instance = Instance::with_client();
    let good = signed(&claims(), 1);
    assert!(instance.decide_text(&good, &ASKED).is_allowed());
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        unreachable!("three parts");
    };
    let five = format!("{header}.{claims}.{signature}.{header}.{claims}");
    for text in [
        ".".to_owned(),
        "..".into(),
        "...".into(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        five,
        format!("{good}="),
        format!("{good}=="),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}==.{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        good.replace('.', " . "),
        format!("{header}.{claims}.{}", &signature[1..]),
        format!("{header}.{claims}.{signature}{signature}"),
        format!("{header}.{claims}.{}", base64([0; 64])),
        format!("{header}.{claims}.{}", base64([0; 63])),
        format!("{header}.{claims}.AA"),
        good.to_uppercase(),
        good.replacen('.', "․", 1),
    ] {
        assert_nobody(&instance, &text, &text);
    }
}

#[test]
fn bits_beyond_the_last_byte_are_refused() {
    let instance = Instance::with_client();
    let good = signed(&claims(), 1);
    // 64 bytes leave four bits of the last character without meaning.
    let last = good.chars().last().unwrap();
    let others = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for other in others.chars().filter(|other| *other != last) {
        let text = format!("{}{other}", &good[..good.len() - 1]);
        assert_nobody(&instance, &text, &text);
    }
}

#[test]
fn a_huge_token_is_refused_before_it_is_read() {
    let instance = Instance::with_client();
    let mut huge = claims();
    huge.scope = vec!["read:leads"; 1_200].join(" ");
    let token = signed(&huge, 1);
    assert!(token.len() > TOKEN_LENGTH_MAX);
    assert_eq!(parse(&token).unwrap_err(), Unreadable::TooLong);
    assert_nobody(&instance, &token, "huge");
    assert_nobody(&instance, &"a.".repeat(500_000), "dots");
}

#[test]
fn claims_that_are_missing_repeated_or_of_a_wrong_type_are_refused() {
    let instance = Instance::with_client();
    let good = serde_json::to_string(&claims()).unwrap();
    assert!(
        instance
            .decide_text(&with_claims_text(&good), &ASKED)
            .is_allowed()
    );
    let members: Map<String, Value> = serde_json::from_str(&good).unwrap();
    let wrong_types = ["null", "true", "7.5", "[]", "[7]", "{}", "1e400", "\"?\""];
    for (name, value) in &members {
        let own = format!("\"{name}\":{value}");
        assert!(good.contains(&own), "{own}");
        // Not wrong for each: `?` is a scope and an audience, and a token may have no audience.
        let is_right = |wrong: &str| {
            let pair = (name.as_str(), wrong);
            matches!(pair, ("scope" | "aud", "\"?\"") | ("aud", "[]"))
        };
        let wrongs = wrong_types.iter().filter(|wrong| !is_right(wrong));
        let wrongs = wrongs.map(|wrong| format!("\"{name}\":{wrong}"));
        let as_text = format!("\"{name}\":\"{value}\"");
        let twice = format!("{own},{own}");
        let other_twice = format!("{own},\"{name}\":null");
        for bad in wrongs
            .chain([twice, other_twice])
            .chain(value.is_i64().then_some(as_text))
        {
            let text = good.replace(&own, &bad);
            assert_nobody(&instance, &with_claims_text(&text), &bad);
        }
        let mut without = members.clone();
        without.remove(name);
        let token = with_claims_text(&Value::Object(without).to_string());
        // A client may have proved who it is without a secret. No other claim may be absent.
        if name == "secret" {
            assert!(instance.decide_text(&token, &ASKED).is_allowed());
            continue;
        }
        assert_nobody(&instance, &token, &format!("no {name}"));
    }
    let array: Vec<&Value> = members.values().collect();
    let array = serde_json::to_string(&array).unwrap();
    assert_nobody(&instance, &with_claims_text(&array), "an array");
    for text in ["", "null", "{}", "[]", "7", "\"x\"", "{\"iss\":"] {
        assert_nobody(&instance, &with_claims_text(text), text);
    }
}

#[test]
fn unknown_claims_are_ignored() {
    let instance = Instance::with_client();
    let mut text = serde_json::to_value(claims()).unwrap();
    text["https://acme.test/tenant"] = json!({"deep": [1, 2, {"x": null}]});
    let token = with_claims_text(&text.to_string());
    assert!(instance.decide_text(&token, &ASKED).is_allowed());
}

#[test]
fn claims_that_contradict_each_other_or_the_client_are_refused() {
    let instance = Instance::with_client();
    let check = |what: &str, change: &dyn Fn(&mut claviger_model::tokens::Claims)| {
        let mut claims = claims();
        change(&mut claims);
        assert_nobody(&instance, &signed(&claims, 1), what);
    };
    check("another issuer", &|claims| {
        claims.iss = "https://evil.test".into();
    });
    check("the issuer with a slash", &|claims| claims.iss.push('/'));
    check("no issuer", &|claims| claims.iss.clear());
    check("azp", &|claims| claims.azp = ClientId(99));
    check("sub", &|claims| claims.sub = CLIENT.to_string());
    check("client", &|claims| {
        claims.client_id = ClientId(99).to_string();
        claims.azp = ClientId(99);
        claims.sub = claviger_model::clients::subject(ClientId(99));
    });
    check("account", &|claims| claims.account.0 = 2);
    check("env", &|claims| {
        claims.env = claviger_model::Environment::Test;
    });
    check("scope", &|claims| {
        claims.scope = "read:leads  write:leads".into();
    });
    check("scope", &|claims| claims.scope = " ".into());
    check("exp", &|claims| claims.exp = i64::MAX);
    check("exp", &|claims| claims.exp = i64::MIN);
    check("iat", &|claims| claims.iat = i64::MAX);
}

#[test]
fn a_token_for_another_api_is_401_and_says_for_which_it_is() {
    let instance = Instance::with_client();
    let mut claims = claims();
    for aud in [
        Audience::One("https://other.test".into()),
        Audience::One(format!("{API}/")),
        Audience::One(API.to_uppercase()),
        Audience::One(String::new()),
        Audience::Several(Vec::new()),
        Audience::One(ISSUER.into()),
    ] {
        claims.aud = aud;
        let decision = instance.decide_text(&signed(&claims, 1), &ASKED);
        assert_eq!(decision.reason, Reason::InvalidCredential);
        assert_eq!(
            decision.checks.outcome(Check::Api),
            Outcome::Failed(Reason::InvalidCredential)
        );
        assert_eq!(decision.checks.outcome(Check::Secret), Outcome::Passed);
        assert_eq!(decision.reason.refusal().status, 401);
    }
    claims.aud = Audience::Several(vec!["https://a.test".into(), "https://b.test".into()]);
    let decision = instance.decide_text(&signed(&claims, 1), &ASKED);
    assert_eq!(
        decision.message(),
        "This access token is not for this API; it is for: https://a.test, https://b.test."
    );
}
