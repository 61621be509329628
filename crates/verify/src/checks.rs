//! The checks of a decision, in the order in which they decide.

use claviger_model::Reason;

/// One question that a decision asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Check {
    /// Is the secret one of ours, and right?
    Secret,
    /// Is the credential switched on and not revoked?
    State,
    /// Is it before its end?
    Expiry,
    /// Is the account active?
    Account,
    /// Is the credential for the environment that is asked for?
    Environment,
    /// Is there such an API, and does it take this kind?
    Api,
    /// Has the API such a route?
    Route,
    /// Does the credential hold what the route and the caller ask for?
    Scopes,
    /// Does the request come from an allowed address?
    Network,
    /// Is there anything left of its limit?
    Limits,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Secret,
        Self::State,
        Self::Expiry,
        Self::Account,
        Self::Environment,
        Self::Api,
        Self::Route,
        Self::Scopes,
        Self::Network,
        Self::Limits,
    ];

    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::State => "state",
            Self::Expiry => "expiry",
            Self::Account => "account",
            Self::Environment => "environment",
            Self::Api => "api",
            Self::Route => "route",
            Self::Scopes => "scopes",
            Self::Network => "network",
            Self::Limits => "limits",
        }
    }
}

/// What a check found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was not asked, because something before it makes it meaningless or because the request
    /// gives nothing to ask about.
    NotAsked,
    /// It holds.
    Passed,
    /// It does not, for this reason.
    Failed(Reason),
}

/// The outcome of every check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checks([Outcome; Check::ALL.len()]);

impl Default for Checks {
    fn default() -> Self {
        Self([Outcome::NotAsked; Check::ALL.len()])
    }
}

impl Checks {
    /// Notes an outcome.
    pub fn note(&mut self, check: Check, outcome: Outcome) {
        self.0[check as usize] = outcome;
    }

    /// The outcome of `check`.
    pub fn outcome(&self, check: Check) -> Outcome {
        self.0[check as usize]
    }

    /// The checks with their outcomes, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Check, Outcome)> + '_ {
        Check::ALL.into_iter().zip(self.0)
    }

    /// The reason of the first check that failed.
    pub fn first_failure(&self) -> Option<Reason> {
        self.0.iter().find_map(|outcome| match outcome {
            Outcome::Failed(reason) => Some(*reason),
            Outcome::NotAsked | Outcome::Passed => None,
        })
    }
}
