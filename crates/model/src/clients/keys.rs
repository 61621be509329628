//! The keys that a client signs with, as a request names them (RFC 7517). A private key that comes
//! this way is refused: whoever sent it should make a new one.

use serde_json::{Map, Value};

/// The most keys of a set.
const KEYS_MAX: usize = 20;
/// The longest set, in bytes of JSON.
const JWKS_LENGTH_MAX: usize = 16 * 1024;
/// Members of private and secret keys (RFC 7518 section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The text of a set of public keys that may be stored.
pub(super) fn inline(jwks: &Value) -> Result<String, &'static str> {
    let keys = jwks.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or("must be an object with a list of keys: {\"keys\": […]}")?;
    if keys.is_empty() {
        return Err("must have at least one key");
    }
    if keys.len() > KEYS_MAX {
        return Err("must have at most 20 keys");
    }
    for key in keys {
        check(
            key.as_object()
                .ok_or("must have objects in its list of keys")?,
        )?;
    }
    let text = jwks.to_string();
    if text.len() > JWKS_LENGTH_MAX {
        return Err("must be at most 16 KiB");
    }
    Ok(text)
}

fn check(key: &Map<String, Value>) -> Result<(), &'static str> {
    if PRIVATE.iter().any(|member| key.contains_key(*member)) {
        return Err(
            "must have public keys alone. This set has a private or secret one: make a new key \
             and send its public half",
        );
    }
    let needed: &[&str] = match key.get("kty").and_then(Value::as_str) {
        Some("EC") => &["crv", "x", "y"],
        Some("OKP") => &["crv", "x"],
        Some("RSA") => &["n", "e"],
        _ => return Err("must have keys of kty EC, OKP or RSA"),
    };
    let is_text = |member: &&str| key.get(*member).is_some_and(Value::is_string);
    if !needed.iter().all(is_text) {
        return Err(
            "must have the members of each key: crv, x and y (EC), crv and x (OKP), n and e (RSA)",
        );
    }
    Ok(())
}
