//! Sessions: sign-in, sign-out, and who a bearer is.

mod authenticate;
mod end;
mod forms;
mod own;
mod places;
mod start;
mod switch;

use std::net::IpAddr;

use claviger_model::UnixMillis;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::ids::{AccountId, RequestId, SessionId, UserId};
use claviger_model::members::Member;
use claviger_model::roles::{BuiltInRole, Role, RoleRef};
use claviger_model::sessions::Session;
use claviger_store::{Conn, StoreError, Tx, members, operators, roles, sessions};

pub use authenticate::{authenticate, authenticate_sent, authenticate_session};
pub(crate) use end::end_by_possession;
pub use end::{end, end_others, end_own};
pub use forms::{form_token, is_form_token};
pub use own::{OwnSession, own};
pub(crate) use places::{member_powers, places};
pub use start::{SignIn, Started, start};
pub use switch::{renew, switch};

use crate::actor::Place;

/// Where a request came from, before anybody is known to have sent it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin {
    /// The address.
    pub ip: Option<IpAddr>,
    /// The request.
    pub request_id: Option<RequestId>,
}

/// Where a user acts in an account: as its member, else as an operator who entered. None for
/// neither, and for a member whose role is gone.
pub(crate) async fn place(
    conn: &mut Conn,
    account_id: AccountId,
    user_id: UserId,
) -> Result<Option<Place>, StoreError> {
    let Some(member) = members::get(conn, account_id, user_id).await? else {
        let is_operator = operators::get(conn, user_id).await?.is_some();
        return Ok(is_operator.then(|| entered(account_id)));
    };
    let role = match member.role {
        RoleRef::BuiltIn(_) => None,
        RoleRef::Custom(id) => roles::get(conn, id).await?,
    };
    Ok(member_place(&member, role))
}

/// The place of an operator in an account of which they are no member.
fn entered(account_id: AccountId) -> Place {
    Place {
        account_id,
        role: None,
        powers: BuiltInRole::Owner.powers(),
    }
}

/// The place of a member, with the role that the account made, if it is one of those.
fn member_place(member: &Member, made: Option<Role>) -> Option<Place> {
    let powers = match member.role {
        RoleRef::BuiltIn(role) => Some(role.powers()),
        RoleRef::Custom(_) => made.map(|role| role.powers),
    };
    powers.map(|powers| Place {
        account_id: member.account_id,
        role: Some(member.role),
        powers,
    })
}

/// Which sessions of a user end.
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    /// All.
    All,
    /// All but the one that asks for it.
    AllBut(SessionId),
    /// Those in one account.
    In(AccountId),
}

/// Ends sessions of a user for good: unlike what only the user's state refuses, they do not come
/// back with it.
pub(crate) async fn end_of_user(
    tx: &mut Tx,
    user_id: UserId,
    which: Ending,
    now: UnixMillis,
) -> Result<(), StoreError> {
    for session in sessions::of_user(tx, user_id).await? {
        let ends = match which {
            Ending::All => true,
            Ending::AllBut(kept) => session.id != kept,
            Ending::In(account_id) => session.account_id == Some(account_id),
        };
        if ends && session.ended_at.is_none() && session.expires_at > now {
            end_one(tx, session, now).await?;
        }
    }
    Ok(())
}

async fn end_one(tx: &mut Tx, session: Session, now: UnixMillis) -> Result<(), StoreError> {
    let ended = Session {
        ended_at: Some(now),
        version: session.version + 1,
        ..session
    };
    sessions::update(tx, &ended).await?;
    tx.change(Change::new(ChangeKind::Session, ended.id));
    Ok(())
}
