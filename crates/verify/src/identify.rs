//! Who somebody is, for routes of the issuer itself.

use claviger_model::Reason;

use crate::checks::Checks;
use crate::decide::{Verifier, check_credential};
use crate::entries::Credential;
use crate::freshness::Now;
use crate::possession::{Sent, Unproven};

/// Why nobody is identified by a credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotIdentified {
    /// The reason.
    pub reason: Reason,
    /// What is against the proof of possession, if it is that.
    pub unproven: Option<Unproven>,
}

impl Verifier {
    /// The live entry of a credential, for routes that ask who somebody is rather than whether a
    /// request may pass: secret, state, expiry and account are checked. Of access tokens only those
    /// are somebody here that are for the issuer and nothing else.
    /// What is bound to a key is nobody here: see [`Verifier::identify_sent`].
    pub fn identify(&self, credential: &str, now: Now) -> Result<Credential, Reason> {
        self.identify_sent(credential, (&Sent::BEARER, None), now)
            .map_err(|refused| refused.reason)
    }

    /// Which credential a text is, in whatever state; none when it is none that is known here. For
    /// finding it, not for deciding anything.
    pub fn whose(&self, credential: &str, now: Now) -> Option<Credential> {
        let presented = self.recognise(&self.index(), credential, now).ok()?;
        Some(presented.entry)
    }

    /// The same for a credential that was sent in this way, in a request of this method.
    pub fn identify_sent(
        &self,
        credential: &str,
        sent: (&Sent<'_>, Option<&str>),
        now: Now,
    ) -> Result<Credential, NotIdentified> {
        let because = |reason| NotIdentified {
            reason,
            unproven: None,
        };
        if self.freshness().staleness_millis(now).is_none() {
            return Err(because(Reason::Stale));
        }
        let index = self.index();
        let presented = self
            .recognise(&index, credential, now)
            .map_err(|_| because(Reason::InvalidCredential))?;
        let token = presented.token.as_ref();
        let is_meant = token.is_none_or(|token| token.is_for_issuer(self.issuer()));
        if !is_meant {
            return Err(because(Reason::InvalidCredential));
        }
        self.possession(credential, &presented, sent, now)
            .map_err(|unproven| NotIdentified {
                reason: Reason::InvalidCredential,
                unproven: Some(unproven),
            })?;
        let mut checks = Checks::default();
        check_credential(&mut checks, &presented.entry, presented.state, now);
        let refused = checks.first_failure().map(because);
        refused.map_or(Ok(presented.entry), Err)
    }
}
