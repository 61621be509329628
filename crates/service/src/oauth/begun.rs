//! Requests that apps begin and nobody has finished, by the network that they come from: each is a
//! row, and an app that keeps no secret can be impersonated by anybody.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use claviger_model::limits::RateLimit;
use claviger_verify::limits::Limiter;
use quick_cache::sync::Cache;

use super::{Client, ErrorCode, Refusal};
use crate::app::App;
use crate::network;

/// Networks that are remembered.
const REMEMBERED: usize = 20_000;
/// Requests of apps that prove nothing.
const BEGUN: RateLimit = RateLimit {
    limit: 120,
    window_seconds: 60,
};

/// How many requests each network began of late.
pub(crate) struct Begun {
    limiters: Cache<u128, Arc<Limiter>>,
}

impl Begun {
    pub(crate) fn new() -> Self {
        Self {
            limiters: Cache::new(REMEMBERED),
        }
    }

    /// Counts a request. `Err` says after how many seconds the next one is taken.
    fn take(&self, ip: Option<IpAddr>, boot_nanos: u64) -> Result<(), u32> {
        let Some(ip) = ip else { return Ok(()) };
        let fresh = || Ok::<_, Infallible>(Arc::new(Limiter::new(BEGUN)));
        let limiter = match self.limiters.get_or_insert_with(&network::of(ip), fresh) {
            Ok(limiter) => limiter,
            Err(never) => match never {},
        };
        let Err(state) = limiter.take(boot_nanos) else {
            return Ok(());
        };
        let seconds = state.retry_millis.div_ceil(1_000).max(1);
        Err(u32::try_from(seconds).unwrap_or(u32::MAX))
    }
}

impl Client {
    /// Counts a request that is kept until a user decides, where the client proved nothing.
    pub(super) fn take_request(&self, app: &App) -> Result<(), Refusal> {
        if !self.entry.is_public() {
            return Ok(());
        }
        let boot_nanos = app.sources().both().boot_nanos;
        let taken = app.begun_requests().take(self.source.ip, boot_nanos);
        taken.map_err(|seconds| Refusal {
            retry_after_seconds: Some(seconds),
            ..Refusal::because(
                ErrorCode::RateLimited,
                "Too many requests were begun from this address. Begin one when the user wants it.",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_begins_so_many_requests_and_then_two_a_second() {
        let begun = Begun::new();
        let ip = Some("192.0.2.7".parse().unwrap());
        for _ in 0..120 {
            assert_eq!(begun.take(ip, 0), Ok(()));
        }
        assert_eq!(begun.take(ip, 0), Err(1));
        assert_eq!(begun.take(ip, 500_000_000), Ok(()));
        assert_eq!(begun.take(Some("192.0.2.8".parse().unwrap()), 0), Ok(()));
        assert_eq!(begun.take(None, 0), Ok(()));
    }
}
