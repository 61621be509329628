//! Who acts, as the audit log tells it.

use claviger_model::audit::{Action, Event};
use claviger_model::ids::{AccountId, EventId};
use serde_json::Value;

use crate::actor::Caller;
use crate::error::Error;
use crate::sources::Sources;

/// Who acts, for the audit log. Every permission carries one.
#[derive(Clone, Debug)]
pub struct Signature {
    actor: String,
    ip: Option<String>,
    request_id: Option<String>,
}

impl Caller {
    /// Who acts, for the audit log.
    pub fn signature(&self) -> Signature {
        Signature {
            actor: self.actor.label(),
            ip: self.ip.map(|ip| ip.to_string()),
            request_id: self.request_id.map(|id| id.to_string()),
        }
    }
}

impl Signature {
    /// What a person at sign-in, who has no permission yet, is signed with.
    pub(crate) fn of(
        actor: impl Into<String>,
        ip: Option<std::net::IpAddr>,
        request_id: Option<claviger_model::ids::RequestId>,
    ) -> Self {
        Self {
            actor: actor.into(),
            ip: ip.map(|ip| ip.to_string()),
            request_id: request_id.map(|id| id.to_string()),
        }
    }

    /// How the audit log names who acts.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// An audit event of this actor, now.
    pub(crate) fn event(
        &self,
        sources: &Sources,
        account_id: Option<AccountId>,
        action: Action,
        target: impl std::fmt::Display,
        (before, after): (Option<Value>, Option<Value>),
    ) -> Result<Event, Error> {
        let at = sources.now();
        Ok(Event {
            id: EventId::new(at, &sources.id()?),
            at,
            account_id,
            actor: self.actor.clone(),
            action: action.as_str().to_owned(),
            target: target.to_string(),
            before,
            after,
            ip: self.ip.clone(),
            request_id: self.request_id.clone(),
            salt: sources.salt()?,
        })
    }
}
