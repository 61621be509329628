//! APIs: the resource servers that the operator offers.

mod base_url;

pub use base_url::{BaseUrl, InvalidBaseUrl};

use serde::{Deserialize, Serialize};

use crate::credentials::CredentialKind;
use crate::ids::ApiId;
use crate::routes::{PathPattern, Route};
use crate::scopes::{SCOPES_MAX, Scope, ScopeName};
use crate::seal::{Columns, Sealed};
use crate::time::UnixMillis;
use crate::{Environment, Problems, routes, text};

/// The most routes of one API.
pub const ROUTES_MAX: usize = 2_000;
/// Where a resource tells what it is, before its own path (RFC 9728 section 3).
pub const RESOURCE_METADATA_PATH: &str = "/.well-known/oauth-protected-resource";
const AUDIENCE_LENGTH_MAX: usize = 500;
const TOKEN_LIFETIME_SECONDS_MAX: u32 = 30 * 86_400;

/// How the access tokens of an API are signed (RFC 7518, RFC 8037).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// RSA PKCS #1 v1.5.
    #[serde(rename = "RS256")]
    Rs256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl SigningAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Es256, Self::Rs256, Self::EdDsa];

    /// The `alg` value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == word)
    }
}

/// What happens to a request that matches no route.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unmatched {
    /// It is refused as `route_unknown`.
    #[default]
    Refuse,
    /// It needs a live credential and no scope.
    Allow,
}

impl Unmatched {
    /// The word in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Allow => "allow",
        }
    }

    /// The rule that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Refuse, Self::Allow]
            .into_iter()
            .find(|rule| rule.as_str() == word)
    }
}

/// What an operator decides about an API; everything but its identity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiSpec {
    /// Its name.
    pub name: String,
    /// What tokens for it carry as `aud`, and what `api` names in a verification.
    pub audience: String,
    /// What it offers.
    pub scopes: Vec<Scope>,
    /// Which scopes its routes ask for.
    pub routes: Vec<Route>,
    /// The kinds of credential that it takes.
    pub accepts: Vec<CredentialKind>,
    /// How long its access tokens live, when not as long as the instance's.
    pub token_lifetime_seconds: Option<u32>,
    /// How its access tokens are signed.
    pub signing_algorithm: SigningAlgorithm,
    /// The base URL of live data.
    pub live_url: Option<BaseUrl>,
    /// The base URL of test data.
    pub sandbox_url: Option<BaseUrl>,
    /// What happens beside the routes.
    pub unmatched: Unmatched,
}

/// A resource server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Api {
    /// Its id.
    pub id: ApiId,
    /// What the operator decided.
    pub spec: ApiSpec,
    /// Whether a verification that names no API means this one: the first that was made.
    pub is_default: bool,
    /// When it was made.
    pub created_at: UnixMillis,
    /// Counts changes of the row.
    pub version: i64,
}

/// An API as a request describes it, before anything is checked. Absent members keep their value
/// on an edit and take the default on creation.
#[derive(Clone, Default, Debug)]
pub struct ApiDraft {
    /// `name`.
    pub name: Option<String>,
    /// `audience`.
    pub audience: Option<String>,
    /// `scopes`.
    pub scopes: Option<Vec<ScopeDraft>>,
    /// `routes`.
    pub routes: Option<Vec<RouteDraft>>,
    /// `accepts`.
    pub accepts: Option<Vec<String>>,
    /// `token_lifetime_seconds`; the inner `None` goes back to the instance's.
    pub token_lifetime_seconds: Option<Option<u32>>,
    /// `signing_algorithm`.
    pub signing_algorithm: Option<String>,
    /// `live_url`; the inner `None` removes it.
    pub live_url: Option<Option<String>>,
    /// `sandbox_url`; the inner `None` removes it.
    pub sandbox_url: Option<Option<String>>,
    /// `unmatched`.
    pub unmatched: Option<String>,
}

/// A scope as a request describes it.
#[derive(Clone, Default, Debug)]
pub struct ScopeDraft {
    /// `name`.
    pub name: String,
    /// `description`.
    pub description: String,
    /// `sensitive`.
    pub sensitive: bool,
    /// `implies_all`; absent: only `admin` does.
    pub implies_all: Option<bool>,
    /// `environments`; absent: both, for `admin` live alone.
    pub environments: Option<Vec<Environment>>,
}

/// A route as a request describes it.
#[derive(Clone, Default, Debug)]
pub struct RouteDraft {
    /// `method`.
    pub method: String,
    /// `path`.
    pub path: String,
    /// `scopes`.
    pub scopes: Vec<String>,
}

impl ApiSpec {
    /// A new API from `draft`: name and audience are needed.
    pub fn create(draft: ApiDraft) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        if draft.name.is_none() {
            problems.add("name", "is required");
        }
        if draft.audience.is_none() {
            problems.add("audience", "is required");
        }
        let blank = Self {
            name: String::new(),
            audience: String::new(),
            scopes: Vec::new(),
            routes: Vec::new(),
            accepts: vec![CredentialKind::ApiKey, CredentialKind::AccessToken],
            token_lifetime_seconds: None,
            signing_algorithm: SigningAlgorithm::default(),
            live_url: None,
            sandbox_url: None,
            unmatched: Unmatched::default(),
        };
        blank.apply(draft, problems)
    }

    /// The API after an edit.
    pub fn edit(self, draft: ApiDraft) -> Result<Self, Problems> {
        self.apply(draft, Problems::default())
    }

    fn apply(mut self, draft: ApiDraft, mut problems: Problems) -> Result<Self, Problems> {
        let p = &mut problems;
        if let Some(name) = draft
            .name
            .and_then(|name| p.check("name", text::name(&name)))
        {
            self.name = name;
        }
        if let Some(audience) = draft.audience {
            self.audience = p
                .check("audience", audience_of(&audience))
                .unwrap_or_default();
        }
        if let Some(scopes) = draft.scopes {
            self.scopes = scopes_of(scopes, p);
        }
        if let Some(routes) = draft.routes {
            self.routes = routes_of(routes, p);
        }
        if let Some(accepts) = draft.accepts {
            self.accepts = accepts_of(&accepts, p);
        }
        if let Some(lifetime) = draft.token_lifetime_seconds {
            let outside = |seconds| !(1..=TOKEN_LIFETIME_SECONDS_MAX).contains(&seconds);
            if lifetime.is_some_and(outside) {
                let sentence = format!("must be 1 to {TOKEN_LIFETIME_SECONDS_MAX}");
                p.add("token_lifetime_seconds", sentence);
            }
            self.token_lifetime_seconds = lifetime;
        }
        if let Some(word) = draft.signing_algorithm {
            let algorithm = SigningAlgorithm::parse(&word).ok_or("must be ES256, RS256 or EdDSA");
            self.signing_algorithm = p.check("signing_algorithm", algorithm).unwrap_or_default();
        }
        if let Some(url) = draft.live_url {
            self.live_url = url.and_then(|url| p.check("live_url", BaseUrl::new(&url)));
        }
        if let Some(url) = draft.sandbox_url {
            self.sandbox_url = url.and_then(|url| p.check("sandbox_url", BaseUrl::new(&url)));
        }
        if let Some(word) = draft.unmatched {
            let rule = Unmatched::parse(&word).ok_or("must be refuse or allow");
            self.unmatched = p.check("unmatched", rule).unwrap_or_default();
        }
        problems.into_result().map(|()| self)
    }
}

impl Sealed for Api {
    const TABLE: &'static str = "apis";

    fn columns(&self, columns: &mut Columns) {
        let spec = &self.spec;
        columns.shown(self.id).text(&spec.name).text(&spec.audience);
        columns.int(i64::try_from(spec.scopes.len()).unwrap_or(i64::MAX));
        for scope in &spec.scopes {
            columns.shown(&scope.name).text(&scope.description);
            columns.flag(scope.sensitive).flag(scope.implies_all);
            columns
                .flag(scope.is_for(Environment::Live))
                .flag(scope.is_for(Environment::Test));
        }
        columns.int(i64::try_from(spec.routes.len()).unwrap_or(i64::MAX));
        for route in &spec.routes {
            columns
                .text(&route.method)
                .shown(&route.path)
                .list(&route.scopes);
        }
        let accepts: Vec<&str> = spec.accepts.iter().map(|kind| kind.as_str()).collect();
        columns
            .list(&accepts)
            .optional(spec.token_lifetime_seconds, |c, seconds| {
                c.int(i64::from(seconds))
            })
            .text(spec.signing_algorithm.as_str())
            .optional(spec.live_url.as_ref(), Columns::shown)
            .optional(spec.sandbox_url.as_ref(), Columns::shown)
            .text(spec.unmatched.as_str())
            .flag(self.is_default)
            .time(self.created_at)
            .int(self.version);
    }
}

fn audience_of(text: &str) -> Result<String, &'static str> {
    let printable = text.bytes().all(|b| (0x21..0x7f).contains(&b));
    if text.is_empty() || text.len() > AUDIENCE_LENGTH_MAX || !printable || text.contains('#') {
        return Err("must be a URI without fragment, such as https://api.example.com");
    }
    Ok(text.to_owned())
}

fn scopes_of(drafts: Vec<ScopeDraft>, problems: &mut Problems) -> Vec<Scope> {
    if drafts.len() > SCOPES_MAX {
        problems.add("scopes", format!("must have at most {SCOPES_MAX} scopes"));
        return Vec::new();
    }
    let mut scopes: Vec<Scope> = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.into_iter().enumerate() {
        let member = format!("scopes[{index}].name");
        let Some(name) = problems.check(&member, ScopeName::new(&draft.name)) else {
            continue;
        };
        if scopes.iter().any(|scope| scope.name == name) {
            problems.add(member, "stands twice");
            continue;
        }
        let member = format!("scopes[{index}].description");
        let description = problems.check(&member, text::description(&draft.description));
        let mut scope = Scope::new(name, description.unwrap_or_default(), draft.sensitive);
        scope.implies_all = draft.implies_all.unwrap_or(scope.implies_all);
        scope.environments = draft.environments.unwrap_or(scope.environments);
        scopes.push(scope);
    }
    scopes
}

fn routes_of(drafts: Vec<RouteDraft>, problems: &mut Problems) -> Vec<Route> {
    if drafts.len() > ROUTES_MAX {
        problems.add("routes", format!("must have at most {ROUTES_MAX} routes"));
        return Vec::new();
    }
    let mut found: Vec<Route> = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.into_iter().enumerate() {
        let method = problems.check(
            &format!("routes[{index}].method"),
            routes::method(&draft.method),
        );
        let path = problems.check(
            &format!("routes[{index}].path"),
            PathPattern::new(&draft.path),
        );
        let member = format!("routes[{index}].scopes");
        let scopes = crate::scopes::parse_names(&member, &draft.scopes, problems);
        if let (Some(method), Some(path)) = (method, path) {
            found.push(Route {
                method,
                path,
                scopes,
            });
        }
    }
    found
}

fn accepts_of(words: &[String], problems: &mut Problems) -> Vec<CredentialKind> {
    let mut kinds = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let kind = CredentialKind::parse_acceptable(word)
            .ok_or("must be api_key, legacy_key, access_token or session");
        let kind = problems.check(&format!("accepts[{index}]"), kind);
        kinds.extend(kind.filter(|kind| !kinds.contains(kind)));
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        let url = BaseUrl::new("HTTPS://API.Example.com:443/v1/").expect("url");
        assert_eq!(url.to_string(), "https://api.example.com:443/v1");
        assert_eq!((url.host_key(), url.path()), ("api.example.com", "/v1"));
        assert!(url.is_of_host("API.example.com") && !url.is_of_host("api.example.com:80"));
        let url_metadata = "https://api.example.com:443/.well-known/oauth-protected-resource/v1";
        assert_eq!(url.metadata_url(), url_metadata);
        for bad in [
            "api.example.com",
            "ftp://a",
            "https://",
            "https://u@h",
            "https://h/a//b",
            "https://h/?q",
        ] {
            assert!(BaseUrl::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_problem_of_a_draft_is_named() {
        let draft = ApiDraft {
            name: Some(String::new()),
            scopes: Some(vec![ScopeDraft {
                name: "a b".into(),
                ..ScopeDraft::default()
            }]),
            routes: Some(vec![RouteDraft {
                method: "get".into(),
                path: "x".into(),
                ..RouteDraft::default()
            }]),
            accepts: Some(vec!["cookie".into()]),
            ..ApiDraft::default()
        };
        let problems = ApiSpec::create(draft).expect_err("invalid");
        let members: Vec<&str> = problems.members().keys().map(String::as_str).collect();
        assert_eq!(
            members,
            [
                "accepts[0]",
                "audience",
                "name",
                "routes[0].method",
                "routes[0].path",
                "scopes[0].name"
            ]
        );
    }
}
