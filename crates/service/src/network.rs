//! Addresses as those who guess have them.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use claviger_model::limits::RateLimit;
use claviger_verify::limits::Limiter;
use quick_cache::sync::Cache;

/// Networks that are remembered.
const REMEMBERED: usize = 20_000;

/// How often each network may do something that costs others.
pub(crate) struct NetworkLimits {
    limit: RateLimit,
    limiters: Cache<u128, Arc<Limiter>>,
}

impl NetworkLimits {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            limiters: Cache::new(REMEMBERED),
        }
    }

    /// Counts one. `Err` says after how many seconds the next one is taken.
    pub(crate) fn take(&self, ip: Option<IpAddr>, boot_nanos: u64) -> Result<(), u32> {
        let Some(ip) = ip else { return Ok(()) };
        let fresh = || Ok::<_, Infallible>(Arc::new(Limiter::new(self.limit)));
        let limiter = match self.limiters.get_or_insert_with(&of(ip), fresh) {
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

/// What one subscriber usually has: an IPv4 address, or an IPv6 /64.
pub(crate) fn of(ip: IpAddr) -> u128 {
    match ip.to_canonical() {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits() & !u128::from(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_subscriber_is_one_network() {
        let of = |text: &str| of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::2:3"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
    }
}
