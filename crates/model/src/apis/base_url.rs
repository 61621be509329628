//! The base URLs of an API.

use serde::Serialize;

use super::{AUDIENCE_LENGTH_MAX, RESOURCE_METADATA_PATH};
use crate::routes;

/// The base URL of an API's environment, by which a gateway's request finds it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(into = "String")]
pub struct BaseUrl {
    scheme: &'static str,
    authority: String,
    path: String,
}

/// A text that is no base URL.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "must be an http or https URL without user, query or fragment, such as https://api.example.com"
)]
pub struct InvalidBaseUrl;

impl BaseUrl {
    /// Checks a base URL; host in lower case, without a trailing slash.
    pub fn new(text: &str) -> Result<Self, InvalidBaseUrl> {
        let (scheme, rest) = match text.split_once("://") {
            Some((word, rest)) if word.eq_ignore_ascii_case("https") => ("https", rest),
            Some((word, rest)) if word.eq_ignore_ascii_case("http") => ("http", rest),
            _ => return Err(InvalidBaseUrl),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host_like = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
        let path = path.trim_end_matches('/');
        let plain_path = path.is_empty() || routes::is_canonical(path);
        let valid = !authority.is_empty() && authority.bytes().all(host_like) && plain_path;
        if !valid || text.len() > AUDIENCE_LENGTH_MAX {
            return Err(InvalidBaseUrl);
        }
        Ok(Self {
            scheme,
            authority: authority.to_ascii_lowercase(),
            path: path.to_owned(),
        })
    }

    /// Host and port as a `Host` header carries them.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What precedes the API's own paths; empty or `/like/this`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a `Host` header is of this URL; the scheme's default port may be left out.
    pub fn is_of_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.without_default_port(&host) == self.host_key()
    }

    /// The URL of the metadata of this resource (RFC 9728 section 3.1).
    pub fn metadata_url(&self) -> String {
        format!(
            "{}://{}{RESOURCE_METADATA_PATH}{}",
            self.scheme, self.authority, self.path
        )
    }

    /// The URL without the scheme's default port, for comparison with a `Host` header.
    pub fn host_key(&self) -> &str {
        self.without_default_port(&self.authority)
    }

    fn without_default_port<'a>(&self, authority: &'a str) -> &'a str {
        let default_port = if self.scheme == "https" {
            ":443"
        } else {
            ":80"
        };
        authority.strip_suffix(default_port).unwrap_or(authority)
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.to_string()
    }
}
