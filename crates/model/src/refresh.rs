//! Refresh tokens (RFC 6749 section 6): each is used once and gives the next one. All that came
//! from one authorization are a family.
//!
//! The successor rule: a used token works again only while nothing that came of it has been used,
//! because then its answer may have been lost, or two calls were made at once. Otherwise somebody
//! replays it, and the whole grant ends (RFC 9700 section 4.14.2).

use crate::credentials::StoredSecret;
use crate::grants::Authorized;
use crate::ids::{ClientId, FamilyId, GrantId};
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// What refresh tokens start with.
pub const REFRESH_PREFIX: &str = "crt_";
/// How long after its replacement a token that was never used is taken for a call that came at the
/// same time, in milliseconds; later it is somebody else's.
pub const SUPERSEDED_GRACE_MILLIS: i64 = 60_000;

/// The refresh tokens of one authorization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenFamily {
    /// Its id.
    pub id: FamilyId,
    /// What the user allowed.
    pub grant_id: GrantId,
    /// The app.
    pub client_id: ClientId,
    /// What its tokens are for.
    pub authorized: Authorized,
    /// The generation that was issued last, counted from 1: a refresh token and the access token
    /// beside it.
    pub generation: u32,
    /// The latest generation whose refresh token was used; 0 before the first.
    pub used_generation: u32,
    /// When the code was exchanged.
    pub created_at: UnixMillis,
    /// When its last refresh token ends.
    pub expires_at: UnixMillis,
    /// When it was ended, and with it every token of it.
    pub ended_at: Option<UnixMillis>,
    /// Counts changes of the row.
    pub version: i64,
}

/// One refresh token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefreshToken {
    /// The stored form.
    pub stored: StoredSecret,
    /// Its family.
    pub family_id: FamilyId,
    /// Its place in the family.
    pub generation: u32,
    /// When it was issued.
    pub created_at: UnixMillis,
    /// From when it is not taken.
    pub expires_at: UnixMillis,
    /// When it was used first.
    pub used_at: Option<UnixMillis>,
    /// When another one took its place before it was used.
    pub superseded_at: Option<UnixMillis>,
    /// Counts changes of the row.
    pub version: i64,
}

/// What it means that a refresh token was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presented {
    /// It is the live one.
    Fresh,
    /// It was used, but nothing that came of it was: the answer was lost, or two calls were made at
    /// once. It gives a new successor in place of the one before.
    Retried,
    /// It was replaced a moment ago: refused, and nothing more.
    Superseded,
    /// Somebody replays it: the grant ends.
    Replayed,
    /// Its time is over, or its family was ended.
    Ended,
}

impl RefreshToken {
    /// What it means that it is sent at `now`. `newest_use` is the latest generation of the family
    /// whose access token was used, as far as anybody knows.
    pub fn presented(&self, family: &TokenFamily, newest_use: u32, now: UnixMillis) -> Presented {
        if family.ended_at.is_some() || self.expires_at <= now {
            return Presented::Ended;
        }
        if let Some(at) = self.superseded_at {
            return if now.since(at) <= SUPERSEDED_GRACE_MILLIS {
                Presented::Superseded
            } else {
                Presented::Replayed
            };
        }
        if self.used_at.is_none() {
            return Presented::Fresh;
        }
        if newest_use.max(family.used_generation) > self.generation {
            Presented::Replayed
        } else {
            Presented::Retried
        }
    }

    /// The token used; one that was used before keeps its first time.
    #[must_use]
    pub fn use_at(self, at: UnixMillis) -> Self {
        Self {
            used_at: self.used_at.or(Some(at)),
            version: self.version + 1,
            ..self
        }
    }

    /// The token replaced before it was used.
    #[must_use]
    pub fn supersede(self, at: UnixMillis) -> Self {
        Self {
            superseded_at: Some(at),
            version: self.version + 1,
            ..self
        }
    }
}

impl TokenFamily {
    /// The family after a refresh token of generation `used` gave the next one.
    #[must_use]
    pub fn advance(self, used: u32, expires_at: UnixMillis) -> Self {
        Self {
            generation: self.generation + 1,
            used_generation: self.used_generation.max(used),
            expires_at,
            version: self.version + 1,
            ..self
        }
    }

    /// The family ended; one that was ended before keeps its first end.
    #[must_use]
    pub fn end(self, at: UnixMillis) -> Self {
        if self.ended_at.is_some() {
            return self;
        }
        Self {
            ended_at: Some(at),
            version: self.version + 1,
            ..self
        }
    }
}

impl Sealed for TokenFamily {
    const TABLE: &'static str = "token_families";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.id)
            .shown(self.grant_id)
            .shown(self.client_id);
        self.authorized.columns(columns);
        columns
            .int(self.generation.into())
            .int(self.used_generation.into())
            .time(self.created_at)
            .time(self.expires_at)
            .optional(self.ended_at, Columns::time)
            .int(self.version);
    }
}

impl Sealed for RefreshToken {
    const TABLE: &'static str = "refresh_tokens";

    fn columns(&self, columns: &mut Columns) {
        self.stored.columns(columns);
        columns
            .shown(self.family_id)
            .int(self.generation.into())
            .time(self.created_at)
            .time(self.expires_at)
            .optional(self.used_at, Columns::time)
            .optional(self.superseded_at, Columns::time)
            .int(self.version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Lookup;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn family(generation: u32, used_generation: u32) -> TokenFamily {
        TokenFamily {
            id: FamilyId(1),
            grant_id: GrantId(2),
            client_id: ClientId(3),
            authorized: Authorized::default(),
            generation,
            used_generation,
            created_at: NOW,
            expires_at: NOW.plus_seconds(60),
            ended_at: None,
            version: 1,
        }
    }

    fn token(generation: u32) -> RefreshToken {
        RefreshToken {
            stored: StoredSecret {
                lookup: Lookup(1),
                hash: [0; 32],
                pepper_version: 1,
                hint: String::new(),
            },
            family_id: FamilyId(1),
            generation,
            created_at: NOW,
            expires_at: NOW.plus_seconds(60),
            used_at: None,
            superseded_at: None,
            version: 1,
        }
    }

    #[test]
    fn a_used_token_works_again_until_something_that_came_of_it_is_used() {
        assert_eq!(token(1).presented(&family(1, 0), 1, NOW), Presented::Fresh);
        let used = token(1).use_at(NOW);
        let rotated = family(1, 0).advance(1, NOW.plus_seconds(60));
        assert_eq!((rotated.generation, rotated.used_generation), (2, 1));
        // The access token beside the used token itself may well have been used.
        assert_eq!(used.presented(&rotated, 1, NOW), Presented::Retried);
        assert_eq!(used.presented(&rotated, 2, NOW), Presented::Replayed);
        let onward = rotated.advance(2, NOW.plus_seconds(60));
        assert_eq!(used.presented(&onward, 0, NOW), Presented::Replayed);
    }

    #[test]
    fn a_replaced_token_is_refused_and_later_a_replay() {
        let replaced = token(2).supersede(NOW);
        let soon = NOW.plus_millis(SUPERSEDED_GRACE_MILLIS);
        let late = soon.plus_millis(1);
        let family = TokenFamily {
            expires_at: late.plus_seconds(60),
            ..family(3, 1)
        };
        let replaced = RefreshToken {
            expires_at: late.plus_seconds(60),
            ..replaced
        };
        assert_eq!(replaced.presented(&family, 9, soon), Presented::Superseded);
        assert_eq!(replaced.presented(&family, 0, late), Presented::Replayed);
    }

    #[test]
    fn what_is_over_is_over() {
        let end = NOW.plus_seconds(60);
        assert_eq!(token(1).presented(&family(1, 0), 0, end), Presented::Ended);
        let ended = family(1, 0).end(NOW);
        assert_eq!(token(1).presented(&ended, 0, NOW), Presented::Ended);
        assert_eq!(ended.clone().end(end), ended);
    }
}
