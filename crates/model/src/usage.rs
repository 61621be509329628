//! Usage: how often what was asked for, by whom, and what became of it.

use aws_lc_rs::digest;

use crate::credentials::CredentialKind;
use crate::environment::Environment;
use crate::ids::{AccountId, ApiId, SecretId};
use crate::reasons::Reason;
use crate::seal::Columns;
use crate::time::{DAY_MILLIS, UnixMillis};

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// It was allowed, or refused for this reason.
    Decided(Reason),
    /// A client got an access token.
    TokenIssued,
}

/// The word for [`Outcome::TokenIssued`] in JSON and in the database.
const TOKEN_ISSUED: &str = "token_issued";

impl Outcome {
    /// The word in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decided(reason) => reason.as_str(),
            Self::TokenIssued => TOKEN_ISSUED,
        }
    }

    /// The outcome that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        if word == TOKEN_ISSUED {
            return Some(Self::TokenIssued);
        }
        Reason::parse(word).map(Self::Decided)
    }
}

/// What is counted together: one credential's requests for one route with one outcome; or, without
/// a credential, all of an account's.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Series {
    /// Whose credential it was; none when the credential was not known.
    pub account_id: Option<AccountId>,
    /// The credential; none for a sum over all of them, and for requests without a known one.
    pub credential: Option<UsedCredential>,
    /// The API that was asked for; none where it is not known, and for tokens.
    pub api_id: Option<ApiId>,
    /// The method and the pattern of the route, such as `GET /v1/leads/{id}`; none where no route
    /// was looked for or found, and in a sum.
    pub route: Option<String>,
    /// The scopes that were asked for, with a space between; empty in a sum.
    pub scopes: String,
    /// Which data was asked for.
    pub environment: Environment,
    /// What became of it.
    pub outcome: Outcome,
}

/// The credential of a request.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct UsedCredential {
    /// Its kind.
    pub kind: CredentialKind,
    /// Its id; of an access token its client's.
    pub id: String,
    /// The secret that was used, where there can be several.
    pub secret_id: Option<SecretId>,
}

impl Series {
    /// Its number: the first 63 bits of a digest over all of it, so that every node finds the same
    /// one by itself. Among ten million series two are mixed up with a probability of 1 in 180,000.
    pub fn number(&self) -> i64 {
        let mut columns = Columns::of("usage_series");
        let credential = self.credential.as_ref();
        columns
            .optional(self.account_id, Columns::shown)
            .optional(credential.map(|one| one.kind.as_str()), Columns::text)
            .optional(credential.map(|one| one.id.as_str()), Columns::text)
            .optional(credential.and_then(|one| one.secret_id), Columns::shown)
            .optional(self.api_id, Columns::shown)
            .optional(self.route.as_deref(), Columns::text)
            .text(&self.scopes)
            .text(self.environment.as_str())
            .text(self.outcome.as_str());
        let digest = digest::digest(&digest::SHA256, &columns.into_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&digest.as_ref()[..8]);
        i64::from_be_bytes(first) & i64::MAX
    }

    /// The series that sums this one up with the others of its account; none for one that is such
    /// a sum, or of no account.
    #[must_use]
    pub fn sum(&self) -> Option<Self> {
        self.account_id?;
        self.credential.as_ref()?;
        Some(Self {
            credential: None,
            route: None,
            scopes: String::new(),
            ..self.clone()
        })
    }
}

/// How long a step is by which usage is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day, in UTC.
    Day,
}

impl Step {
    /// Its length in milliseconds.
    pub const fn millis(self) -> i64 {
        match self {
            Self::Minute => 60_000,
            Self::Hour => 60 * 60_000,
            Self::Day => DAY_MILLIS,
        }
    }

    /// The number of the step that `at` is in, counted from 1970.
    pub const fn number(self, at: UnixMillis) -> i64 {
        at.0.div_euclid(self.millis())
    }

    /// When the step with a number begins.
    pub const fn start(self, number: i64) -> UnixMillis {
        UnixMillis(number.saturating_mul(self.millis()))
    }
}

/// Steps of one length, from one to before another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Steps {
    /// Their length.
    pub step: Step,
    /// The number of the first one.
    pub from: i64,
    /// The number of the one after the last.
    pub to: i64,
}

/// Since when counts are kept, by their steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kept {
    /// Those by the minute.
    pub minutes: UnixMillis,
    /// Those by the hour.
    pub hours: UnixMillis,
}

/// The steps, no longer than `longest`, that make up the time from `from` to before `to`, to the
/// minute: the longest ones in the middle, shorter ones at its ends. Where the shorter ones are not
/// kept any more, an end is moved outwards to that of a longer one.
pub fn steps_between(from: UnixMillis, to: UnixMillis, longest: Step, kept: Kept) -> Vec<Steps> {
    let mut steps = Vec::new();
    // A minute that has begun is asked for whole.
    let end = Step::Minute.number(to.plus_millis(Step::Minute.millis() - 1));
    fill(
        &mut steps,
        Step::Minute,
        (Step::Minute.number(from), end),
        longest,
        kept,
    );
    steps
}

/// Adds the steps from one number to another, in longer ones where they fit.
fn fill(steps: &mut Vec<Steps>, step: Step, (from, to): (i64, i64), longest: Step, kept: Kept) {
    let add = |steps: &mut Vec<Steps>, from, to| {
        if from < to {
            steps.push(Steps { step, from, to });
        }
    };
    let longer = match step {
        Step::Minute => Some((Step::Hour, kept.minutes)),
        Step::Hour => Some((Step::Day, kept.hours)),
        Step::Day => None,
    };
    let Some((longer, kept_since)) = longer.filter(|(longer, _)| *longer <= longest) else {
        return add(steps, from, to);
    };
    let many = longer.millis() / step.millis();
    let is_kept = |number: i64| step.start(number).0 >= kept_since.0;
    let up = |number: i64| number.div_euclid(many) + i64::from(number.rem_euclid(many) > 0);
    let first = if is_kept(from) {
        up(from)
    } else {
        from.div_euclid(many)
    };
    let last = if is_kept(to) {
        to.div_euclid(many)
    } else {
        up(to)
    };
    if first >= last {
        return add(steps, from, to);
    }
    add(steps, from, from.max(first * many));
    fill(steps, longer, (first, last), longest, kept);
    add(steps, to.min(last * many), to);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_347_605_000);
    const HOUR: i64 = 60 * 60_000;

    fn series() -> Series {
        Series {
            account_id: Some(AccountId(7)),
            credential: Some(UsedCredential {
                kind: CredentialKind::ApiKey,
                id: "key_x".into(),
                secret_id: Some(SecretId(9)),
            }),
            api_id: Some(ApiId(3)),
            route: Some("GET /v1/leads".into()),
            scopes: "read:leads".into(),
            environment: Environment::Live,
            outcome: Outcome::Decided(Reason::Allowed),
        }
    }

    #[test]
    fn every_part_of_a_series_makes_its_number() {
        let mut all = vec![series()];
        let mut add = |change: fn(&mut Series)| {
            let mut other = series();
            change(&mut other);
            all.push(other);
        };
        add(|one| one.account_id = None);
        add(|one| one.credential = None);
        add(|one| one.api_id = None);
        add(|one| one.route = None);
        add(|one| one.scopes.clear());
        add(|one| one.environment = Environment::Test);
        add(|one| one.outcome = Outcome::TokenIssued);
        add(|one| one.outcome = Outcome::Decided(Reason::Revoked));
        let numbers: std::collections::HashSet<i64> = all.iter().map(Series::number).collect();
        assert_eq!(numbers.len(), all.len());
        assert!(numbers.iter().all(|number| *number >= 0));
        assert_eq!(series().number(), series().number());
    }

    #[test]
    fn an_account_s_sum_leaves_out_credential_route_and_scopes() {
        let sum = series().sum().expect("it has an account");
        assert_eq!((sum.credential.clone(), sum.route.clone()), (None, None));
        assert_eq!(sum.api_id, Some(ApiId(3)));
        assert_eq!(sum.sum(), None);
        let unknown = Series {
            account_id: None,
            credential: None,
            ..series()
        };
        assert_eq!(unknown.sum(), None);
    }

    #[test]
    fn words_of_outcomes_come_back() {
        for outcome in [Outcome::TokenIssued, Outcome::Decided(Reason::Allowed)] {
            assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
        }
        assert_eq!(Outcome::parse("nonsense"), None);
    }

    /// The minutes that the steps cover, each once.
    fn minutes(steps: &[Steps]) -> Vec<(i64, i64)> {
        let minute = |step: Step, number| step.start(number).0 / 60_000;
        steps
            .iter()
            .map(|one| (minute(one.step, one.from), minute(one.step, one.to)))
            .collect()
    }

    #[test]
    fn a_time_is_made_up_of_the_longest_steps_that_fit() {
        let everything = Kept {
            minutes: UnixMillis(0),
            hours: UnixMillis(0),
        };
        for length in [1, 59, 60, 61, 3_600, 4_000, 90_000] {
            for longest in [Step::Minute, Step::Hour, Step::Day] {
                let from = NOW.plus_millis(-length * 60_000);
                let steps = steps_between(from, NOW, longest, everything);
                let covered = minutes(&steps);
                assert_eq!(covered.first().unwrap().0, from.0 / 60_000);
                assert_eq!(covered.last().unwrap().1, (NOW.0 + 59_999) / 60_000);
                assert!(
                    covered.windows(2).all(|two| two[0].1 == two[1].0),
                    "{covered:?}"
                );
                assert!(steps.iter().all(|one| one.step <= longest));
            }
        }
        let steps = steps_between(NOW.plus_millis(-30 * 24 * HOUR), NOW, Step::Day, everything);
        assert_eq!(steps.len(), 5, "minutes, hours, days, hours, minutes");
    }

    #[test]
    fn what_is_not_kept_by_the_minute_is_taken_by_the_hour() {
        let kept = Kept {
            minutes: NOW.plus_millis(-24 * HOUR),
            hours: NOW.plus_millis(-30 * 24 * HOUR),
        };
        let from = NOW.plus_millis(-40 * HOUR);
        let steps = steps_between(from, NOW, Step::Hour, kept);
        let first = steps[0];
        assert_eq!(
            (first.step, first.from),
            (Step::Hour, Step::Hour.number(from))
        );
        let old = NOW.plus_millis(-50 * 24 * HOUR);
        let steps = steps_between(old, old.plus_millis(HOUR), Step::Day, kept);
        let day = Step::Day.number(old);
        assert_eq!(
            steps,
            [Steps {
                step: Step::Day,
                from: day,
                to: day + 1
            }]
        );
    }
}
