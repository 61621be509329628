//! Consent in the index: what users allowed apps to do, and what the users may do themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use claviger_model::Reason;
use claviger_model::ids::{AccountId, ClientId, GrantId, UserId};
use claviger_model::scopes::{ScopeName, ScopePatterns};

use super::{AccountCell, EntryState};

/// What a user allowed an app, with what it depends on, as the loader reads it.
#[derive(Clone, Debug)]
pub struct ResidentGrant {
    /// Its id.
    pub id: GrantId,
    /// The app.
    pub client_id: ClientId,
    /// Who allowed it.
    pub user_id: UserId,
    /// Where the app acts.
    pub account_id: AccountId,
    /// What is against it: ended, user suspended, membership gone.
    pub refused: Option<Reason>,
    /// The scopes of the user's role.
    pub scopes: ScopePatterns,
}

/// What a user allowed an app, and what the user may do.
#[derive(Debug)]
pub struct ConsentEntry {
    /// Its id.
    pub id: GrantId,
    /// The app.
    pub client_id: ClientId,
    /// Who allowed it.
    pub user_id: UserId,
    /// Where the app acts.
    pub account: Arc<AccountCell>,
    /// Whether it goes on.
    pub state: EntryState,
    /// What the user may do.
    scopes: ScopePatterns,
    is_current: AtomicBool,
}

impl ConsentEntry {
    pub(crate) fn new(grant: &ResidentGrant, account: Arc<AccountCell>) -> Self {
        Self {
            id: grant.id,
            client_id: grant.client_id,
            user_id: grant.user_id,
            account,
            state: grant
                .refused
                .map_or(EntryState::Active, EntryState::Refused),
            scopes: grant.scopes.clone(),
            is_current: AtomicBool::new(true),
        }
    }

    /// Whether the user may do what the scope called `name` stands for.
    pub fn user_may(&self, name: &ScopeName) -> bool {
        self.scopes.cover(name)
    }

    /// Whether the index still has this entry of the grant, and no newer one.
    pub(crate) fn is_current(&self) -> bool {
        self.is_current.load(Ordering::Acquire)
    }

    /// Says that the index has another entry of the grant now, or none.
    pub(crate) fn supersede(&self) {
        self.is_current.store(false, Ordering::Release);
    }
}
