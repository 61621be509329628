//! What is fetched from addresses that strangers name: keys and documents of clients.

use std::net::IpAddr;

use claviger_model::redirect_uris::WebAddress;

use crate::app::App;

/// Whether something at this URL may be asked for at all: over TLS, or without it in a network that
/// the operator has named.
pub(crate) fn may_ask(app: &App, url: &str) -> bool {
    let Ok(url) = WebAddress::new(url) else {
        return false;
    };
    let host = url.host.trim_start_matches('[').trim_end_matches(']');
    let networks = &app.settings().oauth.fetch_networks;
    let is_named = |ip: IpAddr| networks.iter().any(|network| network.contains(&ip));
    url.is_https || host.parse().is_ok_and(is_named)
}
