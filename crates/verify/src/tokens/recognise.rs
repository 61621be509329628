//! From the text of a token to the credential that it is now.

use std::sync::Arc;

use claviger_model::tokens::TOKEN_LENGTH_MAX;
use claviger_model::{Reason, UnixMillis};

use super::cache::Digest;
use super::jws;
use super::verified::{Binding, VerifiedToken};
use crate::apis::ApiEntry;
use crate::decision::Note;
use crate::entries::EntryState;
use crate::index::Index;

/// A token of ours, as it is at the moment.
pub(crate) struct Recognised {
    /// What does not change.
    pub(crate) token: Arc<VerifiedToken>,
    /// What its client makes of it.
    pub(crate) binding: Arc<Binding>,
    /// Whether it works, apart from its end.
    pub(crate) state: EntryState,
}

impl Recognised {
    /// Whether it is for `api`, and its client may still have tokens for that. What is for `issuer`
    /// is for the issuer's own routes, also if an API has the same audience.
    pub(crate) fn is_for(&self, api: &ApiEntry, issuer: &str) -> bool {
        *api.audience != *issuer
            && self.token.audience.contains(&api.audience)
            && self.binding.client.may_ask_for(api)
    }

    /// Whether it is for `issuer` and nothing else, and its client may still have such tokens.
    pub(crate) fn is_for_issuer(&self, issuer: &str) -> bool {
        let is_only = matches!(self.token.audience.all(), [only] if *only == *issuer);
        is_only && self.binding.client.api_id.is_none()
    }
}

impl Index {
    /// The token that `text` is, if it is one of `issuer` and its key is published. What is asked
    /// here is asked at every use, except for the signature.
    pub(crate) fn recognise(
        &self,
        text: &str,
        issuer: &str,
        now: UnixMillis,
    ) -> Result<Recognised, Option<Note>> {
        if text.len() > TOKEN_LENGTH_MAX {
            return Err(None);
        }
        let digest = Digest::of(text);
        let token = match self.tokens().find(&digest) {
            Some(token) => token,
            None => self.verify(text, issuer, digest).ok_or(None)?,
        };
        let keys = self.signing_keys();
        let binding = keys
            .contain(&token.key)
            .then(|| token.binding(self))
            .flatten();
        let Some(binding) = binding else {
            // Its key was withdrawn, or its client is gone.
            self.tokens().forget(&digest);
            return Err(None);
        };
        if token.not_before > now {
            return Err(Some(Note::NotYetValid));
        }
        let state = match binding.entry.state {
            EntryState::Active if self.is_ended(&token, &binding) => {
                EntryState::Refused(Reason::Revoked)
            }
            state => state,
        };
        Ok(Recognised {
            token,
            binding,
            state,
        })
    }

    fn verify(&self, text: &str, issuer: &str, digest: Digest) -> Option<Arc<VerifiedToken>> {
        let jws = jws::parse(text).ok()?;
        let key = Arc::clone(self.signing_keys().find(jws.key_id)?);
        if !key.has_signed(jws.algorithm, jws.signed, &jws.signature) {
            return None;
        }
        let claims = jws.claims().ok()?;
        if claims.iss != issuer {
            return None;
        }
        let token = Arc::new(VerifiedToken::new(claims, key, self)?);
        self.tokens().put(digest, Arc::clone(&token));
        Some(token)
    }

    /// Whether it was revoked, alone or with all of its client's or its account's.
    fn is_ended(&self, token: &VerifiedToken, binding: &Binding) -> bool {
        let client = &binding.client;
        client.tokens_not_before() > token.issued.epoch
            || client.account.tokens_not_before() > token.issued.epoch
            || self.is_revoked(token.issued.token)
    }
}
