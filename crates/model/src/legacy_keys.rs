//! Legacy keys: one unscoped, unexpiring key per account. Deprecated, and accepted only by APIs
//! that say so.

use crate::credentials::StoredSecret;
use crate::ids::{AccountId, LegacyKeyId};
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// A legacy key. It reaches every endpoint, for live data, of the APIs that accept its kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LegacyKey {
    /// Its id.
    pub id: LegacyKeyId,
    /// Whose it is.
    pub account_id: AccountId,
    /// The stored form.
    pub stored: StoredSecret,
    /// Who generated it.
    pub created_by: String,
    /// When.
    pub created_at: UnixMillis,
    /// When it was reverted.
    pub revoked_at: Option<UnixMillis>,
    /// Who reverted it.
    pub revoked_by: Option<String>,
    /// Counts changes of the row.
    pub version: i64,
}

impl LegacyKey {
    /// The key revoked; one that was revoked before keeps its first date.
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

impl Sealed for LegacyKey {
    const TABLE: &'static str = "legacy_keys";

    fn columns(&self, columns: &mut Columns) {
        columns.shown(self.id).shown(self.account_id);
        self.stored.columns(columns);
        columns
            .text(&self.created_by)
            .time(self.created_at)
            .optional(self.revoked_at, Columns::time)
            .optional(self.revoked_by.as_deref(), Columns::text)
            .int(self.version);
    }
}
