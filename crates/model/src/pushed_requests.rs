//! Pushed authorization requests (RFC 9126): the parameters that an app left here, under a name
//! that its user's browser brings.

use crate::credentials::StoredSecret;
use crate::ids::ClientId;
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;

/// What the secret part of a request's name starts with.
pub const PUSHED_REQUEST_PREFIX: &str = "cpr_";
/// What stands before it (RFC 9126 section 2.2).
const URI_START: &str = "urn:ietf:params:oauth:request_uri:";
/// How long a request waits for a browser, in seconds.
pub const PUSHED_LIFETIME_SECONDS: u32 = 90;
/// How long the user has from the moment that the browser came, in milliseconds: to sign in, to
/// read, to agree.
pub const OPENED_LIFETIME_MILLIS: i64 = 10 * 60 * 1_000;

/// A pushed request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushedRequest {
    /// The stored form of its name.
    pub stored: StoredSecret,
    /// The app that pushed it, and nobody else's.
    pub client_id: ClientId,
    /// Its parameters, without those by which the app proved who it is.
    pub parameters: Vec<(String, String)>,
    /// When it was pushed.
    pub created_at: UnixMillis,
    /// From when it is not taken.
    pub expires_at: UnixMillis,
    /// When a browser first brought it.
    pub opened_at: Option<UnixMillis>,
    /// When an authorization was completed with it.
    pub used_at: Option<UnixMillis>,
    /// Counts changes of the row.
    pub version: i64,
}

impl PushedRequest {
    /// Whether an authorization may be begun or completed with it at `now`.
    pub fn is_live(&self, now: UnixMillis) -> bool {
        self.used_at.is_none() && self.expires_at > now
    }

    /// The request brought by a browser at `at`; later visits change nothing.
    #[must_use]
    pub fn open(self, at: UnixMillis) -> Self {
        if self.opened_at.is_some() {
            return self;
        }
        Self {
            opened_at: Some(at),
            expires_at: at.plus_millis(OPENED_LIFETIME_MILLIS),
            version: self.version + 1,
            ..self
        }
    }

    /// The request after an authorization was completed with it.
    #[must_use]
    pub fn complete(self, at: UnixMillis) -> Self {
        Self {
            used_at: Some(at),
            version: self.version + 1,
            ..self
        }
    }
}

/// The `request_uri` of a request.
pub fn request_uri(secret: &str) -> String {
    format!("{URI_START}{secret}")
}

/// The secret in a `request_uri` of ours.
pub fn secret_of(request_uri: &str) -> Option<&str> {
    let secret = request_uri.strip_prefix(URI_START)?;
    secret.starts_with(PUSHED_REQUEST_PREFIX).then_some(secret)
}

impl Sealed for PushedRequest {
    const TABLE: &'static str = "pushed_requests";

    fn columns(&self, columns: &mut Columns) {
        self.stored.columns(columns);
        columns.shown(self.client_id);
        columns.int(i64::try_from(self.parameters.len()).unwrap_or(i64::MAX));
        for (name, value) in &self.parameters {
            columns.text(name).text(value);
        }
        columns
            .time(self.created_at)
            .time(self.expires_at)
            .optional(self.opened_at, Columns::time)
            .optional(self.used_at, Columns::time)
            .int(self.version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Lookup;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn request() -> PushedRequest {
        PushedRequest {
            stored: StoredSecret {
                lookup: Lookup(1),
                hash: [0; 32],
                pepper_version: 1,
                hint: String::new(),
            },
            client_id: ClientId(1),
            parameters: Vec::new(),
            created_at: NOW,
            expires_at: NOW.plus_seconds(PUSHED_LIFETIME_SECONDS.into()),
            opened_at: None,
            used_at: None,
            version: 1,
        }
    }

    #[test]
    fn a_request_that_a_browser_brought_in_time_may_take_ten_minutes_from_then() {
        let last = NOW.plus_millis(89_999);
        assert!(request().is_live(last));
        assert!(!request().is_live(NOW.plus_millis(90_000)));
        let opened = request().open(last);
        assert!(opened.is_live(last.plus_millis(OPENED_LIFETIME_MILLIS - 1)));
        assert!(!opened.is_live(last.plus_millis(OPENED_LIFETIME_MILLIS)));
        // Coming again does not buy more time.
        let again = opened.clone().open(last.plus_seconds(300));
        assert_eq!(again, opened);
        assert!(!opened.complete(last).is_live(last));
    }

    #[test]
    fn only_names_of_ours_have_a_secret() {
        assert_eq!(secret_of(&request_uri("cpr_x")), Some("cpr_x"));
        for foreign in [
            "",
            "cpr_x",
            "https://app.test/request.jwt",
            &request_uri("ses_x"),
        ] {
            assert_eq!(secret_of(foreign), None, "{foreign}");
        }
    }
}
