//! The REST API, one file per noun.

pub mod accounts;
pub mod apis;
pub mod audit;
pub mod clients;
pub mod decisions;
pub mod grants;
pub mod instance;
pub mod invitations;
pub mod keys;
pub mod leaks;
pub mod legacy_key;
pub mod members;
pub mod operators;
pub mod roles;
pub mod sandbox;
pub mod scope_use;
pub mod scopes;
pub mod sessions;
pub mod signing_keys;
pub mod usage;
pub mod users;
pub mod uses;
pub mod webhooks;

use std::fmt;
use std::str::FromStr;

use claviger_model::UnixMillis;
use claviger_model::secret::Plaintext;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// The answer to every DELETE, and to what ends something without making anything.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    /// Always true.
    ok: bool,
}

impl Deleted {
    /// It is gone, now or since before.
    pub fn done() -> axum::Json<Self> {
        axum::Json(Self { ok: true })
    }
}

/// The body of a POST that needs none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    /// What is on the page.
    pub data: Vec<T>,
    /// Whether there is another page.
    pub has_more: bool,
    /// What to send as `cursor` for it.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page that ends at `next`, when there is more.
    pub fn new(data: Vec<T>, next: Option<String>) -> Self {
        Self {
            data,
            has_more: next.is_some(),
            next_cursor: next,
        }
    }
}

/// Where a page of what is ordered by time ended.
pub struct TimeCursor<T>(pub UnixMillis, pub T);

impl<T: fmt::Display> fmt::Display for TimeCursor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.0, self.1)
    }
}

impl<T: FromStr> FromStr for TimeCursor<T> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, id) = text.split_once('.').ok_or(())?;
        let at = UnixMillis(at.parse().map_err(|_| ())?);
        Ok(Self(at, id.parse().map_err(|_| ())?))
    }
}

/// A secret in the one answer that may hold it.
pub struct ShownOnce(pub Plaintext);

impl Serialize for ShownOnce {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

/// Tells a member that is null from one that is absent, for merge patches (RFC 7396).
pub fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
