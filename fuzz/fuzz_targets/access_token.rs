//! The text of an access token, before anybody knows whose it is: it may be refused, and nothing
//! else may happen.
//!
//! An input is a token, or two lines, of which the header and the claims of one are made, so that
//! the fuzzer need not find out base64 by itself.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_verify::tokens::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    read(text);
    if let Some((header, claims)) = text.split_once('\n') {
        let encoded = |part: &str| URL_SAFE_NO_PAD.encode(part);
        read(&format!("{}.{}.AAAA", encoded(header), encoded(claims)));
    }
});

fn read(token: &str) {
    let Ok(jws) = parse(token) else {
        return;
    };
    assert!(token.starts_with(jws.signed) && token[jws.signed.len()..].starts_with('.'));
    assert!(!jws.signature.is_empty());
    if let Ok(claims) = jws.claims() {
        // Whatever is read can be said again.
        assert!(claims.aud.all().len() <= token.len());
        let _ = claims.exp;
    }
}
