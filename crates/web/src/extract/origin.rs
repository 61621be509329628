//! Where a request came from: its id and the client's address.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use claviger_model::ids::RequestId;
use http::request::Parts;
use ipnet::IpNet;

use crate::server::Peer;
use crate::state::Web;

/// The id of a request and the address of its client.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The request.
    pub request_id: RequestId,
    /// The client's address; none where there is no socket.
    pub ip: Option<IpAddr>,
}

impl Origin {
    /// Reads it from a request that passed the edge of the router.
    pub fn of(parts: &http::Extensions, headers: &http::HeaderMap, web: &Web) -> Self {
        let request_id = parts.get::<RequestId>().copied();
        let peer = parts.get::<Peer>().map(|peer| peer.0.ip());
        Self {
            request_id: request_id.unwrap_or_else(|| web.app().sources().request_id()),
            ip: peer.map(|peer| client(peer, headers, &web.options().trusted_proxies)),
        }
    }
}

impl From<Origin> for claviger_service::sessions::Origin {
    fn from(origin: Origin) -> Self {
        Self {
            ip: origin.ip,
            request_id: Some(origin.request_id),
        }
    }
}

impl FromRequestParts<Web> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions, &parts.headers, web))
    }
}

/// What the program calls itself that sends a request.
pub fn user_agent(headers: &http::HeaderMap) -> Option<String> {
    let sent = headers.get(http::header::USER_AGENT)?;
    sent.to_str().ok().map(str::to_owned)
}

/// The last address that a trusted proxy vouches for. Walking from the right, what an untrusted
/// hop wrote is never believed.
fn client(peer: IpAddr, headers: &http::HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    let hops = headers.get_all("x-forwarded-for").iter();
    // As bytes: what a client wrote in front may be no text, and the address behind it counts.
    let mut hops: Vec<&[u8]> = hops
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .collect();
    let mut client = peer;
    while let Some(hop) = hops.pop() {
        let text = std::str::from_utf8(hop).ok();
        let Some(address) = text.and_then(|text| text.trim().parse::<IpAddr>().ok()) else {
            break;
        };
        client = address.to_canonical();
        if !is_trusted(&client) {
            break;
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let mut headers = http::HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            "1.2.3.4, 203.0.113.9, 10.0.0.2".parse().unwrap(),
        );
        let of = |peer: &str| client(peer.parse().unwrap(), &headers, &trusted).to_string();
        assert_eq!(of("10.0.0.1"), "203.0.113.9");
        assert_eq!(of("198.51.100.7"), "198.51.100.7");
    }

    #[test]
    fn what_a_client_wrote_in_front_does_not_hide_its_address() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let mut headers = http::HeaderMap::new();
        let sent = http::HeaderValue::from_bytes(b"caf\xe9, 203.0.113.9").unwrap();
        headers.insert("x-forwarded-for", sent);
        let found = client("10.0.0.1".parse().unwrap(), &headers, &trusted);
        assert_eq!(found.to_string(), "203.0.113.9");
    }
}
