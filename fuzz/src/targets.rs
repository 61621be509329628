//! What is fuzzed, as plain functions: each takes whatever comes, may refuse it, and panics when
//! something else happens. The fuzzer calls them, and so do the tests, with the corpus.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use claviger_model::redirect_uris::{RedirectUri, browser_origin, difference};
use claviger_model::routes::PathPattern;
use claviger_model::secret::{self, Lookup, MINT_RANDOM_BYTES, Plaintext};
use claviger_service::config::Config;
use claviger_service::{apis, imports};
use claviger_verify::tokens;
use claviger_web::oauth::client::basic;
use claviger_web::oauth::request::{self, PARAMETERS_MAX};

/// Takes an input.
pub(crate) type Target = fn(&[u8]);

/// The targets with their names, which are those of the directories of the corpus.
pub(crate) const TARGETS: [(&str, Target); 8] = [
    ("key", key),
    ("access_token", access_token),
    ("oauth_request", oauth_request),
    ("redirect_uri", redirect_uri),
    ("basic_header", basic_header),
    ("openapi", openapi),
    ("config", config),
    ("key_import", key_import),
];

/// The text of a key, a client's secret or a session: what is read has one identifier. Any other
/// input is the random part of one that is minted, and has to be read again.
fn key(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(lookup) = secret::parse(text)
    {
        assert_eq!(Lookup::from_text(&lookup.to_text()), Some(lookup));
        assert!(text.is_ascii());
    }
    let mut random = [0; MINT_RANDOM_BYTES];
    for (slot, byte) in random.iter_mut().zip(input) {
        *slot = *byte;
    }
    let Some(minted) = Plaintext::mint("ck_live_", &random) else {
        return;
    };
    let text = minted.expose();
    assert_eq!(secret::parse(text), Ok(minted.lookup()));
    assert!(text.ends_with(minted.hint()));
    for place in 0..text.len() {
        let mut other = text.as_bytes().to_vec();
        other[place] = if other[place] == b'0' { b'1' } else { b'0' };
        let other = String::from_utf8(other).unwrap_or_default();
        assert!(
            secret::parse(&other).is_err(),
            "one wrong character is found"
        );
    }
}

/// The text of an access token, before anybody knows whose it is. An input is a token, or two
/// lines, of which the header and the claims of one are made.
fn access_token(input: &[u8]) {
    let read = |token: &str| {
        let Ok(jws) = tokens::parse(token) else {
            return;
        };
        assert!(token.starts_with(jws.signed) && token[jws.signed.len()..].starts_with('.'));
        assert!(!jws.signature.is_empty());
        if let Ok(claims) = jws.claims() {
            assert!(claims.aud.all().len() <= token.len());
            let _ = claims.exp;
        }
    };
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    read(text);
    if let Some((header, claims)) = text.split_once('\n') {
        let encoded = |part: &str| URL_SAFE_NO_PAD.encode(part);
        read(&format!("{}.{}.AAAA", encoded(header), encoded(claims)));
    }
}

/// The body of a request to an OAuth endpoint. The first byte chooses the content type; the rest is
/// the body.
fn oauth_request(input: &[u8]) {
    const NAMES: [&str; 5] = [
        "grant_type",
        "client_id",
        "client_secret",
        "scope",
        "resource",
    ];
    let Some((first, body)) = input.split_first() else {
        return;
    };
    let content_type = match first {
        b'f' => Some("application/x-www-form-urlencoded"),
        b'j' => Some("application/json; charset=utf-8"),
        b'n' => None,
        _ => std::str::from_utf8(body).ok(),
    };
    match request::parse(content_type, body) {
        Ok(parameters) => {
            for name in NAMES {
                let values: Vec<&str> = parameters.all(name).collect();
                assert_eq!(parameters.get(name), values.first().copied());
                assert!(values.iter().all(|value| !value.is_empty()));
                assert!(
                    values.len()
                        <= if name == "resource" {
                            PARAMETERS_MAX
                        } else {
                            1
                        }
                );
            }
        }
        Err(why) => {
            let told = why.to_string();
            assert!(told.is_ascii() && told.len() < 200, "{told}");
        }
    }
}

/// A redirect URI that somebody registers, and on a second line one that is asked for.
fn redirect_uri(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (registered, asked) = text.split_once('\n').unwrap_or((text, text));
    let _ = browser_origin(asked);
    let Ok(uri) = RedirectUri::new(registered) else {
        return;
    };
    assert!(uri.matches(registered) && uri.as_str() == registered);
    // It can stand in a header, and leads to one place whoever reads it.
    assert!(
        registered.bytes().all(|byte| byte.is_ascii_graphic()),
        "{registered}"
    );
    assert!(!registered.contains(['#', '\\', '*']), "{registered}");
    if uri.matches(asked) && registered != asked {
        // Nothing but the port of a loopback address is free.
        assert!(uri.is_loopback() && asked.bytes().all(|byte| byte.is_ascii_graphic()));
        let without_digits = |uri: &str| uri.replace(|c: char| c.is_ascii_digit() || c == ':', "");
        assert_eq!(without_digits(registered), without_digits(asked));
    }
    assert!(!difference(&[uri], asked).is_empty());
}

/// What stands behind `Basic`; and any input as the pair in it.
fn basic_header(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        let _ = basic(text);
    }
    if let Some((id, secret)) = basic(&STANDARD.encode(input)) {
        // Decoding makes nothing longer, and a colon was there.
        assert!(id.len() + secret.len() < input.len());
    }
}

/// An OpenAPI document that routes are taken from.
fn openapi(input: &[u8]) {
    let Ok(document) = serde_json::from_slice(input) else {
        return;
    };
    match apis::readable_routes(&document, "/base") {
        Ok(paths) => {
            for path in paths {
                assert!(PathPattern::new(&path).is_ok(), "{path}");
            }
        }
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
}

/// A configuration file.
fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Err(error) = Config::parse(text, "claviger.toml") {
        assert!(!error.to_string().is_empty());
    }
}

/// A file with the hashes of keys that were made elsewhere.
fn key_import(input: &[u8]) {
    let lines = input.split(|byte| *byte == b'\n').count();
    for pepper in [None, Some(1)] {
        assert!(imports::readable_lines(input, pepper) <= lines);
    }
}
