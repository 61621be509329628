//! What the token endpoint asks: who a client is, and what a token still is.

use std::sync::Arc;

use claviger_model::ids::{ClientId, SecretId};
use claviger_model::tokens::Claims;
use claviger_model::{Reason, UnixMillis};

use crate::apis::Apis;
use crate::checks::Checks;
use crate::decide::{Verifier, check_credential};
use crate::entries::{ClientEntry, Credential, EntryState, Identity};
use crate::freshness::Now;
use crate::tokens::{self, verified::VerifiedToken};

/// A client that has proved who it is.
#[derive(Clone, Debug)]
pub struct ClientLogin {
    /// The client.
    pub client: Arc<ClientEntry>,
    /// The secret that it proved it with.
    pub secret_id: SecretId,
}

/// Why a client is not let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientRefusal {
    /// The reason; [`Reason::InvalidCredential`] whether it is the client or the secret that does
    /// not exist, or the secret is another client's.
    pub reason: Reason,
    /// The secret, when it was the client's own and does not work any more. For the operator's
    /// eyes: to the caller all refusals look the same.
    pub secret: Option<(ClientId, SecretId)>,
}

/// A live access token.
#[derive(Clone, Debug)]
pub struct TokenFacts {
    /// What it says.
    pub claims: Claims,
    /// The client that it was issued to.
    pub client: Arc<ClientEntry>,
    /// The credential that it is.
    pub entry: Credential,
    token: Arc<VerifiedToken>,
}

impl ClientRefusal {
    const fn unknown(reason: Reason) -> Self {
        Self {
            reason,
            secret: None,
        }
    }
}

impl Verifier {
    /// The client called `client_id`, if `secret` is one of its live secrets. Whether it is the
    /// client, the secret or their pairing that does not exist costs the same one keyed hash.
    pub fn authenticate_client(
        &self,
        client_id: &str,
        secret: &str,
        now: Now,
    ) -> Result<ClientLogin, ClientRefusal> {
        if self.freshness().staleness_millis(now).is_none() {
            return Err(ClientRefusal::unknown(Reason::Stale));
        }
        let invalid = ClientRefusal::unknown(Reason::InvalidCredential);
        let index = self.index();
        let entry = self.matching_entry(&index, secret).map_err(|_| invalid)?;
        let Identity::Client(id, secret_id) = entry.identity() else {
            return Err(invalid);
        };
        let client = index.client(id).ok_or(invalid)?;
        if *client_id != *client.public_id {
            return Err(invalid);
        }
        let mut checks = Checks::default();
        check_credential(&mut checks, &entry, entry.state(), now);
        if let Some(reason) = checks.first_failure() {
            let secret = Some((id, secret_id));
            return Err(ClientRefusal { reason, secret });
        }
        Ok(ClientLogin { client, secret_id })
    }

    /// The client called `client_id`, if it is active: for clients that prove who they are in
    /// another way than by a secret, or not at all.
    pub fn find_client(
        &self,
        client_id: &str,
        now: Now,
    ) -> Result<Arc<ClientEntry>, ClientRefusal> {
        if self.freshness().staleness_millis(now).is_none() {
            return Err(ClientRefusal::unknown(Reason::Stale));
        }
        let client = self.index().client_called(client_id);
        let client = client.ok_or(ClientRefusal::unknown(Reason::InvalidCredential))?;
        match client.state {
            EntryState::Refused(reason) => Err(ClientRefusal::unknown(reason)),
            EntryState::Active if !client.account.is_active() => {
                Err(ClientRefusal::unknown(Reason::AccountInactive))
            }
            EntryState::Active => Ok(client),
        }
    }

    /// Notes that a token was used, where it was not `decide` that was asked about it.
    pub fn note_use(&self, facts: &TokenFacts) {
        facts.token.note_use(self.index().families());
    }

    /// What a live access token of ours says, whatever it is for; the reason when it is not live.
    pub fn inspect(&self, token: &str, now: Now) -> Result<Arc<TokenFacts>, Reason> {
        if self.freshness().staleness_millis(now).is_none() {
            return Err(Reason::Stale);
        }
        let index = self.index();
        let found = self
            .recognise_token(&index, token, now.wall)
            .map_err(|_| Reason::InvalidCredential)?;
        let entry = found.token.entry.clone();
        let mut checks = Checks::default();
        check_credential(&mut checks, &entry, found.state, now);
        if let Some(reason) = checks.first_failure() {
            return Err(reason);
        }
        let claims = tokens::parse(token).and_then(|jws| jws.claims());
        Ok(Arc::new(TokenFacts {
            claims: claims.map_err(|_| Reason::InvalidCredential)?,
            client: Arc::clone(&found.token.client),
            entry,
            token: found.token,
        }))
    }
}

impl TokenFacts {
    /// The scopes that count now: those that the token lists, or all where it stands for all, and
    /// that its client still holds at an API that it is for.
    pub fn scopes(&self, apis: &Apis) -> Vec<String> {
        let audiences = self.claims.aud.all().iter();
        let mut names: Vec<String> = Vec::new();
        let apis = audiences.filter_map(|audience| apis.by_audience(audience));
        for api in apis.filter(|api| self.client.may_ask_for(api)) {
            for name in self.entry.scopes_at(Some(api)) {
                let is_of_api = api.scopes.iter().any(|scope| scope.name.as_str() == name);
                if is_of_api && !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
        names
    }

    /// When it ends.
    pub fn expires_at(&self) -> Option<UnixMillis> {
        self.entry.expires_at()
    }
}
