//! The scopes of a client in JSON: a list, or the word `all`.

use std::fmt;

use claviger_model::clients::{ClientScopes, ScopesDraft};
use claviger_model::scopes::ScopeName;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A list of scopes, or the word `all`.
#[derive(Clone, Debug)]
pub enum ScopesBody {
    /// Every scope.
    All,
    /// These.
    Named(Vec<String>),
}

impl From<ClientScopes> for ScopesBody {
    fn from(scopes: ClientScopes) -> Self {
        match scopes {
            ClientScopes::All => Self::All,
            ClientScopes::Named(names) => {
                Self::Named(names.iter().map(ScopeName::to_string).collect())
            }
        }
    }
}

impl From<ScopesBody> for ScopesDraft {
    fn from(scopes: ScopesBody) -> Self {
        match scopes {
            ScopesBody::All => Self::All,
            ScopesBody::Named(names) => Self::Named(names),
        }
    }
}

impl Serialize for ScopesBody {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Named(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ScopesBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScopesVisitor)
    }
}

struct ScopesVisitor;

impl<'de> Visitor<'de> for ScopesVisitor {
    type Value = ScopesBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of scopes, or \"all\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ScopesBody, E> {
        if text == "all" {
            return Ok(ScopesBody::All);
        }
        Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ScopesBody, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = seq.next_element()? {
            names.push(name);
        }
        Ok(ScopesBody::Named(names))
    }
}
