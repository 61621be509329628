//! Why an authorization request does not go on, and how that is told: on a page of ours when the
//! client or its redirect URI is in doubt, else back to the client (RFC 6749 section 4.1.2.1).

use std::sync::Arc;

use claviger_store::StoreError;
use claviger_verify::entries::ClientEntry;

use super::parameters::encode;
use crate::access::KeyAccess;
use crate::error::Error;
use crate::oauth::ErrorCode;

/// Why an authorization request does not go on.
#[derive(Debug)]
pub enum AuthorizeError {
    /// Nothing is sent anywhere: a page.
    Page(Box<PageProblem>),
    /// The client is told, by a redirect to a URI that it registered.
    Redirect(Box<RedirectError>),
    /// Nobody can tell now, or a fault of ours.
    Failed(Error),
}

/// What a page is about.
#[derive(Debug)]
pub struct PageProblem {
    /// The app, when the request names one that there is.
    pub client: Option<Arc<ClientEntry>>,
    /// What was wrong, for a page that anybody sees.
    pub sentence: &'static str,
    /// What was wrong exactly, for the app's owner alone.
    told: String,
}

/// An error that goes back to the client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedirectError {
    /// Where to; it is registered.
    pub redirect_uri: String,
    /// The word.
    pub error: ErrorCode,
    /// What to change, for the client's developer.
    pub description: String,
    /// The client's `state`, if it sent one.
    pub state: Option<String>,
}

impl PageProblem {
    pub(super) fn new(
        client: Option<&Arc<ClientEntry>>,
        sentence: &'static str,
        told: impl Into<String>,
    ) -> Self {
        Self {
            client: client.cloned(),
            sentence,
            told: told.into(),
        }
    }

    /// What was wrong exactly, for somebody who manages the app; none for others.
    pub fn told_to(&self, access: Option<&KeyAccess>) -> Option<&str> {
        let owner = self.client.as_ref()?.account.id();
        access
            .filter(|access| access.account_id() == owner)
            .map(|_| self.told.as_str())
    }

    /// What was wrong exactly, to be kept for the owner.
    pub(in crate::oauth) fn told(&self) -> &str {
        &self.told
    }
}

impl RedirectError {
    /// The address that the browser is sent to; `issuer` is ours (RFC 9207 section 2).
    pub fn location(&self, issuer: &str) -> String {
        let description: String = self.description.chars().map(permitted).collect();
        let mut pairs = vec![
            ("error", self.error.as_str()),
            ("error_description", &*description),
        ];
        pairs.extend(self.state.as_deref().map(|state| ("state", state)));
        pairs.push(("iss", issuer));
        answer_uri(&self.redirect_uri, &pairs)
    }
}

impl From<RedirectError> for AuthorizeError {
    fn from(error: RedirectError) -> Self {
        Self::Redirect(Box::new(error))
    }
}

impl From<PageProblem> for AuthorizeError {
    fn from(problem: PageProblem) -> Self {
        Self::Page(Box::new(problem))
    }
}

impl From<Error> for AuthorizeError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for AuthorizeError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// A redirect URI with an answer in its query; what its own query says stays (RFC 6749 section
/// 3.1.2).
pub(super) fn answer_uri(redirect_uri: &str, pairs: &[(&str, &str)]) -> String {
    let separator = match redirect_uri.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let answer = encode(pairs.iter().copied());
    format!("{redirect_uri}{separator}{answer}")
}

/// A character as `error_description` may have it (RFC 6749 section 4.1.2.1).
fn permitted(character: char) -> char {
    match character {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => character,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_the_query_that_is_registered() {
        let with = |uri| answer_uri(uri, &[("code", "a b")]);
        assert_eq!(with("https://a/cb"), "https://a/cb?code=a%20b");
        assert_eq!(with("https://a/cb?x=1"), "https://a/cb?x=1&code=a%20b");
        assert_eq!(with("https://a/cb?"), "https://a/cb?code=a%20b");
        assert_eq!(with("com.acme.app:/cb"), "com.acme.app:/cb?code=a%20b");
    }

    #[test]
    fn an_error_goes_back_with_state_and_issuer() {
        let error = RedirectError {
            redirect_uri: "https://a/cb".to_owned(),
            error: ErrorCode::InvalidScope,
            description: "No \"x\" é".to_owned(),
            state: Some("a&b=%26".to_owned()),
        };
        assert_eq!(
            error.location("https://id.acme.test"),
            "https://a/cb?error=invalid_scope&error_description=No%20%27x%27%20%3F\
             &state=a%26b%3D%2526&iss=https%3A%2F%2Fid.acme.test"
        );
    }
}
