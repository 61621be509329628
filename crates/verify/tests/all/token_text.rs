//! Whatever is sent as a token is read or refused, and nothing else happens.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use claviger_verify::tokens::parse;
use proptest::prelude::*;

use crate::issuer::{base64, claims, header, signed, signed_text};
use crate::support::{ASKED, Instance};

static INSTANCE: LazyLock<Instance> = LazyLock::new(Instance::with_client);
static GOOD: LazyLock<[String; 3]> = LazyLock::new(|| [1, 2, 3].map(|key| signed(&claims(), key)));

/// Reads a text as far as it can be read, and says how far that was.
fn read(token: &str) -> &'static str {
    match parse(token) {
        Err(_) => "refused",
        Ok(jws) if jws.claims().is_err() => "header",
        Ok(_) => "claims",
    }
}

/// Where in a text something is changed.
fn place() -> impl Strategy<Value = prop::sample::Index> {
    any::<prop::sample::Index>()
}

/// What is almost a JSON object of claims.
const CLAIMS_LIKE: &str =
    r#"\{("[a-z_]{2,9}":("[^"\\]{0,9}"|-?[0-9]{1,25}|null|\[\]|\{\}),?){0,9}\}?"#;

proptest! {
    #[test]
    fn reading_never_panics(text in ".{0,300}") {
        read(&text);
        INSTANCE.decide_text(&text, &ASKED);
    }

    #[test]
    fn reading_parts_never_panics(
        header in ".{0,200}",
        claims in ".{0,200}",
        end in "[A-Za-z0-9_-]{0,90}",
    ) {
        let token = format!("{}.{}.{end}", base64(&header), base64(&claims));
        read(&token);
        prop_assert!(!INSTANCE.decide_text(&token, &ASKED).is_allowed());
    }

    #[test]
    fn reading_what_is_almost_claims_never_panics(claims in CLAIMS_LIKE) {
        let token = format!("{}.{}.AAAA", base64(header(1).to_string()), base64(claims));
        prop_assert_eq!(read(&token), "header");
    }

    #[test]
    fn one_changed_byte_makes_a_token_nobody(key in 0usize..3, at in place(), byte in 0u8..=127) {
        let good = &GOOD[key];
        let mut bytes = good.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assert!(INSTANCE.decide_text(good, &ASKED).is_allowed());
        prop_assert!(INSTANCE.decide_text(&changed, &ASKED).credential.is_none());
    }

    #[test]
    fn one_byte_less_or_more_makes_a_token_nobody(
        key in 0usize..3,
        at in place(),
        byte in "[ -~]",
    ) {
        let good = &GOOD[key];
        let at = at.index(good.len());
        let mut shorter = good.clone();
        shorter.remove(at);
        let mut longer = good.clone();
        longer.insert_str(at, &byte);
        for changed in [shorter, longer] {
            prop_assert!(INSTANCE.decide_text(&changed, &ASKED).credential.is_none());
        }
    }
}

#[test]
fn what_the_fuzzer_found_worth_keeping_is_read_or_refused() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/access_token");
    let mut reached: Vec<&str> = Vec::new();
    for file in fs::read_dir(corpus).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        reached.push(read(&text));
        assert!(!INSTANCE.decide_text(&text, &ASKED).is_allowed());
        if let Some((header, claims)) = text.split_once('\n') {
            let token = signed_text(header, claims, 1);
            reached.push(read(&token));
            INSTANCE.decide_text(&token, &ASKED);
        }
    }
    // The corpus goes all the way, so that a fuzzer that starts from it does too.
    for stage in ["refused", "header", "claims"] {
        assert!(reached.contains(&stage), "{stage}");
    }
}
