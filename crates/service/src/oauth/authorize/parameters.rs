//! The parameters of an authorization request (RFC 6749 section 4.1.1), wherever they come from: a
//! query, a form or a pushed request.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// The only parameter that a request may repeat (RFC 8707 section 2).
const REPEATABLE: &str = "resource";
/// What our own steps add: the words of `prompt` that were obeyed.
const PROMPTED: &str = "prompted";
/// And that the user wants to choose something again.
const CHOOSING: &str = "choosing";

/// Decoded parameters in the order in which they were sent. They hold no secret: browsers carry
/// them in addresses.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuthorizationParameters {
    pairs: Vec<(String, String)>,
    /// The names of those whose values cannot be decoded, and a sentence about each.
    #[serde(default)]
    unreadable: Vec<(String, String)>,
}

impl AuthorizationParameters {
    /// These parameters. What stands twice is kept twice, and refused when the request is read.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            pairs: pairs.into_iter().collect(),
            unreadable: Vec::new(),
        }
    }

    /// With a parameter whose value cannot be decoded; `told` says what is wrong with it.
    #[must_use]
    pub fn with_unreadable(mut self, name: String, told: String) -> Self {
        self.unreadable.push((name, told));
        self
    }

    /// The value of a parameter. An empty one counts as absent (RFC 6749 section 3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut named = self.pairs.iter().filter(|(known, _)| known == name);
        let value = named.find(|(_, value)| !value.is_empty());
        value.map(|(_, value)| value.as_str())
    }

    /// The values of a parameter that may be repeated.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.pairs.iter().filter(move |(known, _)| known == name);
        named
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The same parameters with one of them replaced, added or, by `None`, left out: what a step
    /// hands to the next.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<&str>) -> Self {
        self.pairs.retain(|(known, _)| known != name);
        if let Some(value) = value {
            self.pairs.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The same parameters once a prompt was obeyed: the steps that follow do not ask for it again.
    #[must_use]
    pub fn prompted(self, word: &str) -> Self {
        let before = self.get(PROMPTED).unwrap_or_default();
        let words: Vec<&str> = before.split(' ').chain([word]).collect();
        let words = words.join(" ").trim_start().to_owned();
        self.with(PROMPTED, Some(&words))
    }

    /// Whether a prompt was obeyed in a step before.
    pub(super) fn was_prompted(&self, word: &str) -> bool {
        let before = self.get(PROMPTED).unwrap_or_default();
        before.split(' ').any(|known| known == word)
    }

    /// The same parameters, for a step in which the user chooses the account again.
    #[must_use]
    pub fn choosing_account(self) -> Self {
        let again = self.with("account", None).with(PROMPTED, Some("login"));
        if again.get("request_uri").is_some() {
            // A prompt beside a pushed request counts for nothing.
            return again.with(CHOOSING, Some("account"));
        }
        again.with("prompt", Some("select_account"))
    }

    /// Whether the user chooses the account of a pushed request again.
    pub(super) fn chooses_account(&self) -> bool {
        self.get(CHOOSING).is_some()
    }

    /// The parameters themselves; what could not be decoded is lost.
    pub(in crate::oauth) fn into_pairs(self) -> Vec<(String, String)> {
        self.pairs
    }

    /// As a query string (`application/x-www-form-urlencoded`).
    pub fn query(&self) -> String {
        encode(self.pairs.iter().map(|(name, value)| (&**name, &**value)))
    }

    /// Whether a parameter is there more than once, even if empty.
    pub(super) fn is_repeated(&self, name: &str) -> bool {
        let mut named = self.pairs.iter().filter(|(known, _)| known == name);
        named.nth(1).is_some()
    }

    /// What is wrong with `name` as it was sent: there twice, or not to be decoded.
    pub(super) fn problem_of(&self, name: &str) -> Option<String> {
        if self.is_repeated(name) {
            return Some(format!("The parameter {name} is sent more than once."));
        }
        let unreadable = self.unreadable.iter().find(|(known, _)| known == name);
        unreadable.map(|(_, told)| told.clone())
    }

    /// The first thing that is wrong with the parameters as they were sent.
    pub(super) fn first_problem(&self) -> Option<String> {
        if let Some((_, told)) = self.unreadable.first() {
            return Some(told.clone());
        }
        let names = self.pairs.iter().map(|(name, _)| name.as_str());
        let mut names = names.filter(|name| *name != REPEATABLE);
        let name = names.find(|name| self.is_repeated(name))?;
        // Names of others are not for our sentences.
        Some(if KNOWN.contains(&name) {
            format!("The parameter {name} is sent more than once. Send it once.")
        } else {
            "A parameter is sent more than once. Send each once.".to_owned()
        })
    }
}

/// Names that sentences may repeat.
const KNOWN: [&str; 17] = [
    "account",
    "audience",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "login_hint",
    "nonce",
    "prompt",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "ui_locales",
];

/// Pairs as a query string: every byte that is not unreserved is percent-encoded.
pub(super) fn encode<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        push_encoded(&mut query, name);
        query.push('=');
        push_encoded(&mut query, value);
    }
    query
}

fn push_encoded(query: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            query.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(query, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> AuthorizationParameters {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        AuthorizationParameters::new(pairs.iter().map(owned))
    }

    #[test]
    fn what_stands_twice_is_told_but_for_resources() {
        let fine = parameters(&[("resource", "a"), ("resource", "b"), ("scope", "c")]);
        assert_eq!(fine.first_problem(), None);
        assert_eq!(fine.all("resource").count(), 2);
        let twice = parameters(&[("scope", "a"), ("scope", "a")]);
        assert!(twice.first_problem().unwrap().contains("scope"));
        let strange = parameters(&[("<x>", "a"), ("<x>", "")]);
        assert!(!strange.first_problem().unwrap().contains('<'));
    }

    #[test]
    fn a_query_says_the_same_again() {
        let all = parameters(&[("state", "a%26 +é"), ("scope", "")]);
        assert_eq!(all.query(), "state=a%2526%20%2B%C3%A9&scope=");
        assert_eq!(all.get("scope"), None);
    }

    #[test]
    fn an_obeyed_prompt_is_remembered() {
        let asked = parameters(&[("prompt", "login select_account")]);
        let next = asked.prompted("login").prompted("select_account");
        assert_eq!(next.get(PROMPTED), Some("login select_account"));
        assert!(next.was_prompted("login") && !next.was_prompted("consent"));
    }
}
