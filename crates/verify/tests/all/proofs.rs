//! Proofs that the sender holds a key (RFC 9449 section 4.3), line by line.

use claviger_model::UnixMillis;
use claviger_verify::jose::dpop::{self, BadProof, Expected, Proof};
use claviger_verify::jose::{BadJws, BadKey};
use serde_json::{Value, json};

use crate::client_keys::ClientKey;
use crate::issuer::base64;
use crate::support::NOW;

const URL: &str = "https://server.example.com/token";
/// RFC 9449 section 4.1.
const EXAMPLE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4d\
    EZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG\
    10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVC\
    IsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8\
    v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
/// RFC 9449 section 7.1.
const EXAMPLE_AT_RESOURCE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDI\
    iwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVF\
    RsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaH\
    RtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU\
    2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrt\
    NP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
const EXAMPLE_TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const EXAMPLE_THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fn expected() -> Expected<'static> {
    Expected {
        method: "POST",
        url: URL,
        access_token: None,
        now: NOW.wall,
    }
}

fn claims() -> Value {
    json!({"jti": "1", "htm": "POST", "htu": URL, "iat": NOW.wall.0 / 1_000})
}

fn changed(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn checked(claims: &Value) -> Result<Proof, BadProof> {
    dpop::check(&ClientKey::p256().proof(claims), &expected())
}

#[test]
fn the_examples_of_the_standard_are_good() {
    let at = |seconds: i64| UnixMillis(seconds * 1_000);
    let asked = Expected {
        now: at(1_562_262_616),
        ..expected()
    };
    let proof = dpop::check(EXAMPLE, &asked).unwrap();
    assert_eq!(proof.key.as_str(), EXAMPLE_THUMBPRINT);
    assert_eq!((proof.id.as_str(), proof.nonce), ("-BwC3ESc6acc2lTc", None));
    assert_eq!(proof.expires_at, at(1_562_262_676));
    let asked = Expected {
        method: "GET",
        url: "https://resource.example.org/protectedresource?page=2",
        access_token: Some(EXAMPLE_TOKEN),
        now: at(1_562_262_618),
    };
    let proof = dpop::check(EXAMPLE_AT_RESOURCE, &asked).unwrap();
    assert_eq!(proof.key.as_str(), EXAMPLE_THUMBPRINT);
    let other = Expected {
        access_token: Some("other"),
        ..asked
    };
    assert_eq!(
        dpop::check(EXAMPLE_AT_RESOURCE, &other),
        Err(BadProof::TokenHash)
    );
    let missing = Expected {
        access_token: Some(EXAMPLE_TOKEN),
        now: at(1_562_262_616),
        ..expected()
    };
    assert_eq!(dpop::check(EXAMPLE, &missing), Err(BadProof::Claims));
}

#[test]
fn each_kind_of_key_makes_proofs_and_tells_its_thumbprint() {
    for key in [ClientKey::p256(), ClientKey::ed25519(), ClientKey::rsa()] {
        for alg in key.algorithms() {
            let header = json!({"typ": "dpop+jwt", "alg": alg, "jwk": key.jwk()});
            let proof = dpop::check(&key.signed(&header, &claims()), &expected()).unwrap();
            assert_eq!(proof.key.as_str().len(), 43);
        }
    }
    let proof = checked(&changed("nonce", json!("n"))).unwrap();
    assert_eq!(proof.nonce.as_deref(), Some("n"));
}

#[test]
fn a_header_that_is_not_a_proofs_is_refused() {
    let key = ClientKey::p256();
    let with = |header: &Value| dpop::check(&key.signed(header, &claims()), &expected());
    let good = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()});
    assert!(with(&good).is_ok());
    let mut header = good.clone();
    header["typ"] = json!("application/DPoP+JWT");
    assert!(with(&header).is_ok());
    for typ in [json!("JWT"), json!("at+jwt"), json!("dpop")] {
        header["typ"] = typ;
        assert_eq!(with(&header), Err(BadProof::Type));
    }
    for name in ["typ", "alg", "jwk"] {
        let mut header = good.clone();
        header.as_object_mut().unwrap().remove(name);
        assert!(with(&header).is_err(), "{name}");
    }
    let mut private = good.clone();
    private["jwk"]["d"] = json!("AQAB");
    assert_eq!(
        with(&private),
        Err(BadProof::Unreadable(BadJws::Key(BadKey::Private)))
    );
    for alg in ["none", "HS256", "RS256", "EdDSA"] {
        let mut header = good.clone();
        header["alg"] = json!(alg);
        assert!(with(&header).is_err(), "{alg}");
    }
    let mut foreign = good.clone();
    foreign["jwk"] = ClientKey::p256().jwk();
    assert_eq!(with(&foreign), Err(BadProof::Signature));
    let mut critical = good;
    critical["crit"] = json!(["jwk"]);
    assert_eq!(with(&critical), Err(BadProof::Unreadable(BadJws::Extended)));
    let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"x");
    let header = json!({"typ": "dpop+jwt", "alg": "HS256", "jwk": key.jwk()}).to_string();
    let signed = format!("{}.{}", base64(header), base64(claims().to_string()));
    let tag = aws_lc_rs::hmac::sign(&secret, signed.as_bytes());
    let forged = format!("{signed}.{}", base64(tag));
    assert_eq!(
        dpop::check(&forged, &expected()),
        Err(BadProof::Unreadable(BadJws::Algorithm))
    );
}

#[test]
fn claims_that_are_missing_or_for_another_request_are_refused() {
    for name in ["jti", "htm", "htu", "iat"] {
        let mut missing = claims();
        missing.as_object_mut().unwrap().remove(name);
        assert_eq!(checked(&missing), Err(BadProof::Claims), "{name}");
        assert_eq!(
            checked(&changed(name, json!([]))),
            Err(BadProof::Claims),
            "{name}"
        );
    }
    assert_eq!(checked(&changed("jti", json!(""))), Err(BadProof::Claims));
    assert_eq!(
        checked(&changed("jti", json!("j".repeat(257)))),
        Err(BadProof::Claims)
    );
    assert_eq!(checked(&changed("nonce", json!(1))), Err(BadProof::Claims));
    for method in ["GET", "post", ""] {
        assert_eq!(
            checked(&changed("htm", json!(method))),
            Err(BadProof::Method)
        );
    }
    for url in [
        "https://server.example.com/",
        "http://server.example.com/token",
        "/token",
        "",
    ] {
        assert_eq!(
            checked(&changed("htu", json!(url))),
            Err(BadProof::Url),
            "{url}"
        );
    }
    let same = "HTTPS://SERVER.example.com:443/token?x=1#y";
    assert!(checked(&changed("htu", json!(same))).is_ok());
}

#[test]
fn a_proof_is_good_for_a_minute_around_its_time() {
    let now = NOW.wall.0 / 1_000;
    for (away, is_good) in [
        (0, true),
        (10, true),
        (-10, true),
        (60, true),
        (-60, true),
        (61, false),
        (-61, false),
        (3_600, false),
        (-3_600, false),
        (i64::MAX - now, false),
    ] {
        let found = checked(&changed("iat", json!(now + away)));
        assert_eq!(found.is_ok(), is_good, "{away}: {found:?}");
    }
    assert!(checked(&changed("iat", json!(1.763_769_6e9))).is_ok());
    assert_eq!(
        checked(&changed("iat", json!("now"))),
        Err(BadProof::Claims)
    );
}
