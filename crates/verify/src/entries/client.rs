//! Clients in the index.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use claviger_model::clients::{
    Client, ClientAuthMethod, ClientKind, ClientMetadata, ClientScopes, ClientSecret, GrantType,
    QuotaMode,
};
use claviger_model::ids::{ApiId, ClientId, SecretId};
use claviger_model::redirect_uris::RedirectUri;
use claviger_model::{Environment, Reason};

use super::{AccountCell, EntryState, Grant};
use crate::apis::ApiEntry;
use crate::scopes::Scopes;

/// A client with what a token request and a token need to know of it.
#[derive(Debug)]
pub struct ClientEntry {
    /// Its id.
    pub id: ClientId,
    /// What it calls itself: its id, or the address of the document that describes it.
    pub public_id: Arc<str>,
    /// For whom it acts.
    pub kind: ClientKind,
    /// Whose it is.
    pub account: Arc<AccountCell>,
    /// What people call it.
    pub name: Arc<str>,
    /// What it is beside its settings.
    pub metadata: ClientMetadata,
    /// Which data its tokens reach.
    pub environment: Environment,
    /// What it may do.
    pub grant: Grant,
    /// Whether it works.
    pub state: EntryState,
    /// The only API that it may ask tokens for.
    pub api_id: Option<ApiId>,
    /// How long its tokens live, in seconds, when not as long as the API's.
    pub token_lifetime_seconds: Option<u32>,
    /// Tokens a day, when not as many as the instance's.
    pub tokens_per_day: Option<u32>,
    /// What happens when they are used up, when not what the instance says.
    pub quota_mode: Option<QuotaMode>,
    /// The only way in which it may prove who it is.
    pub auth_method: Option<ClientAuthMethod>,
    /// Its secrets that were not revoked, expired ones too: tokens that they got go on.
    secrets: Box<[SecretId]>,
    /// The origins of its redirect URIs, each once.
    pub(crate) origins: Box<[Box<str>]>,
    /// Below which epoch its tokens are dead; shared by all entries of the client.
    tokens_not_before: Arc<AtomicI64>,
    is_current: AtomicBool,
}

impl ClientEntry {
    pub(crate) fn new(
        client: &Client,
        secrets: &[ClientSecret],
        metadata: Option<&ClientMetadata>,
        account: Arc<AccountCell>,
        tokens_not_before: Arc<AtomicI64>,
        scopes: &Scopes,
    ) -> Self {
        let metadata = metadata.cloned().unwrap_or_default();
        let public_id = metadata.document_url().map(Into::into);
        let settings = &client.settings;
        let origins = metadata
            .redirect_uris
            .iter()
            .filter_map(RedirectUri::origin);
        let origins: BTreeSet<String> = origins.collect();
        let unrevoked = secrets.iter().filter(|secret| secret.revoked_at.is_none());
        Self {
            id: client.id,
            public_id: public_id.unwrap_or_else(|| client.id.to_string().into()),
            kind: client.kind,
            account,
            name: settings.name.as_str().into(),
            metadata,
            environment: client.environment,
            grant: match &settings.scopes {
                ClientScopes::All => Grant::All,
                ClientScopes::Named(names) => Grant::Named(scopes.set(names)),
            },
            state: if client.is_deleted() {
                EntryState::Refused(Reason::Revoked)
            } else {
                EntryState::Active
            },
            api_id: settings.api_id,
            token_lifetime_seconds: settings.token_lifetime_seconds,
            tokens_per_day: settings.tokens_per_day,
            quota_mode: settings.quota_mode,
            auth_method: settings.auth_method,
            origins: origins.into_iter().map(String::into_boxed_str).collect(),
            secrets: unrevoked.map(|secret| secret.id).collect(),
            tokens_not_before,
            is_current: AtomicBool::new(true),
        }
    }

    /// Whether the index still has this entry of the client, and no newer one.
    pub(crate) fn is_current(&self) -> bool {
        self.is_current.load(Ordering::Acquire)
    }

    /// Says that the index has another entry of the client now, or none.
    pub(crate) fn supersede(&self) {
        self.is_current.store(false, Ordering::Release);
    }

    /// Below which epoch its tokens are dead.
    pub fn tokens_not_before(&self) -> i64 {
        self.tokens_not_before.load(Ordering::Acquire)
    }

    /// Whether it may have tokens for `api`, whatever scopes it holds there.
    pub fn may_ask_for(&self, api: &ApiEntry) -> bool {
        self.api_id.is_none_or(|only| only == api.id)
    }

    /// Whether it keeps no secret and cannot prove who it is (RFC 6749 section 2.1).
    pub fn is_public(&self) -> bool {
        self.auth_method == Some(ClientAuthMethod::None)
    }

    /// Whether its own pages are of this origin, written as by
    /// [`claviger_model::redirect_uris::browser_origin`]; those of a client that keeps a secret
    /// never are.
    pub fn has_browser_origin(&self, origin: &str) -> bool {
        self.is_public() && self.origins.iter().any(|own| **own == *origin)
    }

    /// Whether it may obtain tokens in this way.
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.metadata.grant_types(self.kind).contains(&grant_type)
    }

    /// Whether tokens that this secret got go on.
    pub fn honours(&self, secret: SecretId) -> bool {
        self.secrets.contains(&secret)
    }
}
