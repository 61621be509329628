//! Rotations: a client gets a new secret, and its older ones end once the new one is in place.

use serde::{Deserialize, Serialize};

use crate::clients::ClientSecret;
use crate::ids::{ClientId, SecretId};
use crate::keys::expiry;
use crate::seal::{Columns, Sealed};
use crate::secret_uses::SecretUses;
use crate::time::UnixMillis;
use crate::{Problems, text};

/// How long older secrets go on after the new one's first use when nobody says otherwise, in
/// seconds: a day.
pub const GRACE_SECONDS_DEFAULT: u32 = 86_400;
/// The longest that they can go on after it, in seconds: 90 days.
pub const GRACE_SECONDS_MAX: u32 = 90 * 86_400;

/// When the older secrets of a client end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OldEnds {
    /// Now, and every token that they got with them.
    Now,
    /// So many seconds after the new secret was used for the first time.
    AfterFirstUse {
        /// How many.
        grace_seconds: u32,
    },
    /// At this time.
    At(UnixMillis),
}

/// What a request says of a rotation.
#[derive(Clone, Default, Debug)]
pub struct RotationDraft {
    /// What the new secret is for.
    pub description: Option<String>,
    /// `now`, `after_first_use` or `at`.
    pub old_ends: Option<String>,
    /// With `after_first_use`: how long after it.
    pub grace_seconds: Option<i64>,
    /// With `at`: when, in Unix milliseconds.
    pub at: Option<i64>,
}

/// One of the older secrets, as it was when the rotation began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OldSecret {
    /// Which.
    pub id: SecretId,
    /// When it was to end without the rotation.
    pub expires_at: Option<UnixMillis>,
    /// How often it had been used when the new one's first use was noticed, and until then when
    /// the rotation began.
    pub used: i64,
}

/// A rotation under way. A client has one at most.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rotation {
    /// Whose secrets.
    pub client_id: ClientId,
    /// The new one.
    pub secret_id: SecretId,
    /// When the older ones end: never [`OldEnds::Now`], which leaves nothing under way.
    pub old_ends: OldEnds,
    /// The older ones.
    pub old: Vec<OldSecret>,
    /// Who began it.
    pub started_by: String,
    /// When.
    pub started_at: UnixMillis,
    /// When the new secret was used for the first time, as far as that was noticed.
    pub first_used_at: Option<UnixMillis>,
    /// Counts changes of the row.
    pub version: i64,
}

/// Whether an old secret can go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The new one was not used yet: this one is all that there is.
    OnlyOne,
    /// It was used after the new one.
    StillUsed {
        /// How often, at least.
        times: i64,
        /// Since when these are counted.
        since: UnixMillis,
        /// When last.
        last_used_at: UnixMillis,
    },
    /// It has been silent since the new one was first used, but tokens that it got may be about.
    Silent {
        /// Since when.
        since: UnixMillis,
        /// From when it can go if it stays silent.
        safe_at: UnixMillis,
    },
    /// It has been silent for longer than a token lives: whoever still had it would have come for
    /// another one.
    SafeToRetire {
        /// Silent since when.
        since: UnixMillis,
    },
}

impl Verdict {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnlyOne => "not_replaced",
            Self::StillUsed { .. } => "still_used",
            Self::Silent { .. } => "silent",
            Self::SafeToRetire { .. } => "safe_to_retire",
        }
    }
}

impl OldEnds {
    /// The word in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::AfterFirstUse { .. } => "after_first_use",
            Self::At(_) => "at",
        }
    }

    /// For how long after the first use, in seconds.
    pub const fn grace_seconds(self) -> Option<u32> {
        match self {
            Self::AfterFirstUse { grace_seconds } => Some(grace_seconds),
            Self::Now | Self::At(_) => None,
        }
    }

    /// At which time.
    pub const fn at(self) -> Option<UnixMillis> {
        match self {
            Self::At(at) => Some(at),
            Self::Now | Self::AfterFirstUse { .. } => None,
        }
    }

    /// What was read from the database.
    pub fn restore(word: &str, grace: Option<u32>, at: Option<UnixMillis>) -> Option<Self> {
        match (word, grace, at) {
            ("after_first_use", Some(grace_seconds), None) => {
                Some(Self::AfterFirstUse { grace_seconds })
            }
            ("at", None, Some(at)) => Some(Self::At(at)),
            _ => None,
        }
    }

    /// The end that this plans, once it can be told.
    pub fn end(self, now: UnixMillis, first_used_at: Option<UnixMillis>) -> Option<UnixMillis> {
        match self {
            Self::Now => Some(now),
            Self::At(at) => Some(at),
            Self::AfterFirstUse { grace_seconds } => {
                first_used_at.map(|first| first.plus_seconds(i64::from(grace_seconds)))
            }
        }
    }
}

impl RotationDraft {
    /// Checks what a request says: the description of the new secret, and when the old ones end.
    ///
    /// # Errors
    /// Everything that is not acceptable, by member.
    pub fn checked(&self, now: UnixMillis) -> Result<(String, OldEnds), Problems> {
        let mut problems = Problems::default();
        let description = text::description(self.description.as_deref().unwrap_or_default());
        let description = problems.check("description", description);
        let ends = self.old_ends(now, &mut problems);
        problems.into_result()?;
        description
            .zip(ends)
            .ok_or_else(|| Problems::of("old_ends", WORDS))
    }

    fn old_ends(&self, now: UnixMillis, problems: &mut Problems) -> Option<OldEnds> {
        let word = self.old_ends.as_deref().unwrap_or_default();
        if self.grace_seconds.is_some() && word != "after_first_use" {
            problems.add("grace_seconds", "goes with old_ends after_first_use only");
        }
        if self.at.is_some() && word != "at" {
            problems.add("at", "goes with old_ends at only");
        }
        match word {
            "now" => Some(OldEnds::Now),
            "after_first_use" => {
                let grace = self.grace_seconds.unwrap_or(GRACE_SECONDS_DEFAULT.into());
                let grace = u32::try_from(grace).ok();
                let grace = grace.filter(|grace| *grace <= GRACE_SECONDS_MAX);
                let told = format!("must be 0 to {GRACE_SECONDS_MAX}, which is 90 days");
                let grace_seconds = problems.check("grace_seconds", grace.ok_or(told))?;
                Some(OldEnds::AfterFirstUse { grace_seconds })
            }
            "at" => {
                let at = self.at.ok_or("is needed: the older secrets end then");
                let at = at.and_then(|at| expiry(at, now));
                problems.check("at", at).map(OldEnds::At)
            }
            _ => {
                problems.add("old_ends", WORDS);
                None
            }
        }
    }
}

const WORDS: &str = "must be now, after_first_use or at";

impl Rotation {
    /// The older secret with this id.
    pub fn old(&self, id: SecretId) -> Option<&OldSecret> {
        self.old.iter().find(|old| old.id == id)
    }

    /// Whether any of the older secrets still gets tokens at `now`; `secrets` are the client's.
    pub fn is_under_way(&self, secrets: &[ClientSecret], now: UnixMillis) -> bool {
        secrets
            .iter()
            .any(|secret| self.old(secret.id).is_some() && secret.is_live(now))
    }

    /// When an older secret ends by this plan, as far as that is known: not after the time at which
    /// it was to end anyway.
    pub fn end_of(&self, old: &OldSecret, now: UnixMillis) -> Option<UnixMillis> {
        let planned = self.old_ends.end(now, self.first_used_at);
        match (planned, old.expires_at) {
            (Some(planned), Some(own)) => Some(planned.min(own)),
            (planned, own) => planned.or(own),
        }
    }

    /// The rotation with another plan.
    #[must_use]
    pub fn replan(self, old_ends: OldEnds) -> Self {
        Self {
            old_ends,
            version: self.version + 1,
            ..self
        }
    }

    /// The rotation after the new secret was used for the first time. `used` says how often each of
    /// the older ones had been used by then. A first use that was noticed before stays.
    #[must_use]
    pub fn begin_grace(self, at: UnixMillis, used: impl Fn(SecretId) -> i64) -> Self {
        if self.first_used_at.is_some() {
            return self;
        }
        let count = |old: OldSecret| OldSecret {
            used: used(old.id),
            ..old
        };
        Self {
            first_used_at: Some(at),
            old: self.old.into_iter().map(count).collect(),
            version: self.version + 1,
            ..self
        }
    }

    /// Whether one of the older secrets can go. `uses` are its own, `token_lifetime_seconds` says
    /// how long a token lives that it got.
    pub fn verdict(
        &self,
        old: &OldSecret,
        uses: &SecretUses,
        token_lifetime_seconds: u32,
        now: UnixMillis,
    ) -> Verdict {
        let Some(first) = self.first_used_at else {
            return Verdict::OnlyOne;
        };
        let lifetime = i64::from(token_lifetime_seconds);
        let late = uses.last_used_at.filter(|last| *last > first);
        let since = late.unwrap_or(first);
        let safe_at = since.plus_seconds(lifetime);
        match late {
            _ if safe_at <= now => Verdict::SafeToRetire { since },
            Some(last_used_at) => Verdict::StillUsed {
                times: uses.used.saturating_sub(old.used).max(1),
                since: first,
                last_used_at,
            },
            None => Verdict::Silent { since, safe_at },
        }
    }
}

impl Sealed for Rotation {
    const TABLE: &'static str = "rotations";

    fn columns(&self, columns: &mut Columns) {
        columns
            .shown(self.client_id)
            .shown(self.secret_id)
            .text(self.old_ends.as_str())
            .optional(self.old_ends.grace_seconds().map(i64::from), Columns::int)
            .optional(self.old_ends.at(), Columns::time)
            .int(i64::try_from(self.old.len()).unwrap_or(i64::MAX));
        for old in &self.old {
            columns
                .shown(old.id)
                .optional(old.expires_at, Columns::time)
                .int(old.used);
        }
        columns
            .text(&self.started_by)
            .time(self.started_at)
            .optional(self.first_used_at, Columns::time)
            .int(self.version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(10_000_000);
    const LIFETIME: u32 = 3_600;

    fn rotation(old_ends: OldEnds) -> Rotation {
        Rotation {
            client_id: ClientId(1),
            secret_id: SecretId(2),
            old_ends,
            old: vec![OldSecret {
                id: SecretId(1),
                expires_at: None,
                used: 5,
            }],
            started_by: "usr_x".into(),
            started_at: NOW,
            first_used_at: None,
            version: 1,
        }
    }

    fn draft(word: &str, grace_seconds: Option<i64>, at: Option<i64>) -> RotationDraft {
        RotationDraft {
            description: None,
            old_ends: Some(word.to_owned()).filter(|word| !word.is_empty()),
            grace_seconds,
            at,
        }
    }

    #[test]
    fn the_end_is_said_in_one_way() {
        let ends = |draft: RotationDraft| draft.checked(NOW).map(|(_, ends)| ends);
        assert_eq!(ends(draft("now", None, None)), Ok(OldEnds::Now));
        for (given, grace_seconds) in [(None, GRACE_SECONDS_DEFAULT), (Some(0), 0), (Some(60), 60)]
        {
            let expected = OldEnds::AfterFirstUse { grace_seconds };
            assert_eq!(ends(draft("after_first_use", given, None)), Ok(expected));
        }
        let at = NOW.plus_seconds(1);
        assert_eq!(ends(draft("at", None, Some(at.0))), Ok(OldEnds::At(at)));
        for (bad, member) in [
            (draft("", None, None), "old_ends"),
            (draft("never", None, None), "old_ends"),
            (draft("now", Some(1), None), "grace_seconds"),
            (draft("now", None, Some(at.0)), "at"),
            (draft("at", None, None), "at"),
            (draft("at", None, Some(NOW.0)), "at"),
            (draft("after_first_use", Some(-1), None), "grace_seconds"),
            (
                draft(
                    "after_first_use",
                    Some(i64::from(GRACE_SECONDS_MAX) + 1),
                    None,
                ),
                "grace_seconds",
            ),
        ] {
            let problems = bad.checked(NOW).expect_err(member);
            assert_eq!(problems.members().keys().collect::<Vec<_>>(), [member]);
        }
    }

    #[test]
    fn the_grace_counts_from_the_first_use_that_was_noticed_first() {
        let waiting = rotation(OldEnds::AfterFirstUse { grace_seconds: 60 });
        assert_eq!(waiting.end_of(&waiting.old[0], NOW), None);
        let first = NOW.plus_seconds(5);
        let used = waiting.begin_grace(first, |_| 7);
        assert_eq!(used.old[0].used, 7);
        assert_eq!(used.end_of(&used.old[0], NOW), Some(first.plus_seconds(60)));
        let again = used.clone().begin_grace(first.plus_seconds(9), |_| 9);
        assert_eq!(again, used);
        // What was to end before goes on no longer for it.
        let earlier = OldSecret {
            expires_at: Some(first),
            ..used.old[0].clone()
        };
        assert_eq!(used.end_of(&earlier, NOW), Some(first));
        let at = rotation(OldEnds::At(first));
        assert_eq!(at.end_of(&at.old[0], NOW), Some(first));
    }

    #[test]
    fn a_secret_is_safe_to_retire_when_it_was_silent_for_as_long_as_a_token_lives() {
        let waiting = rotation(OldEnds::AfterFirstUse { grace_seconds: 0 });
        let old = waiting.old[0].clone();
        let used = |used, at: i64| SecretUses {
            used,
            last_used_at: Some(UnixMillis(at)),
            ..SecretUses::default()
        };
        let before = used(5, NOW.0 - 1);
        let verdict = |rotation: &Rotation, uses: &SecretUses, seconds| {
            rotation.verdict(&old, uses, LIFETIME, NOW.plus_seconds(seconds))
        };
        assert_eq!(verdict(&waiting, &before, 9_999), Verdict::OnlyOne);
        let begun = waiting.begin_grace(NOW, |_| 5);
        let safe_at = NOW.plus_seconds(LIFETIME.into());
        let silent = Verdict::Silent {
            since: NOW,
            safe_at,
        };
        assert_eq!(verdict(&begun, &before, 3_599), silent);
        let safe = Verdict::SafeToRetire { since: NOW };
        assert_eq!(verdict(&begun, &before, 3_600), safe);
        // One that was never used is silent too.
        assert_eq!(verdict(&begun, &SecretUses::default(), 3_600), safe);
        let late = NOW.plus_seconds(100);
        let still = Verdict::StillUsed {
            times: 3,
            since: NOW,
            last_used_at: late,
        };
        assert_eq!(verdict(&begun, &used(8, late.0), 3_600), still);
        let silent_again = Verdict::SafeToRetire { since: late };
        assert_eq!(verdict(&begun, &used(8, late.0), 3_700), silent_again);
    }
}
