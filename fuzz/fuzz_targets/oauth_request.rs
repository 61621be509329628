//! The body of a request to an OAuth endpoint, before anybody knows whose it is: it may be refused
//! with a sentence, and nothing else may happen.
//!
//! The first byte of an input chooses the content type; the rest is the body.
#![no_main]

use claviger_web::oauth::request::{PARAMETERS_MAX, parse};
use libfuzzer_sys::fuzz_target;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json; charset=utf-8";
const NAMES: [&str; 5] = ["grant_type", "client_id", "client_secret", "scope", "resource"];

fuzz_target!(|input: &[u8]| {
    let Some((first, body)) = input.split_first() else {
        return;
    };
    let content_type = match first {
        b'f' => Some(FORM),
        b'j' => Some(JSON),
        b'n' => None,
        _ => std::str::from_utf8(body).ok(),
    };
    match parse(content_type, body) {
        Ok(parameters) => {
            for name in NAMES {
                let values: Vec<&str> = parameters.all(name).collect();
                assert_eq!(parameters.get(name), values.first().copied());
                assert!(values.iter().all(|value| !value.is_empty()));
                assert!(values.len() <= if name == "resource" { PARAMETERS_MAX } else { 1 });
            }
        }
        Err(why) => {
            let told = why.to_string();
            assert!(told.is_ascii() && told.len() < 200, "{told}");
        }
    }
});
