//! What is fetched from addresses that strangers name, keys and documents of clients, and what is
//! sent to them: webhooks.
//!
//! Nobody may have this instance look around in its own network by naming an address (server-side
//! request forgery). So the address of every connection is checked when it is made, there is no
//! second look-up of the name after the check, and neither redirects nor proxies lead elsewhere.

mod addresses;
mod error;
mod post;
mod resolver;

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use claviger_model::redirect_uris::WebAddress;
use ipnet::IpNet;
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use tokio::sync::Semaphore;

use crate::app::App;
use addresses::is_allowed;
pub use error::FetchError;
pub(crate) use post::{check_receiver, post};
use resolver::CheckedResolver;

/// How many are fetched at once.
const AT_ONCE: usize = 32;
const USER_AGENT: &str = concat!("Claviger/", env!("CARGO_PKG_VERSION"));

/// How much is waited for and read.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// The largest body, in bytes.
    pub bytes: usize,
    /// The longest time for everything together.
    pub time: Duration,
}

/// What was fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetched {
    /// The body, which calls itself JSON; nobody has read it yet.
    pub body: Vec<u8>,
    /// How long its server lets it be kept, in seconds: 0 for not at all, none when it says
    /// nothing.
    pub max_age_seconds: Option<u64>,
}

/// What fetches; made when something is fetched for the first time.
pub(crate) struct Outbound {
    client: OnceLock<Option<Client>>,
    permits: Semaphore,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            bytes: 64 * 1024,
            time: Duration::from_secs(5),
        }
    }
}

impl Outbound {
    pub(crate) fn new() -> Self {
        Self {
            client: OnceLock::new(),
            permits: Semaphore::new(AT_ONCE),
        }
    }

    fn client(&self, networks: &[IpNet]) -> Option<&Client> {
        self.client.get_or_init(|| build(networks)).as_ref()
    }
}

/// Fetches JSON from a URL that a stranger has named.
///
/// ```ignore
/// let fetched = outbound::fetch(app, jwks_uri, FetchLimits::default()).await?;
/// let set: JwkSet = serde_json::from_slice(&fetched.body)?;
/// ```
///
/// The caller keeps what it got for [`Fetched::max_age_seconds`], within bounds of its own, and
/// remembers a failure for a while too: each call is a request to somebody else's server.
///
/// # Errors
/// A URL that is not `https` (`http` is for addresses in `oauth.fetch_networks`), a host with an
/// address that is not public, an answer that is not 200, not JSON, too large or too late. The
/// sentence is for the client's developer; it tells nothing of what was found at a private address.
pub async fn fetch(app: &App, url: &str, limits: FetchLimits) -> Result<Fetched, FetchError> {
    let networks = &app.settings().oauth.fetch_networks;
    let url = checked(url, networks)?;
    let outbound = app.outbound();
    let _permit = outbound
        .permits
        .try_acquire()
        .map_err(|_| FetchError::Busy)?;
    let client = outbound.client(networks).ok_or(FetchError::Unavailable)?;
    tokio::time::timeout(limits.time, ask(client, url, limits))
        .await
        .map_err(|_| FetchError::TooLate)?
}

/// Whether something at this URL may be asked for at all: over TLS, or without it at an address of
/// the operator's networks.
pub(crate) fn may_ask(app: &App, url: &str) -> bool {
    checked(url, &app.settings().oauth.fetch_networks).is_ok()
}

/// The URL as it is asked for. Its host is looked at after it was read in the way in which
/// connections are made: `0x7f.1` is an address too.
fn checked(url: &str, networks: &[IpNet]) -> Result<Url, FetchError> {
    let read = WebAddress::new(url).map_err(FetchError::Address)?;
    let parsed = Url::parse(url).map_err(|_| FetchError::Address("must be a URL"))?;
    let host = parsed.host_str().unwrap_or_default();
    let ip: Option<IpAddr> = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok();
    if ip.is_some_and(|ip| !is_allowed(ip, networks)) {
        return Err(FetchError::Forbidden);
    }
    let is_named = |ip: IpAddr| networks.iter().any(|network| network.contains(&ip));
    if !read.is_https && !ip.is_some_and(is_named) {
        return Err(FetchError::Address("must start with https://"));
    }
    Ok(parsed)
}

fn build(networks: &[IpNet]) -> Option<Client> {
    let built = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .no_proxy()
        .http1_only()
        .referer(false)
        // A connection that was checked is used once: its name may have another address later.
        .pool_max_idle_per_host(0)
        .dns_resolver(CheckedResolver::new(networks))
        .build();
    match built {
        Ok(client) => Some(client),
        Err(error) => {
            tracing::error!(%error, "documents and keys of clients cannot be fetched");
            None
        }
    }
}

async fn ask(client: &Client, url: Url, limits: FetchLimits) -> Result<Fetched, FetchError> {
    let request = client.get(url).header(ACCEPT, "application/json");
    let mut response = request
        .send()
        .await
        .map_err(|error| FetchError::of(&error))?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(FetchError::Status(status));
    }
    if !is_json(response.headers()) {
        return Err(FetchError::NotJson);
    }
    let max_age_seconds = max_age(response.headers());
    let body = read(&mut response, limits.bytes).await?;
    Ok(Fetched {
        body,
        max_age_seconds,
    })
}

async fn read(response: &mut Response, most: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| FetchError::of(&error))?
    {
        if body.len() + chunk.len() > most {
            return Err(FetchError::TooLarge(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// `application/json`, or a type with the suffix `+json` (RFC 6839).
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let value = value.unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

/// How long an answer may be kept (RFC 9111 section 5.2.2).
fn max_age(headers: &HeaderMap) -> Option<u64> {
    let values = headers.get_all(CACHE_CONTROL).iter();
    let text = values.filter_map(|v| v.to_str().ok());
    let mut age = None;
    for directive in text.flat_map(|text| text.split(',')) {
        let directive = directive.trim().to_ascii_lowercase();
        if matches!(directive.as_str(), "no-store" | "no-cache") {
            return Some(0);
        }
        if let Some(seconds) = directive.strip_prefix("max-age=") {
            age = seconds.trim_matches('"').parse().ok();
        }
    }
    age
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn hosts_are_addresses_however_they_are_written() {
        for url in [
            "https://127.0.0.1/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://0177.0.0.1/x",
            "https://127.1/x",
            "https://[::1]/x",
            "https://[::ffff:7f00:1]/x",
            "https://169.254.169.254/latest/meta-data",
        ] {
            assert!(
                matches!(checked(url, &[]), Err(FetchError::Forbidden)),
                "{url}"
            );
        }
        for url in [
            "http://8.8.8.8/x",
            "http://app.test/x",
            "ftp://app.test/x",
            "https://user@app.test/x",
            "https://app.test/x#y",
            "/x",
        ] {
            assert!(
                matches!(checked(url, &[]), Err(FetchError::Address(_))),
                "{url}"
            );
        }
        let own = ["127.0.0.0/8".parse().unwrap()];
        assert!(checked("http://127.0.0.1:81/x", &own).is_ok());
        assert!(checked("https://127.0.0.1/x", &own).is_ok());
        assert!(checked("http://localhost/x", &own).is_err());
        assert!(checked("https://app.test/x", &[]).is_ok());
    }

    #[test]
    fn types_and_ages_are_read() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/jwk-set+json", true),
            ("text/json", false),
            ("text/html", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            assert_eq!(
                is_json(&headers("content-type", value)),
                expected,
                "{value}"
            );
        }
        for (value, expected) in [
            ("max-age=600", Some(600)),
            ("public, Max-Age=\"60\"", Some(60)),
            ("max-age=600, no-store", Some(0)),
            ("no-cache", Some(0)),
            ("private", None),
            ("max-age=x", None),
        ] {
            assert_eq!(
                max_age(&headers("cache-control", value)),
                expected,
                "{value}"
            );
        }
    }
}
