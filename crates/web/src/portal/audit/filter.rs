//! What of the audit log is looked at, as an address has it.

use claviger_model::UnixMillis;
use claviger_model::audit::Action;
use claviger_service::audit::AuditFilter;

use super::PATH;
use crate::pages::{Fields, dates};
use crate::portal::Portal;
use crate::portal::links::with_query;

/// The longest actor or target that an address may have.
const LENGTH_MAX: usize = 120;

/// A filter.
#[derive(Clone, Default)]
pub(super) struct Filter {
    /// Of this action.
    pub action: Option<&'static str>,
    /// By this actor.
    pub actor: Option<String>,
    /// About this thing.
    pub target: Option<String>,
    /// From this time on.
    pub from: Option<UnixMillis>,
    /// Before this time.
    pub to: Option<UnixMillis>,
}

impl Filter {
    /// What an address says; what cannot be read is not asked for.
    pub(super) fn of(query: &Fields) -> Self {
        let id = |name| query.get(name).filter(|text| is_plain(text));
        let time = |name| query.get(name).and_then(dates::parse_minute);
        Self {
            action: query.get("action").and_then(action),
            actor: id("actor").map(str::to_owned),
            target: id("target").map(str::to_owned),
            from: time("from"),
            to: time("to"),
        }
    }

    /// The same for the use case.
    pub(super) fn wanted(&self) -> AuditFilter {
        AuditFilter {
            action: self.action.map(str::to_owned),
            actor: self.actor.clone(),
            target: self.target.clone(),
            from: self.from,
            to: self.to,
        }
    }

    /// Whether anything is left out.
    pub(super) fn is_narrow(&self) -> bool {
        let is_about = self.action.is_some() || self.actor.is_some() || self.target.is_some();
        is_about || self.from.is_some() || self.to.is_some()
    }

    /// The address of a path that goes by it.
    pub(super) fn href(&self, portal: &Portal, below: &str) -> String {
        let time = |at: Option<UnixMillis>| at.map(dates::machine_minute);
        let pairs = [
            ("action", self.action.map(str::to_owned)),
            ("actor", self.actor.clone()),
            ("target", self.target.clone()),
            ("from", time(self.from)),
            ("to", time(self.to)),
        ];
        portal.href(with_query(&format!("{PATH}{below}"), &pairs))
    }
}

/// The action that a word names.
pub(super) fn action(word: &str) -> Option<&'static str> {
    let mut known = Action::ALL.iter().map(|action| action.as_str());
    known.find(|known| *known == word)
}

/// Whether a text can be what the log calls somebody or something, and no secret.
pub(super) fn is_plain(text: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_:-.@".contains(&byte);
    let is_like_a_secret = !matches!(
        claviger_model::secret::parse(text),
        Err(claviger_model::secret::Malformed::Shape)
    );
    text.len() <= LENGTH_MAX && text.bytes().all(is_name) && !is_like_a_secret
}
