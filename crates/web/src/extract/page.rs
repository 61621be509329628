//! Queries, paging and ids in paths.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use claviger_model::Reason;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::Failure;
use crate::state::Web;

/// How many a page has when the caller does not say.
const LIMIT_DEFAULT: u32 = 100;
/// How many a page has at most.
const LIMIT_MAX: u32 = 1_000;

/// The members of a query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Web> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _web: &Web) -> Result<Self, Failure> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        let query = query.map_err(|error| {
            let told = std::error::Error::source(&error).map(ToString::to_string);
            Failure::field(
                "query",
                format!("cannot be read: {}", told.unwrap_or_default()),
            )
        })?;
        Ok(Self(query.0))
    }
}

/// `limit` and `cursor`.
#[derive(serde::Deserialize, utoipa::IntoParams, Default, Debug)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many at most: 1 to 1,000, 100 when absent.
    pub limit: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

impl Paging {
    /// How many at most.
    pub fn limit(&self) -> Result<u32, Failure> {
        let Some(text) = &self.limit else {
            return Ok(LIMIT_DEFAULT);
        };
        let limit = text
            .parse()
            .ok()
            .filter(|limit| (1..=LIMIT_MAX).contains(limit));
        limit.ok_or_else(|| Failure::field("limit", format!("must be 1 to {LIMIT_MAX}")))
    }

    /// Where to start, by whatever a list's cursors are.
    pub fn after<T: FromStr>(&self) -> Result<Option<T>, Failure> {
        let Some(text) = &self.cursor else {
            return Ok(None);
        };
        let cursor = text
            .parse()
            .map_err(|_| Failure::field("cursor", "must be a cursor from a page of the same list"));
        cursor.map(Some)
    }
}

/// An id in the path. A text that is no id of this type names nothing: 404.
pub struct Id<T>(pub T);

impl<T: FromStr> FromRequestParts<Web> for Id<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        let parameters = RawPathParams::from_request_parts(parts, web).await.ok();
        let id = parameters
            .iter()
            .flatten()
            .last()
            .and_then(|(_, text)| text.parse().ok());
        id.map(Self).ok_or_else(|| Failure::new(Reason::NotFound))
    }
}

/// Two ids in the path, of a thing and of a part of it. Texts that are no ids name nothing: 404.
pub struct Ids<A, B>(pub A, pub B);

impl<A: FromStr, B: FromStr> FromRequestParts<Web> for Ids<A, B> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Failure> {
        let parameters = RawPathParams::from_request_parts(parts, web).await.ok();
        let mut texts = parameters.iter().flatten().map(|(_, text)| text);
        let first = texts.next().and_then(|text| text.parse().ok());
        let second = texts.next().and_then(|text| text.parse().ok());
        first
            .zip(second)
            .map(|(first, second)| Self(first, second))
            .ok_or_else(|| Failure::new(Reason::NotFound))
    }
}
