//! The REST API, one file per noun.

pub mod keys;
pub mod sessions;

use claviger_model::secret::Plaintext;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// The answer to every DELETE.
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
