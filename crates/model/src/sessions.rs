//! Sessions: what signing in gives.

use std::net::IpAddr;

use crate::credentials::StoredSecret;
use crate::ids::{AccountId, SessionId, UserId};
use crate::seal::{Columns, Sealed};
use crate::time::{DAY_MILLIS, UnixMillis};

/// How long a session lasts, in milliseconds: 24 hours, from its start, however it is used.
pub const SESSION_LIFETIME_MILLIS: i64 = DAY_MILLIS;

/// How much of a program's own name is kept with a session, in characters.
const USER_AGENT_CHARACTERS_MAX: usize = 300;

/// A sign-in, in at most one account at a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who signed in.
    pub user_id: UserId,
    /// Where; an operator without membership signs in to none.
    pub account_id: Option<AccountId>,
    /// The stored form of its token.
    pub stored: StoredSecret,
    /// When it started.
    pub created_at: UnixMillis,
    /// When it ends.
    pub expires_at: UnixMillis,
    /// When it was ended before that.
    pub ended_at: Option<UnixMillis>,
    /// Counts changes of the row.
    pub version: i64,
}

/// From where a session was started, as its person is shown it. It gives no power.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SessionOrigin {
    /// The address.
    pub ip: Option<String>,
    /// What the program called itself, as far as it is kept.
    pub user_agent: Option<String>,
}

impl SessionOrigin {
    /// An origin with as much of the program's name as is kept: what could not stand in a text of
    /// ours is left out.
    pub fn new(ip: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let kept = user_agent.map(|sent| {
            let shown = sent.chars().filter(|c| (' '..='~').contains(c));
            shown.take(USER_AGENT_CHARACTERS_MAX).collect::<String>()
        });
        Self {
            ip: ip.map(|ip| ip.to_string()),
            user_agent: kept.filter(|kept| !kept.trim().is_empty()),
        }
    }
}

impl Sealed for Session {
    const TABLE: &'static str = "sessions";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.id)
            .shown(self.user_id)
            .optional(self.account_id, Columns::shown);
        self.stored.columns(columns);
        columns
            .time(self.created_at)
            .time(self.expires_at)
            .optional(self.ended_at, Columns::time)
            .int(self.version);
    }
}
