//! What an operator set of a client: its account may go below that, not beyond it.

use super::{ClientDraft, ClientSettings, QuotaMode};
use crate::seal::Columns;

/// The most that an operator lets a client have; what is absent no operator said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClientCeilings {
    /// How long its tokens live at most, in seconds.
    pub token_lifetime_seconds: Option<u32>,
    /// How many tokens it gets at most in a day in UTC.
    pub tokens_per_day: Option<u32>,
    /// What may happen when they are used up: with `Enforce` they are not only counted.
    pub quota_mode: Option<QuotaMode>,
}

impl ClientCeilings {
    /// The ceilings after an operator asked for what `draft` names, and `after` came of it. What is
    /// taken back to its default has no ceiling any more.
    #[must_use]
    pub fn said(self, draft: &ClientDraft, after: &ClientSettings) -> Self {
        let mut said = self;
        if draft.token_lifetime_seconds.is_some() {
            said.token_lifetime_seconds = after.token_lifetime_seconds;
        }
        if draft.tokens_per_day.is_some() {
            said.tokens_per_day = after.tokens_per_day;
        }
        if draft.quota_mode.is_some() {
            said.quota_mode = after.quota_mode;
        }
        said
    }

    /// Writes the ceilings into a seal, at its very end: the seals of rows that have none, as all
    /// had at first, stay what they were.
    pub(super) fn columns(&self, columns: &mut Columns) {
        if *self == Self::default() {
            return;
        }
        columns
            .optional(self.token_lifetime_seconds.map(i64::from), Columns::int)
            .optional(self.tokens_per_day.map(i64::from), Columns::int)
            .optional(self.quota_mode.map(QuotaMode::as_str), Columns::text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::ScopesDraft;

    fn draft(quota: Option<Option<u32>>) -> ClientDraft {
        ClientDraft {
            name: Some("Import".to_owned()),
            scopes: Some(ScopesDraft::All),
            tokens_per_day: quota,
            ..ClientDraft::default()
        }
    }

    #[test]
    fn what_an_operator_names_is_the_ceiling_until_it_is_taken_back() {
        let settings = |draft: &ClientDraft| ClientSettings::create(draft).unwrap();
        let five = draft(Some(Some(5)));
        let said = ClientCeilings::default().said(&five, &settings(&five));
        let expected = ClientCeilings {
            tokens_per_day: Some(5),
            ..ClientCeilings::default()
        };
        assert_eq!(said, expected);
        let unnamed = draft(None);
        assert_eq!(said.said(&unnamed, &settings(&unnamed)), expected);
        let taken_back = draft(Some(None));
        let none = said.said(&taken_back, &settings(&taken_back));
        assert_eq!(none, ClientCeilings::default());
    }

    #[test]
    fn seals_tell_ceilings_apart_and_none_is_nothing() {
        let bytes = |ceilings: ClientCeilings| {
            let mut columns = Columns::default();
            ceilings.columns(&mut columns);
            columns.into_bytes()
        };
        let none = ClientCeilings::default();
        assert_eq!(bytes(none), Vec::<u8>::new());
        let quota = ClientCeilings {
            tokens_per_day: Some(5),
            ..none
        };
        let lifetime = ClientCeilings {
            token_lifetime_seconds: Some(5),
            ..none
        };
        assert_ne!(bytes(quota), bytes(lifetime));
    }
}
