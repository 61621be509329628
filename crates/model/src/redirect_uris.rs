//! Redirect URIs: where a browser is sent with a code. They match as exact strings; only the port
//! of a loopback address is free (RFC 9700 section 2.1, RFC 8252 section 7.3).

mod difference;
mod origin;
mod parts;
#[cfg(test)]
mod refused;
mod rules;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use difference::difference;
pub use origin::browser_origin;
pub use rules::WebAddress;

/// The most redirect URIs of one client.
pub const REDIRECT_URIS_MAX: usize = 50;
/// The longest redirect URI, in bytes.
pub const REDIRECT_URI_LENGTH_MAX: usize = 2_000;
/// The hosts whose port is free.
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// A registered redirect URI.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// A URI that may be registered; the sentence says what is wrong with it otherwise.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        rules::check(text)?;
        Ok(Self(text.to_owned()))
    }

    /// As it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `asked` is this one.
    pub fn matches(&self, asked: &str) -> bool {
        if self.0 == asked {
            return true;
        }
        match (split_loopback(&self.0), split_loopback(asked)) {
            (Some((host, rest)), Some((asked_host, asked_rest))) => {
                host == asked_host && rest == asked_rest
            }
            _ => false,
        }
    }

    /// Whether it leads to a program on the user's own machine.
    pub fn is_loopback(&self) -> bool {
        split_loopback(&self.0).is_some()
    }

    /// Whether it leads to a program by a scheme that is that program's own (RFC 8252 section
    /// 7.1). Any program of the user's machine can say that the scheme is its own.
    pub fn is_private_use(&self) -> bool {
        !self.0.starts_with("https://") && !self.0.starts_with("http://")
    }
}

/// The host of a loopback URI and what follows its port.
fn split_loopback(uri: &str) -> Option<(&str, &str)> {
    let host = LOOPBACK.into_iter().find(|host| uri.starts_with(host))?;
    let rest = &uri[host.len()..];
    let after = match rest.strip_prefix(':') {
        None => rest,
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            parts::is_port(&rest[..digits]).then_some(&rest[digits..])?
        }
    };
    let begins = after.is_empty() || after.starts_with(['/', '?']);
    begins.then_some((host, after))
}
