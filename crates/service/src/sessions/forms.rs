//! Tokens of forms: by them a page's form is known to be one that we gave to the same session, and
//! not one that another site made the browser send.

use std::fmt::Write as _;

use claviger_model::keyring::macs_equal;

use crate::app::App;

/// What is hashed before the session's token, so that the hash is never that of a credential.
const PURPOSE: &str = "form of ";

/// The token that the forms of a session carry: a keyed hash of the session's own token.
pub fn form_token(app: &App, session_token: &str) -> String {
    let (_, mac) = app.keyring().hash_new_secret(&hashed(session_token));
    mac.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether `sent` is the token of the forms of this session.
pub fn is_form_token(app: &App, session_token: &str, sent: &str) -> bool {
    let (_, mac) = app.keyring().hash_new_secret(&hashed(session_token));
    let mut found = [0; 32];
    let is_hex = sent.len() == 64 && sent.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return false;
    }
    for (at, byte) in found.iter_mut().enumerate() {
        let pair = sent.get(2 * at..2 * at + 2).unwrap_or_default();
        *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
    }
    macs_equal(&mac, &found)
}

fn hashed(session_token: &str) -> zeroize::Zeroizing<String> {
    zeroize::Zeroizing::new(format!("{PURPOSE}{session_token}"))
}
