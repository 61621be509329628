//! What an app says of itself: the members of RFC 7591 section 2, which a client id metadata
//! document has too. Members that are not known are ignored, as the standard asks.

use claviger_model::Problems;
use claviger_model::clients::{
    AppDraft, ClientAuthMethod, ClientDescription, ClientDraft, ClientKind, GrantType, ScopesDraft,
};
use claviger_model::redirect_uris::WebAddress;
use serde_json::{Map, Value};

use crate::app::App;
use crate::clients::check_offers;
use crate::oauth::{ErrorCode, Refusal};

/// The longest list of words that is looked at.
const WORDS_MAX: usize = 100;
const NAMELESS: &str = "Unnamed app";

/// What an app is that says this of itself. `default_method` is how it authenticates when it does
/// not say.
pub(crate) fn described(
    app: &App,
    members: &Map<String, Value>,
    default_method: ClientAuthMethod,
) -> Result<ClientDescription, Refusal> {
    let mut asked = Asked {
        members,
        problems: Problems::default(),
    };
    let draft = asked.draft(app, default_method);
    let mut problems = asked.problems;
    match ClientDescription::create(&draft) {
        Ok(described) => {
            check_offers(app, None, &described, &mut problems);
            problems.into_result().map_err(|found| refused(&found))?;
            Ok(described)
        }
        Err(found) => {
            problems.merge(found);
            Err(refused(&problems))
        }
    }
}

/// The refusal that says what is wrong with the members (RFC 7591 section 3.2.2).
fn refused(problems: &Problems) -> Refusal {
    let mut members = problems.members().keys();
    let code = if members.any(|member| member.starts_with("redirect_uris")) {
        ErrorCode::InvalidRedirectUri
    } else {
        ErrorCode::InvalidClientMetadata
    };
    Refusal::because(code, problems.to_string())
}

/// The members of a request, and what is wrong with them.
struct Asked<'a> {
    members: &'a Map<String, Value>,
    problems: Problems,
}

impl Asked<'_> {
    fn draft(&mut self, app: &App, default_method: ClientAuthMethod) -> ClientDraft {
        self.check_response_types();
        let redirect_uris = self.texts("redirect_uris");
        let client_uri = self.text("client_uri");
        let name = self.text("client_name");
        let name = name.filter(|name| !name.trim().is_empty());
        let name = name.unwrap_or_else(|| {
            let uris = redirect_uris.iter().flatten();
            let mut addresses = client_uri.iter().chain(uris);
            let host = addresses.find_map(|url| Some(WebAddress::https(url).ok()?.host.to_owned()));
            host.unwrap_or_else(|| NAMELESS.to_owned())
        });
        let method = self.text("token_endpoint_auth_method");
        let method = method.unwrap_or_else(|| default_method.as_str().to_owned());
        ClientDraft {
            kind: Some(ClientKind::App),
            name: Some(name),
            // A user is asked each time, so there is nothing to narrow before.
            scopes: Some(ScopesDraft::All),
            auth_method: Some(Some(method)),
            app: AppDraft {
                public: None,
                redirect_uris: redirect_uris.map(Some),
                grant_types: Some(Some(self.grant_types(app))),
                client_uri: client_uri.map(Some),
                logo_uri: self.text("logo_uri").map(Some),
                policy_uri: self.text("policy_uri").map(Some),
                tos_uri: self.text("tos_uri").map(Some),
                jwks: self.present("jwks").cloned().map(Some),
                jwks_uri: self.text("jwks_uri").map(Some),
                require_pkce: None,
                require_pushed_authorization_requests: self
                    .flag("require_pushed_authorization_requests")
                    .map(Some),
                dpop_bound_access_tokens: self.flag("dpop_bound_access_tokens").map(Some),
            },
            ..ClientDraft::default()
        }
    }

    /// Of what an app asks for, what it can have here; the answer says what that is (RFC 7591
    /// section 3.2.1). It acts for users alone.
    fn grant_types(&mut self, app: &App) -> Vec<String> {
        let default = || vec![GrantType::AuthorizationCode.as_str().to_owned()];
        let mut asked = self.texts("grant_types").unwrap_or_else(default);
        asked.retain(|word| match GrantType::parse(word) {
            Some(GrantType::AuthorizationCode | GrantType::RefreshToken) => true,
            Some(GrantType::DeviceCode) => app.settings().oauth.device_grant,
            Some(GrantType::ClientCredentials) | None => false,
        });
        if asked.is_empty() {
            let sentence = "must have authorization_code, with refresh_token or without";
            self.problems.add("grant_types", sentence);
            return default();
        }
        asked
    }

    fn check_response_types(&mut self) {
        let types = self.texts("response_types");
        if types.is_some_and(|types| !types.iter().any(|kind| kind == "code")) {
            self.problems.add("response_types", "must have code");
        }
    }

    /// The member, unless it is absent or null.
    fn present(&self, member: &str) -> Option<&Value> {
        self.members.get(member).filter(|value| !value.is_null())
    }

    fn text(&mut self, member: &str) -> Option<String> {
        let value = self.present(member)?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.problems.add(member, "must be a text");
        }
        text
    }

    fn flag(&mut self, member: &str) -> Option<bool> {
        let flag = self.present(member)?.as_bool();
        if flag.is_none() {
            self.problems.add(member, "must be true or false");
        }
        flag
    }

    fn texts(&mut self, member: &str) -> Option<Vec<String>> {
        let values = self.present(member)?;
        let texts = values.as_array().filter(|values| values.len() <= WORDS_MAX);
        let texts = texts.and_then(|values| {
            let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<String>>>()
        });
        if texts.is_none() {
            self.problems.add(member, "must be a list of texts");
        }
        texts
    }
}
