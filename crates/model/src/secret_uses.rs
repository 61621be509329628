//! What became of a secret: how often it was used and refused, when last, from where.

use std::fmt;
use std::net::IpAddr;

use crate::ids::{LegacyKeyId, SecretId};
use crate::reasons::Reason;
use crate::time::UnixMillis;

/// Characters of a user agent that are kept.
const USER_AGENT_LENGTH_MAX: usize = 200;

/// A secret whose uses are noted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum UsedSecret {
    /// One of a key or of a client.
    Secret(SecretId),
    /// A legacy key, which has but one and no id for it.
    LegacyKey(LegacyKeyId),
}

impl fmt::Display for UsedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(id) => id.fmt(f),
            Self::LegacyKey(id) => id.fmt(f),
        }
    }
}

/// The uses of one secret, all of them or those of a while.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SecretUses {
    /// How often a client used it for a token, or a request with it was allowed.
    pub used: i64,
    /// How often it matched and was refused all the same.
    pub refused: i64,
    /// When that was last.
    pub last_used_at: Option<UnixMillis>,
    /// From which address that was.
    pub last_used_ip: Option<IpAddr>,
    /// With which user agent, as [`shown_user_agent`] cuts it.
    pub last_used_agent: Option<String>,
    /// When it was refused last.
    pub last_refused_at: Option<UnixMillis>,
    /// From which address that was.
    pub last_refused_ip: Option<IpAddr>,
    /// Why.
    pub last_refused_reason: Option<Reason>,
}

impl SecretUses {
    /// One use that was not refused. `agent` is a user agent that can be shown.
    pub fn one(at: UnixMillis, ip: Option<IpAddr>, agent: Option<String>) -> Self {
        Self {
            used: 1,
            last_used_at: Some(at),
            last_used_ip: ip,
            last_used_agent: agent,
            ..Self::default()
        }
    }

    /// One use that was refused.
    pub fn one_refused(at: UnixMillis, ip: Option<IpAddr>, reason: Reason) -> Self {
        Self {
            refused: 1,
            last_refused_at: Some(at),
            last_refused_ip: ip,
            last_refused_reason: Some(reason),
            ..Self::default()
        }
    }

    /// The uses of several secrets together.
    pub fn of_all<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        all.into_iter().cloned().for_each(|uses| sum.add(uses));
        sum
    }

    /// These uses and `other` ones, which none of these is among: the counts of both, and the later
    /// of the last ones.
    pub fn add(&mut self, other: Self) {
        self.used = self.used.saturating_add(other.used);
        self.refused = self.refused.saturating_add(other.refused);
        if other.last_used_at.is_some() && other.last_used_at >= self.last_used_at {
            self.last_used_at = other.last_used_at;
            self.last_used_ip = other.last_used_ip;
            self.last_used_agent = other.last_used_agent;
        }
        if other.last_refused_at.is_some() && other.last_refused_at >= self.last_refused_at {
            self.last_refused_at = other.last_refused_at;
            self.last_refused_ip = other.last_refused_ip;
            self.last_refused_reason = other.last_refused_reason;
        }
    }
}

/// What is kept of a `User-Agent` header: 200 characters without control characters.
pub fn shown_user_agent(header: &str) -> String {
    let shown = header.chars().filter(|character| !character.is_control());
    shown.take(USER_AGENT_LENGTH_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_added_and_the_later_last_use_stays() {
        let ip = |last: u8| Some(IpAddr::from([203, 0, 113, last]));
        let use_at = |at, last| SecretUses::one(UnixMillis(at), ip(last), Some(format!("a{last}")));
        let refused_at =
            |at, last| SecretUses::one_refused(UnixMillis(at), ip(last), Reason::Expired);
        let mut uses = SecretUses::default();
        for one in [
            use_at(5, 1),
            refused_at(9, 2),
            use_at(4, 3),
            refused_at(8, 4),
        ] {
            uses.add(one);
        }
        let expected = SecretUses {
            used: 2,
            refused: 2,
            last_used_at: Some(UnixMillis(5)),
            last_used_ip: ip(1),
            last_used_agent: Some("a1".into()),
            last_refused_at: Some(UnixMillis(9)),
            last_refused_ip: ip(2),
            last_refused_reason: Some(Reason::Expired),
        };
        assert_eq!(uses, expected);
    }

    #[test]
    fn a_user_agent_is_cut_and_has_no_control_characters() {
        assert_eq!(shown_user_agent("curl/8\r\n\0\u{9b}x"), "curl/8x");
        let long = "é".repeat(USER_AGENT_LENGTH_MAX + 1);
        assert_eq!(
            shown_user_agent(&long).chars().count(),
            USER_AGENT_LENGTH_MAX
        );
    }
}
