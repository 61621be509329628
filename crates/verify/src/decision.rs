//! The answer to "may this request pass?", with everything that it was made from.

use std::sync::Arc;

use claviger_model::{Environment, Reason};

use crate::apis::ApiEntry;
use crate::checks::Checks;
use crate::entries::Credential;
use crate::limits::RateState;
use crate::possession::{Nonce, Unproven};
use crate::routes::{RouteEntry, RouteIndex};

/// What more can be said of an invalid credential without telling a guesser anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
    /// The checksum does not match: a typo or a truncated copy.
    Typo,
    /// An access token whose time has not come: the clocks of two nodes differ.
    NotYetValid,
    /// A good access token, but nobody knows that its sender holds the key that it is bound to.
    Unproven(Unproven),
}

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Why; [`Reason::Allowed`] when it may pass.
    pub reason: Reason,
    /// The credential; only when its secret matched.
    pub credential: Option<Credential>,
    /// The API; none when there is no such one.
    pub api: Option<Arc<ApiEntry>>,
    /// The route of the API; none when it was not looked for or is not known.
    pub route: Option<RouteIndex>,
    /// Which data the request is for.
    pub environment: Environment,
    /// The outcome of every check.
    pub checks: Checks,
    /// What the route and the caller ask for; filled when some of it is lacking.
    pub required_scopes: Vec<String>,
    /// Those of them that the credential lacks; when it lacks none, those that its user lacks.
    pub missing_scopes: Vec<String>,
    /// What an access token is for; filled when it is not for this API.
    pub meant_for: Vec<String>,
    /// Everything up to this epoch was known.
    pub epoch: i64,
    /// How old that knowledge was, in milliseconds.
    pub staleness_millis: u64,
    /// Where the credential's limit stands.
    pub rate_limit: Option<RateState>,
    /// What more can be said.
    pub note: Option<Note>,
    /// What the next proof has to carry, where that is what is missing.
    pub proof_nonce: Option<Nonce>,
}

impl Decision {
    /// Whether the request may pass.
    pub const fn is_allowed(&self) -> bool {
        matches!(self.reason, Reason::Allowed)
    }

    /// The route of the API that the request means, if it is known.
    pub fn route(&self) -> Option<&RouteEntry> {
        self.api.as_ref()?.routes.get(self.route?)
    }

    /// What is against the proof of possession, if it is that.
    pub const fn unproven(&self) -> Option<Unproven> {
        match self.note {
            Some(Note::Unproven(unproven)) => Some(unproven),
            _ => None,
        }
    }

    /// The sentence for the caller, as exact as this caller may know it.
    pub fn message(&self) -> String {
        let noun = self
            .credential
            .as_ref()
            .map_or("credential", |c| c.identity().kind().noun());
        match self.reason {
            Reason::InsufficientScope if !self.missing_scopes.is_empty() => {
                let missing = self.missing_scopes.join(", ");
                format!("This {} lacks {missing}.", short(noun))
            }
            Reason::UserLacksAccess if !self.missing_scopes.is_empty() => format!(
                "The user for whom this app acts has a role that lacks {}.",
                self.missing_scopes.join(", ")
            ),
            Reason::EnvironmentMismatch => match self.environment {
                Environment::Live => {
                    format!("This {noun} is for the test environment and cannot reach live data.")
                }
                Environment::Test => {
                    format!("This {noun} is for live data and cannot be used in the sandbox.")
                }
            },
            Reason::KindNotAccepted => {
                let kinds = self.api.iter().flat_map(|api| api.accepted_kinds());
                let kinds: Vec<&str> = kinds.map(|kind| kind.noun()).collect();
                format!(
                    "This API does not accept {noun}s; it accepts: {}.",
                    kinds.join(", ")
                )
            }
            Reason::Expired | Reason::Inactive => {
                format!("This {noun} {}.", self.state_words())
            }
            Reason::Revoked => format!("This {noun} was revoked."),
            Reason::InvalidCredential if self.note == Some(Note::Typo) => {
                "Invalid or expired token: a character is missing or mistyped.".to_owned()
            }
            Reason::InvalidCredential if self.note == Some(Note::NotYetValid) => {
                "This access token is not valid yet.".to_owned()
            }
            Reason::InvalidCredential if let Some(Note::Unproven(unproven)) = self.note => {
                unproven.to_string()
            }
            // Said only of a token whose signature is good.
            Reason::InvalidCredential if !self.meant_for.is_empty() => format!(
                "This {noun} is not for this API; it is for: {}.",
                self.meant_for.join(", ")
            ),
            reason => reason.refusal().message.to_owned(),
        }
    }

    const fn state_words(&self) -> &'static str {
        match self.reason {
            Reason::Expired => "has expired",
            _ => "is inactive",
        }
    }
}

/// "API key" is "key" to somebody who is told what it lacks.
fn short(noun: &str) -> &str {
    noun.strip_prefix("API ").unwrap_or(noun)
}
