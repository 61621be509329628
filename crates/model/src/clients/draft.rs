//! Clients as requests describe them.

use crate::ids::ApiId;
use crate::scopes::parse_names;
use crate::{Problems, text};

use super::{
    ClientAuthMethod, ClientKind, ClientScopes, ClientSettings, QuotaMode,
    TOKEN_LIFETIME_SECONDS_MAX, TOKENS_PER_DAY_MAX,
};

const AUTH_METHODS_SENTENCE: &str =
    "must be client_secret_basic, client_secret_post, private_key_jwt or none";

/// A client as a request describes it, before anything is checked. The inner `None` takes a value
/// back to its default.
#[derive(Clone, Default, Debug)]
pub struct ClientDraft {
    /// `kind`, of a new client alone: machine when absent.
    pub kind: Option<ClientKind>,
    /// `name`.
    pub name: Option<String>,
    /// `description`.
    pub description: Option<Option<String>>,
    /// `scopes`.
    pub scopes: Option<ScopesDraft>,
    /// `audience`, already found to be an API's.
    pub api_id: Option<Option<ApiId>>,
    /// `token_lifetime_seconds`.
    pub token_lifetime_seconds: Option<Option<u32>>,
    /// `tokens_per_day`.
    pub tokens_per_day: Option<Option<u32>>,
    /// `quota_mode`.
    pub quota_mode: Option<Option<String>>,
    /// `token_endpoint_auth_method`.
    pub auth_method: Option<Option<String>>,
    /// What is mostly of interest for apps.
    pub app: AppDraft,
}

/// The members of [`ClientDraft`] that end up in the metadata. The inner `None` takes a value back
/// to its default.
#[derive(Clone, Default, Debug)]
pub struct AppDraft {
    /// `public`: the same as a `token_endpoint_auth_method` of `none`.
    pub public: Option<bool>,
    /// `redirect_uris`.
    pub redirect_uris: Option<Option<Vec<String>>>,
    /// `grant_types`.
    pub grant_types: Option<Option<Vec<String>>>,
    /// `client_uri`.
    pub client_uri: Option<Option<String>>,
    /// `logo_uri`.
    pub logo_uri: Option<Option<String>>,
    /// `policy_uri`.
    pub policy_uri: Option<Option<String>>,
    /// `tos_uri`.
    pub tos_uri: Option<Option<String>>,
    /// `jwks`, a set of public keys (RFC 7517 section 5).
    pub jwks: Option<Option<serde_json::Value>>,
    /// `jwks_uri`.
    pub jwks_uri: Option<Option<String>>,
    /// `require_pkce`.
    pub require_pkce: Option<Option<bool>>,
    /// `require_pushed_authorization_requests`.
    pub require_pushed_authorization_requests: Option<Option<bool>>,
    /// `dpop_bound_access_tokens`.
    pub dpop_bound_access_tokens: Option<Option<bool>>,
}

/// Scopes as a request names them.
#[derive(Clone, Debug)]
pub enum ScopesDraft {
    /// `"all"`.
    All,
    /// A list.
    Named(Vec<String>),
}

impl ClientSettings {
    /// The settings of a new client: name and scopes are needed.
    pub fn create(draft: &ClientDraft) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        if draft.name.is_none() {
            problems.add("name", "is required");
        }
        if draft.scopes.is_none() {
            problems.add("scopes", "is required: a list of scopes, or \"all\"");
        }
        let blank = Self {
            name: String::new(),
            description: String::new(),
            scopes: ClientScopes::Named(Vec::new()),
            api_id: None,
            token_lifetime_seconds: None,
            tokens_per_day: None,
            quota_mode: None,
            auth_method: None,
        };
        blank.apply(draft, problems)
    }

    /// The settings after an edit (JSON merge patch, RFC 7396).
    pub fn edit(self, draft: &ClientDraft) -> Result<Self, Problems> {
        self.apply(draft, Problems::default())
    }

    fn apply(mut self, draft: &ClientDraft, mut problems: Problems) -> Result<Self, Problems> {
        let p = &mut problems;
        if let Some(name) = &draft.name {
            self.name = p.check("name", text::name(name)).unwrap_or_default();
        }
        if let Some(description) = &draft.description {
            let description = text::description(description.as_deref().unwrap_or_default());
            self.description = p.check("description", description).unwrap_or_default();
        }
        match &draft.scopes {
            None => {}
            Some(ScopesDraft::All) => self.scopes = ClientScopes::All,
            Some(ScopesDraft::Named(texts)) => {
                if texts.is_empty() {
                    p.add("scopes", "must not be empty: choose at least one, or all");
                }
                self.scopes = ClientScopes::Named(parse_names("scopes", texts, p));
            }
        }
        if let Some(api_id) = draft.api_id {
            self.api_id = api_id;
        }
        if let Some(seconds) = draft.token_lifetime_seconds {
            let most = TOKEN_LIFETIME_SECONDS_MAX;
            self.token_lifetime_seconds = within(p, "token_lifetime_seconds", seconds, most);
        }
        if let Some(quota) = draft.tokens_per_day {
            self.tokens_per_day = within(p, "tokens_per_day", quota, TOKENS_PER_DAY_MAX);
        }
        if let Some(word) = &draft.quota_mode {
            let mode = word
                .as_deref()
                .map(|word| QuotaMode::parse(word).ok_or("must be enforce or observe"));
            self.quota_mode = mode.and_then(|mode| p.check("quota_mode", mode));
        }
        if let Some(word) = &draft.auth_method {
            let method = word
                .as_deref()
                .map(|word| ClientAuthMethod::parse(word).ok_or(AUTH_METHODS_SENTENCE));
            self.auth_method =
                method.and_then(|method| p.check("token_endpoint_auth_method", method));
        }
        problems.into_result().map(|()| self)
    }
}

fn within(problems: &mut Problems, member: &str, value: Option<u32>, most: u32) -> Option<u32> {
    if value.is_some_and(|value| !(1..=most).contains(&value)) {
        problems.add(member, format!("must be 1 to {most}"));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(change: impl FnOnce(&mut ClientDraft)) -> ClientDraft {
        let mut draft = ClientDraft {
            name: Some("Nightly import".to_owned()),
            scopes: Some(ScopesDraft::Named(vec!["read:leads".to_owned()])),
            ..ClientDraft::default()
        };
        change(&mut draft);
        draft
    }

    fn problems(draft: &ClientDraft) -> Vec<String> {
        let problems = ClientSettings::create(draft).unwrap_err();
        problems.members().keys().cloned().collect()
    }

    #[test]
    fn name_and_scopes_are_needed() {
        assert_eq!(problems(&ClientDraft::default()), ["name", "scopes"]);
        assert!(ClientSettings::create(&draft(|_| ())).is_ok());
        let all = draft(|d| d.scopes = Some(ScopesDraft::All));
        assert_eq!(
            ClientSettings::create(&all).unwrap().scopes,
            ClientScopes::All
        );
        let none = draft(|d| d.scopes = Some(ScopesDraft::Named(Vec::new())));
        assert_eq!(problems(&none), ["scopes"]);
    }

    #[test]
    fn numbers_and_words_are_checked() {
        let wrong = draft(|d| {
            d.token_lifetime_seconds = Some(Some(0));
            d.tokens_per_day = Some(Some(TOKENS_PER_DAY_MAX + 1));
            d.quota_mode = Some(Some("sometimes".to_owned()));
            d.auth_method = Some(Some("tls_client_auth".to_owned()));
        });
        assert_eq!(
            problems(&wrong),
            [
                "quota_mode",
                "token_endpoint_auth_method",
                "token_lifetime_seconds",
                "tokens_per_day"
            ]
        );
    }

    #[test]
    fn an_edit_takes_values_back_to_their_defaults() {
        let before = draft(|d| {
            d.tokens_per_day = Some(Some(10));
            d.quota_mode = Some(Some("observe".to_owned()));
        });
        let settings = ClientSettings::create(&before).unwrap();
        assert_eq!(settings.quota_mode, Some(QuotaMode::Observe));
        let edit = ClientDraft {
            tokens_per_day: Some(None),
            quota_mode: Some(None),
            ..ClientDraft::default()
        };
        let after = settings.edit(&edit).unwrap();
        assert_eq!((after.tokens_per_day, after.quota_mode), (None, None));
        assert_eq!(after.name, "Nightly import");
    }
}
