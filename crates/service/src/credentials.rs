//! Whose is a credential that somebody holds in hand, and what is one called?

use std::sync::Arc;

use claviger_model::credentials::CredentialKind;
use claviger_model::ids::{AccountId, LegacyKeyId};
use claviger_model::secret::{self, Malformed};

use crate::access::KeyAccess;
use crate::actor::Caller;
use crate::app::App;

/// What a text that looks like a credential is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whose {
    /// It does not look like one.
    Nothing,
    /// It looks like one, but a letter of it is wrong.
    Mistyped,
    /// It looks like one that was made here, and is none of the account.
    Unknown,
    /// It is one of the account.
    Own(Credential),
    /// It is one of another account, which only operators are told.
    Others(AccountId, Credential),
}

/// A credential that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credential {
    /// Of which kind.
    pub kind: CredentialKind,
    /// Its id; of a token and of a secret the client's, of a session the session's.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// What people call a credential, by its id; none for one that is unknown here. The caller has been
/// allowed to know.
pub fn name_of(app: &App, id: &str) -> Option<String> {
    let index = app.verifier().index();
    let key = || index.key_name(id.parse().ok()?);
    let client = || Some(Arc::clone(&index.client(id.parse().ok()?)?.name));
    let legacy = || {
        let _: LegacyKeyId = id.parse().ok()?;
        Some(CredentialKind::LegacyKey.noun().into())
    };
    let name: Arc<str> = key().or_else(client).or_else(legacy)?;
    Some(name.to_string())
}

/// Finds what a text is. It decides nothing and counts as no use.
pub fn whose(app: &App, caller: &Caller, access: &KeyAccess, text: &str) -> Whose {
    let now = app.sources().both();
    let Some(entry) = app.verifier().whose(text, now) else {
        return match secret::parse(text) {
            Err(Malformed::Checksum) => Whose::Mistyped,
            // No secret of ours has dots, every access token has two.
            Err(Malformed::Shape) if text.split('.').count() != 3 => Whose::Nothing,
            _ => Whose::Unknown,
        };
    };
    let credential = Credential {
        kind: entry.identity().kind(),
        id: entry.identity().id(),
        name: entry.name().to_string(),
    };
    match entry.account_id() {
        Some(account) if account == access.account_id() => Whose::Own(credential),
        Some(account) if caller.operator().is_ok() => Whose::Others(account, credential),
        _ => Whose::Unknown,
    }
}
