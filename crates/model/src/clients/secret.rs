//! The secrets of clients.

use crate::credentials::StoredSecret;
use crate::ids::{ClientId, SecretId};
use crate::keys::expiry;
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;
use crate::{Problems, text};

/// One of the secrets of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientSecret {
    /// Its public id.
    pub id: SecretId,
    /// The client that it belongs to.
    pub client_id: ClientId,
    /// The stored form.
    pub stored: StoredSecret,
    /// What it is for; empty for the first one.
    pub description: String,
    /// When it was issued.
    pub created_at: UnixMillis,
    /// From when it gets no more tokens; those that it got go on.
    pub expires_at: Option<UnixMillis>,
    /// When it was revoked, and with it every token that it got.
    pub revoked_at: Option<UnixMillis>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// Counts changes of the row.
    pub version: i64,
}

impl ClientSecret {
    /// Checks what a request says of a new secret: description and expiry.
    pub fn described(
        description: Option<&str>,
        expires_at: Option<i64>,
        now: UnixMillis,
    ) -> Result<(String, Option<UnixMillis>), Problems> {
        let mut problems = Problems::default();
        let p = &mut problems;
        let description = text::description(description.unwrap_or_default());
        let description = p.check("description", description).unwrap_or_default();
        let expires_at = expires_at.and_then(|at| p.check("expires_at", expiry(at, now)));
        problems.into_result().map(|()| (description, expires_at))
    }

    /// Whether it gets tokens at `now`.
    pub fn is_live(&self, now: UnixMillis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }

    /// The secret with another end; one that was revoked, or has that end, stays as it is.
    #[must_use]
    pub fn end_at(self, expires_at: Option<UnixMillis>) -> Self {
        if self.revoked_at.is_some() || self.expires_at == expires_at {
            return self;
        }
        Self {
            expires_at,
            version: self.version + 1,
            ..self
        }
    }

    /// The secret revoked; one that was revoked before keeps its first date.
    #[must_use]
    pub fn revoke(self, at: UnixMillis, by: &str) -> Self {
        if self.revoked_at.is_some() {
            return self;
        }
        Self {
            revoked_at: Some(at),
            revoked_by: Some(by.to_owned()),
            version: self.version + 1,
            ..self
        }
    }
}

impl Sealed for ClientSecret {
    const TABLE: &'static str = "client_secrets";

    fn columns(&self, columns: &mut Columns) {
        columns.shown(self.id).shown(self.client_id);
        self.stored.columns(columns);
        columns
            .text(&self.description)
            .time(self.created_at)
            .optional(self.expires_at, Columns::time)
            .optional(self.revoked_at, Columns::time)
            .optional(self.revoked_by.as_deref(), Columns::text)
            .int(self.version);
    }
}
