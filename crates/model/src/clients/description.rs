//! What a client is, settings and metadata together: a rule often concerns both.

use crate::Problems;
use crate::redirect_uris::{REDIRECT_URIS_MAX, RedirectUri, WebAddress};

use super::keys::inline;
use super::{
    AppDraft, ClientAuthMethod, ClientCeilings, ClientDraft, ClientKeys, ClientKind,
    ClientMetadata, ClientSettings, GrantType,
};

const GRANTS_OF_MACHINES: &str =
    "must be [\"client_credentials\"], the only grant of a machine client";
const GRANTS_OF_APPS: &str = "must be among authorization_code, refresh_token, \
     urn:ietf:params:oauth:grant-type:device_code and client_credentials";

/// What a client is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientDescription {
    /// For whom it acts.
    pub kind: ClientKind,
    /// What is decided about it.
    pub settings: ClientSettings,
    /// What an operator said that it has at most.
    pub ceilings: ClientCeilings,
    /// What it is beside that.
    pub metadata: ClientMetadata,
}

impl ClientDescription {
    /// What a new client is.
    ///
    /// # Errors
    /// A sentence for each member that is not acceptable, or needed and absent.
    pub fn create(draft: &ClientDraft) -> Result<Self, Problems> {
        let kind = draft.kind.unwrap_or(ClientKind::Machine);
        let mut problems = Problems::default();
        let draft = with_public(draft, None, &mut problems);
        let settings = noted(ClientSettings::create(&draft), &mut problems);
        let metadata = apply(kind, ClientMetadata::default(), &draft.app, &mut problems);
        let created = settings.map(|settings| Self {
            kind,
            settings,
            ceilings: ClientCeilings::default(),
            metadata,
        });
        // Settings that are wrong are no reason to keep silent about the rest.
        let method = draft.auth_method.clone().flatten();
        let method = method.as_deref().and_then(ClientAuthMethod::parse);
        if let Some(created) = &created {
            created.check(&draft.app, &mut problems);
        } else {
            check_kind(kind, &draft.app, method, &mut problems);
        }
        finished(created, problems)
    }

    /// What the client is after an edit (JSON merge patch, RFC 7396).
    ///
    /// # Errors
    /// A sentence for each member that is not acceptable.
    pub fn edit(self, draft: &ClientDraft) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let before = self.settings.auth_method;
        let draft = with_public(draft, before, &mut problems);
        let settings = noted(self.settings.edit(&draft), &mut problems);
        let metadata = apply(self.kind, self.metadata, &draft.app, &mut problems);
        let edited = settings.map(|settings| Self {
            kind: self.kind,
            settings,
            ceilings: self.ceilings,
            metadata,
        });
        if let Some(edited) = &edited {
            edited.check(&draft.app, &mut problems);
            if edited.is_public() && before != Some(ClientAuthMethod::None) {
                let member = match draft.app.public {
                    Some(_) => "public",
                    None => "token_endpoint_auth_method",
                };
                problems.add(
                    member,
                    "cannot make this client public: what it was trusted with it got because it \
                     proves who it is. Create a public app beside it",
                );
            }
        }
        finished(edited, problems)
    }

    /// Whether it proves nothing when it asks for tokens (RFC 6749 section 2.1).
    pub fn is_public(&self) -> bool {
        self.settings.is_public()
    }

    fn check(&self, draft: &AppDraft, problems: &mut Problems) {
        check_kind(self.kind, draft, self.settings.auth_method, problems);
        check_keys(self, problems);
        if self.kind == ClientKind::App {
            check_app(self, problems);
        }
    }
}

/// `public` said in the words of `token_endpoint_auth_method`.
fn with_public(
    draft: &ClientDraft,
    before: Option<ClientAuthMethod>,
    problems: &mut Problems,
) -> ClientDraft {
    let mut draft = draft.clone();
    let none = ClientAuthMethod::None.as_str();
    let named = draft.auth_method.as_ref().and_then(Option::as_deref);
    match draft.app.public {
        Some(true) if named.is_some_and(|method| method != none) => problems.add(
            "public",
            "must be false, or token_endpoint_auth_method none: a public app proves nothing",
        ),
        Some(true) => draft.auth_method = Some(Some(none.to_owned())),
        Some(false) if named == Some(none) => problems.add(
            "public",
            "must be true where token_endpoint_auth_method is none",
        ),
        Some(false) if draft.auth_method.is_none() && before == Some(ClientAuthMethod::None) => {
            draft.auth_method = Some(None);
        }
        Some(false) | None => {}
    }
    draft
}

fn noted<T>(result: Result<T, Problems>, problems: &mut Problems) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(found) => {
            problems.merge(found);
            None
        }
    }
}

fn finished(
    described: Option<ClientDescription>,
    problems: Problems,
) -> Result<ClientDescription, Problems> {
    match described {
        Some(described) => problems.into_result().map(|()| described),
        None => Err(problems),
    }
}

/// The metadata after a draft, each member by itself.
fn apply(
    kind: ClientKind,
    mut metadata: ClientMetadata,
    draft: &AppDraft,
    problems: &mut Problems,
) -> ClientMetadata {
    let p = problems;
    if let Some(uris) = &draft.redirect_uris {
        metadata.redirect_uris = redirect_uris(uris.as_deref().unwrap_or_default(), p);
    }
    if let Some(words) = &draft.grant_types {
        metadata.grant_types = grant_types(kind, words.as_deref(), p);
    }
    let links = &mut metadata.links;
    for (member, link, asked) in [
        ("client_uri", &mut links.client_uri, &draft.client_uri),
        ("logo_uri", &mut links.logo_uri, &draft.logo_uri),
        ("policy_uri", &mut links.policy_uri, &draft.policy_uri),
        ("tos_uri", &mut links.tos_uri, &draft.tos_uri),
    ] {
        if let Some(asked) = asked {
            link.clone_from(asked);
            if let Some(url) = asked {
                p.check(member, WebAddress::https(url));
            }
        }
    }
    metadata.keys = keys(metadata.keys, draft, p);
    let flag = |asked: Option<Option<bool>>, now: bool, default: bool| match asked {
        None => now,
        Some(value) => value.unwrap_or(default),
    };
    metadata.require_pkce = flag(draft.require_pkce, metadata.require_pkce, true);
    metadata.require_pushed_authorization_requests = flag(
        draft.require_pushed_authorization_requests,
        metadata.require_pushed_authorization_requests,
        false,
    );
    metadata.dpop_bound_access_tokens = flag(
        draft.dpop_bound_access_tokens,
        metadata.dpop_bound_access_tokens,
        false,
    );
    metadata
}

fn redirect_uris(texts: &[String], problems: &mut Problems) -> Vec<RedirectUri> {
    if texts.len() > REDIRECT_URIS_MAX {
        let sentence = format!("must have at most {REDIRECT_URIS_MAX} addresses");
        problems.add("redirect_uris", sentence);
        return Vec::new();
    }
    let mut uris: Vec<RedirectUri> = Vec::new();
    for (position, text) in texts.iter().enumerate() {
        let member = format!("redirect_uris[{position}]");
        let uri = problems.check(&member, RedirectUri::new(text));
        if let Some(uri) = uri.filter(|uri| !uris.contains(uri)) {
            uris.push(uri);
        }
    }
    uris
}

fn grant_types(
    kind: ClientKind,
    words: Option<&[String]>,
    problems: &mut Problems,
) -> Vec<GrantType> {
    let Some(words) = words else {
        return Vec::new();
    };
    let sentence = match kind {
        ClientKind::Machine => GRANTS_OF_MACHINES,
        ClientKind::App => GRANTS_OF_APPS,
    };
    let mut grants = Vec::new();
    for word in words {
        match GrantType::parse(word) {
            Some(grant) if grants.contains(&grant) => {}
            Some(grant) => grants.push(grant),
            None => problems.add("grant_types", sentence),
        }
    }
    if words.is_empty() && kind == ClientKind::App {
        problems.add("grant_types", "must have at least one, or be left out");
    }
    // What the kind has anyway is not written down, and follows the kind.
    if grants == GrantType::of_kind(kind) {
        grants.clear();
    }
    grants
}

fn keys(
    before: Option<ClientKeys>,
    draft: &AppDraft,
    problems: &mut Problems,
) -> Option<ClientKeys> {
    let (mut set, mut address) = match before {
        Some(ClientKeys::Inline(text)) => (Some(text), None),
        Some(ClientKeys::At(url)) => (None, Some(url)),
        None => (None, None),
    };
    if let Some(asked) = &draft.jwks {
        set = asked
            .as_ref()
            .and_then(|asked| problems.check("jwks", inline(asked)));
    }
    if let Some(asked) = &draft.jwks_uri {
        address.clone_from(asked);
        if let Some(url) = asked {
            // Whether http is taken, for the operator's own networks, is the instance's to say.
            problems.check("jwks_uri", WebAddress::new(url));
        }
    }
    match (set, address) {
        (Some(set), Some(_)) => {
            let sentence = "must not stand beside jwks: keep one and take the other away with null";
            problems.add("jwks_uri", sentence);
            Some(ClientKeys::Inline(set))
        }
        (Some(set), None) => Some(ClientKeys::Inline(set)),
        (None, Some(address)) => Some(ClientKeys::At(address)),
        (None, None) => None,
    }
}

/// What a machine client cannot have.
fn check_kind(
    kind: ClientKind,
    draft: &AppDraft,
    method: Option<ClientAuthMethod>,
    problems: &mut Problems,
) {
    if kind != ClientKind::Machine {
        return;
    }
    let uris = draft.redirect_uris.as_ref().and_then(Option::as_deref);
    let is_link = |link: &Option<Option<String>>| matches!(link, Some(Some(_)));
    for (member, is_set) in [
        ("redirect_uris", uris.is_some_and(|uris| !uris.is_empty())),
        ("public", draft.public == Some(true)),
        ("client_uri", is_link(&draft.client_uri)),
        ("logo_uri", is_link(&draft.logo_uri)),
        ("policy_uri", is_link(&draft.policy_uri)),
        ("tos_uri", is_link(&draft.tos_uri)),
        ("require_pkce", matches!(draft.require_pkce, Some(Some(_)))),
        (
            "require_pushed_authorization_requests",
            draft.require_pushed_authorization_requests == Some(Some(true)),
        ),
    ] {
        if is_set {
            problems.add(member, "is for apps; a machine client has none");
        }
    }
    let grants = draft.grant_types.as_ref().and_then(Option::as_deref);
    let own = GrantType::ClientCredentials.as_str();
    if grants.is_some_and(|grants| grants.iter().any(|grant| grant != own)) {
        problems.add("grant_types", GRANTS_OF_MACHINES);
    }
    if method == Some(ClientAuthMethod::None) && draft.public.is_none() {
        let sentence = "must not be none: a machine client has to prove who it is";
        problems.add("token_endpoint_auth_method", sentence);
    }
}

fn check_keys(client: &ClientDescription, problems: &mut Problems) {
    let method = client.settings.auth_method;
    if method == Some(ClientAuthMethod::PrivateKeyJwt) && client.metadata.keys.is_none() {
        let sentence = "is required where token_endpoint_auth_method is private_key_jwt: the \
             public keys, or jwks_uri for where they are";
        problems.add("jwks", sentence);
    }
    if client.is_public()
        && let Some(keys) = &client.metadata.keys
    {
        let member = match keys {
            ClientKeys::Inline(_) => "jwks",
            ClientKeys::At(_) => "jwks_uri",
        };
        let sentence = "is for clients that prove who they are; a public one signs nothing";
        problems.add(member, sentence);
    }
}

fn check_app(app: &ClientDescription, problems: &mut Problems) {
    let metadata = &app.metadata;
    let grants = metadata.grant_types(ClientKind::App);
    let has = |grant: GrantType| grants.contains(&grant);
    let is_told = problems
        .members()
        .keys()
        .any(|member| member.starts_with("redirect_uris"));
    if has(GrantType::AuthorizationCode) && metadata.redirect_uris.is_empty() && !is_told {
        problems.add(
            "redirect_uris",
            "is required: where browsers are sent with a code, at least one address",
        );
    }
    let is_begun = has(GrantType::AuthorizationCode) || has(GrantType::DeviceCode);
    if has(GrantType::RefreshToken) && !is_begun {
        problems.add(
            "grant_types",
            "must have what a refresh token comes of: authorization_code or \
             urn:ietf:params:oauth:grant-type:device_code",
        );
    }
    if has(GrantType::ClientCredentials) && app.is_public() {
        let sentence = "must not have client_credentials: a public app proves nothing";
        problems.add("grant_types", sentence);
    }
    if app.is_public() {
        if !metadata.require_pkce {
            let sentence = "must be true for a public app: nothing else protects its codes";
            problems.add("require_pkce", sentence);
        }
        return;
    }
    for (position, uri) in metadata.redirect_uris.iter().enumerate() {
        if uri.is_private_use() {
            problems.add(
                format!("redirect_uris[{position}]"),
                "must start with https://: a scheme of its own is for public apps, which run on \
                 the user's machine",
            );
        }
    }
}

#[cfg(test)]
mod tests;
