//! The origins from which the pages of public clients call, so that a browser's question before a
//! call (a preflight, which names no client) is answered without a search.

use crate::entries::{ClientEntry, EntryState};

/// How many clients have each origin.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    clients: papaya::HashMap<Box<str>, usize>,
}

impl Origins {
    /// Whether a client has this origin.
    pub(crate) fn contain(&self, origin: &str) -> bool {
        self.clients.pin().contains_key(origin)
    }

    /// Counts the origins of a client that is held now in place of what it was `before`.
    pub(crate) fn replace(&self, before: Option<&ClientEntry>, now: Option<&ClientEntry>) {
        let clients = self.clients.pin();
        for origin in now.map(ClientEntry::browser_origins).unwrap_or_default() {
            clients.update_or_insert(origin.into(), |count| count + 1, 1);
        }
        for origin in before.map(ClientEntry::browser_origins).unwrap_or_default() {
            let count = clients.update(origin.into(), |count| count.saturating_sub(1));
            if count == Some(&0) {
                clients.remove(origin);
            }
        }
    }
}

impl ClientEntry {
    /// The origins from which its pages call, each once; a client that keeps a secret has none.
    fn browser_origins(&self) -> Vec<&str> {
        if !self.is_public() || self.state != EntryState::Active {
            return Vec::new();
        }
        self.origins.iter().map(AsRef::as_ref).collect()
    }
}
