//! Scopes: what a credential may do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Environment, Problems};

/// The most scopes that one credential or API holds.
pub const SCOPES_MAX: usize = 200;
const NAME_LENGTH_MAX: usize = 100;
/// Scopes with this name imply every other and are for live credentials only, unless their API
/// says otherwise.
const ADMIN: &str = "admin";

/// A scope's name, such as `read:leads`: a scope-token of RFC 6749 section 3.3, at most 100 long.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct ScopeName(String);

/// A text that is no scope name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a scope such as read:leads: 1 to 100 printable characters without spaces")]
pub struct InvalidScope;

impl ScopeName {
    /// Checks `text`.
    pub fn new(text: &str) -> Result<Self, InvalidScope> {
        let token = |b: &u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if text.is_empty() || text.len() > NAME_LENGTH_MAX || !text.as_bytes().iter().all(token) {
            return Err(InvalidScope);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ScopeName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

/// A scope that an API offers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Its name.
    pub name: ScopeName,
    /// The sentence that pages show beside it.
    pub description: String,
    /// Whether consent and key pages list it first and warn.
    pub sensitive: bool,
    /// Whether it stands for every scope of the instance, as document 004's `admin` does.
    pub implies_all: bool,
    /// The environments in which a credential may hold it.
    pub environments: Vec<Environment>,
}

impl Scope {
    /// A scope with the defaults of its name: `admin` implies every scope and is live only.
    pub fn new(name: ScopeName, description: String, sensitive: bool) -> Self {
        let is_admin = name.as_str() == ADMIN;
        let environments = if is_admin {
            vec![Environment::Live]
        } else {
            Environment::ALL.to_vec()
        };
        Self {
            name,
            description,
            sensitive: sensitive || is_admin,
            implies_all: is_admin,
            environments,
        }
    }

    /// Whether a credential of `environment` may hold it.
    pub fn is_for(&self, environment: Environment) -> bool {
        self.environments.contains(&environment)
    }
}

/// Which scopes a role gives to its sessions, and at most hands on: names, where a final `*`
/// stands for any rest (`*` alone is every scope).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopePatterns(pub Vec<ScopeName>);

impl ScopePatterns {
    /// Whether a pattern covers `name`.
    pub fn cover(&self, name: &ScopeName) -> bool {
        self.0
            .iter()
            .any(|pattern| match pattern.as_str().strip_suffix('*') {
                Some(start) => name.as_str().starts_with(start),
                None => pattern == name,
            })
    }

    /// Whether every name that `other` covers is covered by `self`.
    pub fn cover_all(&self, other: &Self) -> bool {
        other.0.iter().all(|theirs| {
            let start = theirs.as_str().strip_suffix('*');
            self.0
                .iter()
                .any(|ours| match (ours.as_str().strip_suffix('*'), start) {
                    (Some(our_start), Some(their_start)) => their_start.starts_with(our_start),
                    (Some(our_start), None) => theirs.as_str().starts_with(our_start),
                    (None, None) => ours == theirs,
                    (None, Some(_)) => false,
                })
        })
    }
}

/// Checks a list of scope names as a request sends it: order kept, repetitions dropped. Problems
/// name the element, such as `scopes[1]`.
pub fn parse_names(member: &str, texts: &[String], problems: &mut Problems) -> Vec<ScopeName> {
    if texts.len() > SCOPES_MAX {
        problems.add(member, format!("must have at most {SCOPES_MAX} scopes"));
        return Vec::new();
    }
    let mut names: Vec<ScopeName> = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let name = problems.check(&format!("{member}[{index}]"), ScopeName::new(text));
        names.extend(name.filter(|name| !names.contains(name)));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> ScopePatterns {
        ScopePatterns(
            texts
                .iter()
                .map(|text| ScopeName::new(text).expect("scope"))
                .collect(),
        )
    }

    #[test]
    fn names_are_scope_tokens() {
        for good in ["read:leads", "webhooks", "https://a/b", "a"] {
            assert!(ScopeName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "read leads", "a\"b", "a\\b", "é", &"x".repeat(101)] {
            assert_eq!(ScopeName::new(bad), Err(InvalidScope), "{bad}");
        }
    }

    #[test]
    fn admin_implies_all_and_is_live_only() {
        let admin = Scope::new(
            ScopeName::new("admin").expect("scope"),
            String::new(),
            false,
        );
        assert!(admin.implies_all && admin.sensitive);
        assert!(admin.is_for(Environment::Live) && !admin.is_for(Environment::Test));
    }

    #[test]
    fn patterns_cover_names_and_each_other() {
        let read = patterns(&["read:*", "webhooks"]);
        assert!(read.cover(&ScopeName::new("read:leads").expect("scope")));
        assert!(!read.cover(&ScopeName::new("write:leads").expect("scope")));
        assert!(patterns(&["*"]).cover_all(&read));
        assert!(read.cover_all(&patterns(&["read:leads", "webhooks"])));
        assert!(!read.cover_all(&patterns(&["*"])));
        assert!(!patterns(&["read:leads"]).cover_all(&patterns(&["read:*"])));
    }
}
