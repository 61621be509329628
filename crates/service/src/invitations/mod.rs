//! Invitations: how somebody becomes a member without anybody else knowing their password.
//!
//! 1. A member with the Team permission invites an address; the link carries the invitation's
//!    secret, shown once.
//! 2. Whoever holds the link sets a password, or gives the one that the address has already.
//! 3. The invitation is taken, which happens once, and the membership is written with it.

mod accept;
mod create;
mod letter;
mod list;
mod withdraw;

use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, InvitationId};
use claviger_model::members::Invitation;
use claviger_model::roles::RoleRef;
use claviger_model::secret::Plaintext;
use serde_json::{Value, json};

pub use accept::{Accepted, Offer, accept, accept_as, look};
pub use create::create;
pub use list::list;
pub use withdraw::withdraw;

/// An invitation as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedInvitation {
    /// Its id.
    pub id: InvitationId,
    /// The account.
    pub account_id: AccountId,
    /// Whom it is for.
    pub email: String,
    /// The role that it gives.
    pub role: RoleRef,
    /// What the role is called.
    pub role_name: String,
    /// When it was made.
    pub created_at: UnixMillis,
    /// From when it cannot be accepted.
    pub expires_at: UnixMillis,
}

/// An invitation that was made, or made before under the same `Idempotency-Key`.
pub struct Invited {
    /// The invitation.
    pub invitation: NamedInvitation,
    /// The secret of its link; none in a replay after ten minutes.
    pub token: Option<Plaintext>,
}

impl NamedInvitation {
    fn new(invitation: &Invitation, role_name: String) -> Self {
        Self {
            id: invitation.id,
            account_id: invitation.account_id,
            email: invitation.email.clone(),
            role: invitation.role,
            role_name,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}

/// The members of an invitation that an audit event tells of.
fn audited(invitation: &Invitation) -> Value {
    json!({
        "email": invitation.email,
        "role": invitation.role.to_string(),
        "expires_at": invitation.expires_at,
    })
}
