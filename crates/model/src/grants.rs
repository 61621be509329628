//! Grants: what a user allowed an app to do in an account. There is at most one that is not ended
//! for a user, an account and an app; further consent extends it.

use serde::{Deserialize, Serialize};

use crate::Reason;
use crate::ids::{AccountId, ClientId, GrantId, UserId};
use crate::scopes::ScopeName;
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// What ended a grant, for good: nothing makes it live again, only consent makes a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GrantEnd {
    /// Somebody disconnected the app.
    Disconnected,
    /// A refresh token was used that somebody else had used before.
    Replayed,
    /// The user was suspended.
    UserSuspended,
    /// The user changed the password.
    PasswordChanged,
    /// The account was suspended.
    AccountSuspended,
    /// The user is no longer a member of the account.
    MemberRemoved,
    /// The test environment was put back to its start.
    SandboxReset,
}

impl GrantEnd {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Disconnected,
        Self::Replayed,
        Self::UserSuspended,
        Self::PasswordChanged,
        Self::AccountSuspended,
        Self::MemberRemoved,
        Self::SandboxReset,
    ];

    /// The word in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Replayed => "replayed",
            Self::UserSuspended => "user_suspended",
            Self::PasswordChanged => "password_changed",
            Self::AccountSuspended => "account_suspended",
            Self::MemberRemoved => "member_removed",
            Self::SandboxReset => "sandbox_reset",
        }
    }

    /// The end that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.as_str() == word)
    }

    /// Why a token of such a grant is refused.
    pub const fn reason(self) -> Reason {
        match self {
            Self::MemberRemoved => Reason::UserLacksAccess,
            _ => Reason::Revoked,
        }
    }
}

/// A grant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The app.
    pub client_id: ClientId,
    /// Who allowed it.
    pub user_id: UserId,
    /// Where the app acts.
    pub account_id: AccountId,
    /// What the user has agreed to, all in all; a token has those of its authorization.
    pub scopes: Vec<ScopeName>,
    /// When the user agreed first.
    pub created_at: UnixMillis,
    /// When the user agreed last.
    pub consented_at: UnixMillis,
    /// When it was ended, and by what.
    pub ended: Option<(UnixMillis, GrantEnd)>,
    /// Counts changes of the row.
    pub version: i64,
}

impl Grant {
    /// Those of `asked` that the user has not agreed to yet.
    pub fn missing<'a>(&self, asked: &'a [ScopeName]) -> Vec<&'a ScopeName> {
        let is_new = |scope: &&ScopeName| !self.scopes.contains(scope);
        asked.iter().filter(is_new).collect()
    }

    /// The grant with these scopes too.
    #[must_use]
    pub fn extend(mut self, scopes: &[ScopeName], at: UnixMillis) -> Self {
        let fresh: Vec<ScopeName> = self.missing(scopes).into_iter().cloned().collect();
        self.scopes.extend(fresh);
        Self {
            consented_at: at,
            version: self.version + 1,
            ..self
        }
    }

    /// The grant ended; one that was ended before keeps its first end.
    #[must_use]
    pub fn end(self, at: UnixMillis, cause: GrantEnd) -> Self {
        if self.ended.is_some() {
            return self;
        }
        Self {
            ended: Some((at, cause)),
            version: self.version + 1,
            ..self
        }
    }
}

impl Sealed for Grant {
    const TABLE: &'static str = "grants";

    fn columns(&self, columns: &mut Columns) {
        let (ended_at, cause) = self.ended.unzip();
        columns
            .shown(self.id)
            .shown(self.client_id)
            .shown(self.user_id)
            .shown(self.account_id)
            .list(&self.scopes)
            .time(self.created_at)
            .time(self.consented_at)
            .optional(ended_at, Columns::time)
            .optional(cause.map(GrantEnd::as_str), Columns::text)
            .int(self.version);
    }
}

/// What one authorization is for: a code and the tokens that come from it never do more.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Authorized {
    /// The scopes.
    pub scopes: Vec<ScopeName>,
    /// The audiences that were named (RFC 8707); empty when none was.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// The thumbprint of the key that it is bound to (RFC 9449 section 10).
    #[serde(default)]
    pub jkt: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(names: &[&str]) -> Vec<ScopeName> {
        let scope = |name: &&str| ScopeName::new(name).unwrap();
        names.iter().map(scope).collect()
    }

    fn grant() -> Grant {
        Grant {
            id: GrantId(1),
            client_id: ClientId(2),
            user_id: UserId(3),
            account_id: AccountId(4),
            scopes: scopes(&["read:leads"]),
            created_at: UnixMillis(1),
            consented_at: UnixMillis(1),
            ended: None,
            version: 1,
        }
    }

    #[test]
    fn only_what_is_new_is_asked_for_and_added() {
        let asked = scopes(&["read:leads", "write:leads"]);
        assert_eq!(grant().missing(&asked), [&asked[1]]);
        let extended = grant().extend(&asked, UnixMillis(2));
        assert_eq!(extended.scopes, asked);
        assert_eq!(
            (extended.version, extended.consented_at),
            (2, UnixMillis(2))
        );
        assert!(extended.missing(&asked).is_empty());
    }

    #[test]
    fn the_first_end_counts() {
        let ended = grant().end(UnixMillis(5), GrantEnd::Replayed);
        let again = ended.clone().end(UnixMillis(6), GrantEnd::Disconnected);
        assert_eq!(again, ended);
        for end in GrantEnd::ALL {
            assert_eq!(GrantEnd::parse(end.as_str()), Some(end));
        }
    }
}
