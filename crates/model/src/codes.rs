//! Authorization codes (RFC 6749 section 4.1.2): a minute long, for one exchange.

use crate::credentials::StoredSecret;
use crate::grants::Authorized;
use crate::ids::{ClientId, FamilyId, GrantId};
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// What codes start with.
pub const CODE_PREFIX: &str = "cac_";
/// How long a code lives, in milliseconds.
pub const CODE_LIFETIME_MILLIS: i64 = 60_000;

/// An authorization code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthorizationCode {
    /// The stored form.
    pub stored: StoredSecret,
    /// The app that it is for.
    pub client_id: ClientId,
    /// What the user allowed.
    pub grant_id: GrantId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// Whether the request named the redirect URI: then the exchange has to name it too.
    pub is_redirect_uri_named: bool,
    /// The code challenge, by S256 (RFC 7636 section 4.2); none for a client that may leave it out.
    pub challenge: Option<String>,
    /// What it is for.
    pub authorized: Authorized,
    /// When it was issued.
    pub created_at: UnixMillis,
    /// From when it is not taken.
    pub expires_at: UnixMillis,
    /// When it was exchanged, and for which family of tokens.
    pub used: Option<(UnixMillis, FamilyId)>,
    /// Counts changes of the row.
    pub version: i64,
}

impl AuthorizationCode {
    /// The code exchanged.
    #[must_use]
    pub fn exchange(self, at: UnixMillis, family: FamilyId) -> Self {
        Self {
            used: Some((at, family)),
            version: self.version + 1,
            ..self
        }
    }
}

impl Sealed for AuthorizationCode {
    const TABLE: &'static str = "authorization_codes";

    fn columns(&self, columns: &mut Columns) {
        let (used_at, family) = self.used.unzip();
        self.stored.columns(columns);
        columns
            .shown(self.client_id)
            .shown(self.grant_id)
            .text(&self.redirect_uri)
            .flag(self.is_redirect_uri_named)
            .optional(self.challenge.as_deref(), Columns::text);
        self.authorized.columns(columns);
        columns
            .time(self.created_at)
            .time(self.expires_at)
            .optional(used_at, Columns::time)
            .optional(family, Columns::shown)
            .int(self.version);
    }
}

impl Authorized {
    /// Writes it for the seal of the row that holds it.
    pub(crate) fn columns(&self, columns: &mut Columns) {
        columns
            .list(&self.scopes)
            .list(&self.audiences)
            .optional(self.jkt.as_deref(), Columns::text);
    }
}
