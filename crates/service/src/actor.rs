//! Who asks for something.

use std::net::IpAddr;

use claviger_model::Reason;
use claviger_model::clients::ClientScopes;
use claviger_model::ids::{AccountId, ClientId, RequestId, SessionId, UserId};
use claviger_model::roles::{Powers, RoleRef};
use claviger_model::scopes::ScopeName;

use crate::error::Error;

/// Somebody who asks for something, from somewhere.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// From which address.
    pub ip: Option<IpAddr>,
    /// In which request.
    pub request_id: Option<RequestId>,
}

/// A principal.
#[derive(Clone, Debug)]
pub enum Actor {
    /// A user who signed in.
    User(SignedIn),
    /// Automation: a client with an access token for the issuer itself.
    Client {
        /// The client.
        client_id: ClientId,
        /// Whose credentials it manages.
        account_id: AccountId,
        /// The management scopes of the token.
        scopes: Vec<ScopeName>,
        /// What the client holds, and may hand on.
        holds: ClientScopes,
    },
    /// Somebody at the machine, with the database and the master key at hand.
    CommandLine {
        /// The name of the operating system's user.
        user: String,
    },
    /// The operator, by what stands in the configuration of a server that starts.
    Configuration,
}

/// A signed-in user.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub session_id: SessionId,
    /// The user.
    pub user_id: UserId,
    /// The user's address.
    pub email: String,
    /// What the user wants to be called.
    pub name: Option<String>,
    /// Whether the user runs the instance.
    pub is_operator: bool,
    /// Where the user acts; an operator may have signed in to no account.
    pub place: Option<Place>,
}

impl SignedIn {
    /// What to call the user: the name, else the address.
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.email)
    }
}

/// An account in which a user acts.
#[derive(Clone, Debug)]
pub struct Place {
    /// The account.
    pub account_id: AccountId,
    /// The role there; none for an operator who entered without being a member.
    pub role: Option<RoleRef>,
    /// What the role comes down to.
    pub powers: Powers,
}

impl Caller {
    /// The user who signed in.
    ///
    /// # Errors
    /// `session_required` for anybody else.
    pub fn signed_in(&self) -> Result<&SignedIn, Error> {
        match &self.actor {
            Actor::User(signed_in) => Ok(signed_in),
            Actor::Client { .. } | Actor::CommandLine { .. } | Actor::Configuration => {
                Err(Error::refused(Reason::SessionRequired))
            }
        }
    }
}

impl Actor {
    /// How the audit log names it.
    pub fn label(&self) -> String {
        match self {
            Self::User(user) => user.user_id.to_string(),
            Self::Client { client_id, .. } => client_id.to_string(),
            Self::CommandLine { user } => format!("cli:{user}"),
            Self::Configuration => "config".to_owned(),
        }
    }

    /// The account in which it acts.
    pub fn account_id(&self) -> Option<AccountId> {
        match self {
            Self::User(user) => user.place.as_ref().map(|place| place.account_id),
            Self::Client { account_id, .. } => Some(*account_id),
            Self::CommandLine { .. } | Self::Configuration => None,
        }
    }
}
