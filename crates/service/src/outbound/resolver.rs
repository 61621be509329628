//! Names become addresses here, once, and are checked: a connection is made to what was checked.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::addresses::is_allowed;

/// The system's resolver, and a rule about what it finds.
pub(super) struct CheckedResolver {
    networks: Arc<[IpNet]>,
}

/// A name has an address that is not public. One is enough: which one a connection would take is
/// not ours to choose.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name has an address that is not public")]
pub(super) struct NotPublic;

impl CheckedResolver {
    pub(super) fn new(networks: &[IpNet]) -> Self {
        Self {
            networks: networks.into(),
        }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = Arc::clone(&self.networks);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            if found
                .iter()
                .any(|address| !is_allowed(address.ip(), &networks))
            {
                return Err(NotPublic.into());
            }
            if found.is_empty() {
                return Err(io::Error::from(io::ErrorKind::NotFound).into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}
