//! Looking at one's own sessions.

use std::collections::HashMap;

use claviger_model::UnixMillis;
use claviger_model::ids::{AccountId, SessionId};
use claviger_model::sessions::SessionOrigin;
use claviger_store::{accounts, session_origins, sessions};

use crate::actor::Caller;
use crate::app::App;
use crate::error::Error;

/// A session, as the person whose it is sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnSession {
    /// Its id.
    pub id: SessionId,
    /// Where it acts.
    pub account_id: Option<AccountId>,
    /// What the account is called.
    pub account_name: Option<String>,
    /// When it started.
    pub created_at: UnixMillis,
    /// When it ends.
    pub expires_at: UnixMillis,
    /// From where it was started, as far as that is known.
    pub origin: SessionOrigin,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// The caller's sessions that have not ended: the one that asks first, then the newest.
///
/// # Errors
/// `session_required` for somebody who is no user.
pub async fn own(app: &App, caller: &Caller) -> Result<Vec<OwnSession>, Error> {
    let signed_in = caller.signed_in()?;
    let now = app.sources().now();
    let mut reader = app.read().await?;
    let mut found = sessions::live_of_users(&mut reader, now, &[signed_in.user_id]).await?;
    found.sort_by_key(|one| {
        let is_other = one.id != signed_in.session_id;
        (is_other, std::cmp::Reverse((one.created_at, one.id)))
    });
    let ids: Vec<AccountId> = found.iter().filter_map(|one| one.account_id).collect();
    let named = accounts::by_ids(&mut reader, &ids).await?;
    let origins = session_origins::of_user(&mut reader, signed_in.user_id).await?;
    let mut origins: HashMap<SessionId, SessionOrigin> = origins.into_iter().collect();
    let shown = found.into_iter().map(|one| {
        let account = named.iter().find(|known| Some(known.id) == one.account_id);
        OwnSession {
            id: one.id,
            account_id: one.account_id,
            account_name: account.map(|account| account.name.clone()),
            created_at: one.created_at,
            expires_at: one.expires_at,
            origin: origins.remove(&one.id).unwrap_or_default(),
            is_current: one.id == signed_in.session_id,
        }
    });
    Ok(shown.collect())
}
