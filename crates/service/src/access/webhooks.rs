//! Who may manage webhooks.

use claviger_model::ids::AccountId;
use claviger_model::roles::Permission;
use claviger_model::webhooks::Webhook;

use super::{OperatorAccess, Signature};
use crate::actor::Caller;
use crate::error::Error;

/// May manage webhooks: those of one account, those of the instance, or both.
#[derive(Clone, Debug)]
pub struct WebhookAccess {
    account_id: Option<AccountId>,
    /// Whether those of the instance are reached too.
    reaches_instance: bool,
    signature: Signature,
}

impl Caller {
    /// The permission to manage the webhooks of the caller's account, and for an operator those of
    /// the instance.
    pub fn webhooks(&self) -> Result<WebhookAccess, Error> {
        let reaches_instance = self.operator().is_ok();
        let account_id = match self.place(Permission::Settings) {
            Ok((account_id, _)) => Some(account_id),
            Err(_) if reaches_instance => None,
            Err(error) => return Err(error),
        };
        Ok(WebhookAccess {
            account_id,
            reaches_instance,
            signature: self.signature(),
        })
    }

    /// The permission to manage the webhooks of the instance, for operators.
    pub fn instance_webhooks(&self) -> Result<WebhookAccess, Error> {
        let OperatorAccess { signature } = self.operator()?;
        Ok(WebhookAccess {
            account_id: None,
            reaches_instance: true,
            signature,
        })
    }

    /// The permission to manage the webhooks of any account, for operators.
    pub fn webhooks_of(&self, account_id: AccountId) -> Result<WebhookAccess, Error> {
        let OperatorAccess { signature } = self.operator()?;
        Ok(WebhookAccess {
            account_id: Some(account_id),
            reaches_instance: true,
            signature,
        })
    }
}

impl WebhookAccess {
    /// Whose webhooks are listed and made; none are the instance's.
    pub fn account_id(&self) -> Option<AccountId> {
        self.account_id
    }

    /// Who acts.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Whether a webhook may be looked at and changed.
    pub(crate) fn reaches(&self, webhook: &Webhook) -> bool {
        match webhook.account_id {
            Some(account_id) => self.account_id == Some(account_id),
            None => self.reaches_instance,
        }
    }
}
