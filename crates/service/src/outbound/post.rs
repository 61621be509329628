//! Sending a message to an address that a stranger has named, with the same checks as fetching.

use std::time::Duration;

use ipnet::IpNet;
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;

use super::addresses::is_allowed;
use super::error::FetchError;
use super::{Outbound, checked};

/// The longest time for a message, its connection and its answer together.
const TIME: Duration = Duration::from_secs(5);
/// How long a name may take to be looked up when a receiver is named.
const LOOK_UP_TIME: Duration = Duration::from_secs(2);

/// Whether messages may be sent to this URL, as its name stands now. A name that leads nowhere is
/// taken: what it leads to is checked at each message.
///
/// # Errors
/// A URL that is none that is asked, and one that leads into a network of one's own.
pub(crate) async fn check_receiver(url: &str, networks: &[IpNet]) -> Result<(), FetchError> {
    let url = checked(url, networks)?;
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(443);
    let found = tokio::time::timeout(LOOK_UP_TIME, tokio::net::lookup_host((host, port))).await;
    let Ok(Ok(mut found)) = found else {
        return Ok(());
    };
    if found.any(|address| !is_allowed(address.ip(), networks)) {
        return Err(FetchError::Forbidden);
    }
    Ok(())
}

/// Posts JSON. Of the answer nothing but the status is read; a redirect is one that is not
/// followed.
///
/// # Errors
/// What [`check_receiver`] refuses, looked up anew; nobody there, and an answer that is too late.
pub(crate) async fn post(
    outbound: &Outbound,
    networks: &[IpNet],
    url: &str,
    headers: &[(&'static str, String)],
    body: String,
) -> Result<u16, FetchError> {
    let url: Url = checked(url, networks)?;
    let client = outbound.client(networks).ok_or(FetchError::Unavailable)?;
    let mut request = client.post(url).header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let sent = tokio::time::timeout(TIME, request.body(body).send()).await;
    let response = sent
        .map_err(|_| FetchError::TooLate)?
        .map_err(|error| FetchError::of(&error))?;
    Ok(response.status().as_u16())
}
