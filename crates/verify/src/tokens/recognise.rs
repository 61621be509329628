//! From the text of a token to the credential that it is now.

use std::sync::Arc;

use claviger_model::tokens::TOKEN_LENGTH_MAX;
use claviger_model::{Reason, UnixMillis};

use super::cache::Digest;
use super::jws;
use super::verified::VerifiedToken;
use crate::apis::ApiEntry;
use crate::decide::Verifier;
use crate::decision::Note;
use crate::entries::EntryState;
use crate::index::Index;

/// A token of ours, as it is at the moment.
pub(crate) struct Recognised {
    /// The token, with its client as it is.
    pub(crate) token: Arc<VerifiedToken>,
    /// Whether it works, apart from its end.
    pub(crate) state: EntryState,
}

impl VerifiedToken {
    /// Whether it is for `api`, and its client may still have tokens for that. What is for `issuer`
    /// is for the issuer's own routes, also if an API has the same audience.
    pub(crate) fn is_for(&self, api: &ApiEntry, issuer: &str) -> bool {
        *api.audience != *issuer
            && self.audiences.contain(&api.audience)
            && self.client.may_ask_for(api)
    }

    /// Whether it is for `issuer` and nothing else, and its client may still have such tokens. No
    /// app manages credentials for a user.
    pub(crate) fn is_for_issuer(&self, issuer: &str) -> bool {
        let is_only = matches!(self.audiences.all(), [only] if **only == *issuer);
        is_only && self.client.api_id.is_none() && self.entry.consent().is_none()
    }
}

impl Verifier {
    /// The token that `text` is, if it is one of ours.
    pub(crate) fn recognise_token(
        &self,
        index: &Index,
        text: &str,
        now: UnixMillis,
    ) -> Result<Recognised, Option<Note>> {
        if text.len() > TOKEN_LENGTH_MAX {
            return Err(None);
        }
        let digest = Digest::of(text, self.keyring());
        index.recognise((text, digest), self.issuer(), now)
    }
}

impl Index {
    /// The token that `text` is, if it is one of `issuer` and its key is published. What is asked
    /// here is asked at every use, except for the signature.
    fn recognise(
        &self,
        (text, digest): (&str, Digest),
        issuer: &str,
        now: UnixMillis,
    ) -> Result<Recognised, Option<Note>> {
        let found = match self.tokens().find(&digest) {
            Some(token) if token.is_current(self) => Some(token),
            Some(token) => self.remember(digest, token.renewed(self)),
            None => self.remember(digest, self.verify(text, issuer)),
        };
        let token = found.ok_or(None)?;
        if !self.signing_keys().contain(&token.key) {
            self.tokens().forget(&digest);
            return Err(None);
        }
        if token.not_before > now {
            return Err(Some(Note::NotYetValid));
        }
        let state = match token.entry.state() {
            EntryState::Active if self.is_ended(&token) => EntryState::Refused(Reason::Revoked),
            // The account of the entry is the user's, and is checked like any other; the app has
            // one too.
            EntryState::Active
                if token.entry.consent().is_some() && !token.client.account.is_active() =>
            {
                EntryState::Refused(Reason::AccountInactive)
            }
            state => state,
        };
        Ok(Recognised { token, state })
    }

    /// Remembers a token; forgets what was remembered under its digest when there is none.
    fn remember(&self, digest: Digest, token: Option<VerifiedToken>) -> Option<Arc<VerifiedToken>> {
        let Some(token) = token.map(Arc::new) else {
            self.tokens().forget(&digest);
            return None;
        };
        self.tokens().put(digest, Arc::clone(&token));
        Some(token)
    }

    fn verify(&self, text: &str, issuer: &str) -> Option<VerifiedToken> {
        let jws = jws::parse(text).ok()?;
        let key = Arc::clone(self.signing_keys().find(jws.key_id)?);
        if !key.has_signed(jws.algorithm, jws.signed, &jws.signature) {
            return None;
        }
        let claims = jws.claims().ok()?;
        if claims.iss != issuer {
            return None;
        }
        VerifiedToken::new(&claims, key, self)
    }

    /// Whether it was revoked, alone or with all of its client's or its account's.
    fn is_ended(&self, token: &VerifiedToken) -> bool {
        let client = &token.client;
        client.tokens_not_before() > token.epoch
            || client.account.tokens_not_before() > token.epoch
            || is_below_users_floor(token)
            || token
                .place
                .is_some_and(|place| self.families().is_ended(place.family))
            || token
                .entry
                .identity()
                .token_id()
                .is_some_and(|id| self.is_revoked(id))
    }
}

/// Whether the account in which the token acts for a user had its tokens ended.
fn is_below_users_floor(token: &VerifiedToken) -> bool {
    let account = token.entry.account();
    account.is_some_and(|account| account.tokens_not_before() > token.epoch)
}
