//! Management: what automation may do at the management routes, where a token's audience is the
//! issuer itself.

use std::fmt;

/// A scope of the management routes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ManagementScope {
    /// List and show keys.
    KeysRead,
    /// Create, edit and revoke keys.
    KeysWrite,
    /// List and show clients.
    ClientsRead,
    /// Create, edit and delete clients and their secrets.
    ClientsWrite,
}

impl ManagementScope {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::KeysRead,
        Self::KeysWrite,
        Self::ClientsRead,
        Self::ClientsWrite,
    ];

    /// The scope's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
            Self::ClientsRead => "clients:read",
            Self::ClientsWrite => "clients:write",
        }
    }

    /// The management scope that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    /// The scope that says the same and more: whoever may change things may see them.
    pub const fn implied_by(self) -> Option<Self> {
        match self {
            Self::KeysRead => Some(Self::KeysWrite),
            Self::ClientsRead => Some(Self::ClientsWrite),
            Self::KeysWrite | Self::ClientsWrite => None,
        }
    }
}

impl fmt::Display for ManagementScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
