//! What somebody who manages credentials may do with them.

use claviger_model::Reason;
use claviger_model::ids::AccountId;
use claviger_model::management::ManagementScope;
use claviger_model::scopes::ScopeName;
use claviger_verify::entries::Credential;

use super::{Handout, KeyAccess, Signature, lacking};
use crate::error::Error;

impl KeyAccess {
    /// The permission that holding a credential gives: to end it. `entry` is what the verifier
    /// recognised the credential as; none for what belongs to no account.
    pub(crate) fn by_possession(entry: &Credential, signature: Signature) -> Option<Self> {
        Some(Self {
            account_id: entry.account_id()?,
            handout: Handout::Held(Vec::new()),
            may_write: true,
            is_operator: false,
            writing: ManagementScope::KeysWrite,
            signature,
        })
    }

    /// Whose credentials.
    pub fn account_id(&self) -> AccountId {
        self.account_id
    }

    /// Who acts.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Refuses a change by somebody who may only look.
    pub(crate) fn for_writing(&self) -> Result<(), Error> {
        if self.may_write {
            return Ok(());
        }
        Err(lacking(vec![self.writing.to_string()]))
    }

    /// Whether the caller runs the instance: lifetimes and quotas beyond the instance's own are an
    /// operator's to give.
    pub(crate) fn is_operator(&self) -> bool {
        self.is_operator
    }

    /// Refuses a credential that may do everything, now and later, to somebody who holds less.
    pub(crate) fn may_hand_on_all(&self) -> Result<(), Error> {
        match self.handout {
            Handout::Enabled => Ok(()),
            Handout::Held(_) => {
                let message = "Only a client that holds all scopes can give all of them.";
                Err(Error::because(Reason::InsufficientScope, message))
            }
        }
    }

    /// Refuses scopes that the caller may not give away.
    pub(crate) fn may_hand_on(&self, scopes: &[ScopeName]) -> Result<(), Error> {
        let Handout::Held(held) = &self.handout else {
            return Ok(());
        };
        let beyond: Vec<String> = scopes
            .iter()
            .filter(|scope| !held.contains(scope))
            .map(ToString::to_string)
            .collect();
        if beyond.is_empty() {
            Ok(())
        } else {
            Err(lacking(beyond))
        }
    }
}
