//! What a token is for: `audience`, and `resource` of RFC 8707. Both name the same things and go
//! through one list of what is allowed.

use std::sync::Arc;

use claviger_model::Environment;
use claviger_model::apis::BaseUrl;
use claviger_model::management::ManagementScope;
use claviger_model::scopes::ScopeName;
use claviger_verify::apis::{ApiEntry, Apis};
use claviger_verify::entries::{ClientEntry, Grant};

use super::{ErrorCode, Refusal, TokenRequest};
use crate::app::App;

/// How many APIs a sentence names, and how much it shows of what somebody sent.
const SHOWN_MAX: usize = 10;
const SHOWN_LENGTH_MAX: usize = 200;

/// What a token is for.
#[derive(Debug)]
pub(super) enum Target {
    /// These APIs, at least one.
    Apis(Vec<Arc<ApiEntry>>),
    /// The issuer itself: the management routes.
    Issuer,
}

/// What `client` asks a token for: what it names, or each API on which it holds scopes.
pub(super) fn of(
    app: &App,
    client: &ClientEntry,
    request: &TokenRequest<'_>,
) -> Result<Target, Refusal> {
    let index = app.verifier().index();
    let allowed = Allowed {
        issuer: &app.settings().public_url,
        management: app.settings().management_enabled && may_manage(client),
        apis: &index.apis(),
        client,
    };
    let named = named(request)?;
    if named.is_empty() {
        return allowed.unnamed();
    }
    if named.iter().any(|name| allowed.is_issuer(name)) {
        return allowed.only_issuer(&named);
    }
    let mut apis: Vec<Arc<ApiEntry>> = Vec::with_capacity(named.len());
    for name in named {
        let api = allowed.find(name).ok_or_else(|| allowed.refuse(name))?;
        if !apis.iter().any(|known| known.id == api.id) {
            apis.push(Arc::clone(api));
        }
    }
    Ok(Target::Apis(apis))
}

/// The names of what a token is to be for, as they are sent.
pub(super) fn named<'a>(request: &TokenRequest<'a>) -> Result<Vec<&'a str>, Refusal> {
    if !request.resources.iter().copied().all(is_absolute) {
        let told = "A resource has to be an absolute URI without fragment.";
        return Err(Refusal::because(ErrorCode::InvalidTarget, told));
    }
    let resources = request.resources.iter().copied();
    Ok(request.audience.into_iter().chain(resources).collect())
}

/// Whether `name` means this API: by its audience or by one of its base URLs.
pub(super) fn is_called(api: &ApiEntry, name: &str) -> bool {
    let url = || BaseUrl::new(name).ok();
    let mut own = [&api.live_url, &api.sandbox_url].into_iter().flatten();
    *api.audience == *name || url().is_some_and(|url| own.any(|own| *own == url))
}

/// As much of a name as a sentence shows.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(SHOWN_LENGTH_MAX).collect()
}

/// The management scopes that a client holds.
pub(super) fn management_scopes(client: &ClientEntry) -> impl Iterator<Item = ManagementScope> {
    ManagementScope::ALL
        .into_iter()
        .filter(|scope| match &client.grant {
            Grant::All => true,
            Grant::Named(set) => set.names.iter().any(|name| is(name, *scope)),
            Grant::Patterns(_) => false,
        })
}

/// Whether a client may come to an API: it holds a scope there, or may do everything.
pub(super) fn reaches(client: &ClientEntry, api: &ApiEntry) -> bool {
    if client.api_id.is_some_and(|only| only != api.id) {
        return false;
    }
    let may_hand_on = |name: &ScopeName| client.grant.may_hand_on(name, api, client.environment);
    matches!(client.grant, Grant::All) || api.scopes.iter().any(|scope| may_hand_on(&scope.name))
}

fn is(name: &ScopeName, scope: ManagementScope) -> bool {
    name.as_str() == scope.as_str()
}

/// Credentials for live data can be made with a token for the issuer, so no test client gets one.
fn may_manage(client: &ClientEntry) -> bool {
    client.environment == Environment::Live
        && client.api_id.is_none()
        && management_scopes(client).next().is_some()
}

/// What a client may ask tokens for.
struct Allowed<'a> {
    issuer: &'a str,
    management: bool,
    apis: &'a Apis,
    client: &'a ClientEntry,
}

impl Allowed<'_> {
    fn unnamed(&self) -> Result<Target, Refusal> {
        let apis: Vec<_> = self.reachable().cloned().collect();
        if !apis.is_empty() {
            return Ok(Target::Apis(apis));
        }
        if self.management {
            return Ok(Target::Issuer);
        }
        Err(Refusal::because(
            ErrorCode::UnauthorizedClient,
            "This client holds no scope of any API, so there is no token for it. Give it scopes.",
        ))
    }

    fn only_issuer(&self, named: &[&str]) -> Result<Target, Refusal> {
        if !self.management {
            return Err(self.refuse(self.issuer));
        }
        if !named.iter().all(|name| self.is_issuer(name)) {
            return Err(Refusal::because(
                ErrorCode::InvalidTarget,
                "A token for the issuer itself is for nothing else. Ask for another token for \
                 the API.",
            ));
        }
        Ok(Target::Issuer)
    }

    fn is_issuer(&self, name: &str) -> bool {
        name.strip_suffix('/').unwrap_or(name) == self.issuer
    }

    /// The API that a name means: by its audience or by one of its base URLs.
    fn find(&self, name: &str) -> Option<&Arc<ApiEntry>> {
        let named = self.apis.by_audience(name);
        named
            .or_else(|| self.apis.by_base_url(name))
            .filter(|api| self.reaches(api))
    }

    fn reachable(&self) -> impl Iterator<Item = &Arc<ApiEntry>> {
        self.apis.all().iter().filter(|api| self.reaches(api))
    }

    fn reaches(&self, api: &ApiEntry) -> bool {
        *api.audience != *self.issuer && reaches(self.client, api)
    }

    fn refuse(&self, name: &str) -> Refusal {
        let apis = self.reachable().map(|api| &*api.audience);
        let names: Vec<&str> = apis
            .chain(self.management.then_some(self.issuer))
            .take(SHOWN_MAX)
            .collect();
        let name = shown(name);
        let told = match names.as_slice() {
            [] => format!("{name} is not an API that this client may have tokens for."),
            names => format!(
                "{name} is not an API that this client may have tokens for. It may name {}.",
                names.join(", ")
            ),
        };
        Refusal::because(ErrorCode::InvalidTarget, told)
    }
}

/// Whether a resource is an absolute URI without fragment (RFC 8707 section 2).
fn is_absolute(resource: &str) -> bool {
    let Some((scheme, rest)) = resource.split_once(':') else {
        return false;
    };
    let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(in_scheme)
        && !rest.is_empty()
        && !resource.contains('#')
}

#[cfg(test)]
mod tests {
    use super::is_absolute;

    #[test]
    fn a_resource_is_an_absolute_uri_without_fragment() {
        for good in ["https://api.acme.test", "urn:acme:api", "https://a/b?c=d"] {
            assert!(is_absolute(good), "{good}");
        }
        for bad in [
            "",
            "/v1/leads",
            "api",
            "https://a#b",
            "https:",
            "1a:b",
            "a b:c",
        ] {
            assert!(!is_absolute(bad), "{bad}");
        }
    }
}
