//! The demo APIs: what they offer, and where they are.

use claviger_model::apis::{ApiDraft, RouteDraft, ScopeDraft};

/// The audience of the main API.
pub(super) const AUDIENCE: &str = "https://api.acme.test";
/// Version 1 of old, which takes legacy keys alone.
const OLD_V1: &str = "/old/v1";
/// Version 2 of old, which takes legacy keys and tokens.
const OLD_V2: &str = "/old/v2";

/// What the demo keys hold.
pub(super) const KEY_SCOPES: [&str; 9] = [
    "read:leads",
    "write:leads",
    "read:properties",
    "write:properties",
    "read:people",
    "write:people",
    "read:interviews",
    "write:interviews",
    "read:analytics",
];

/// Each scope with its sentence, and whether to think twice before giving it.
const SCOPES: [(&str, &str, bool); 11] = [
    ("read:leads", "Read lead data", false),
    ("write:leads", "Create/update leads", false),
    ("read:properties", "Read property data", false),
    ("write:properties", "Create/update properties", false),
    ("read:people", "Read people", false),
    ("write:people", "Create/update people", false),
    ("read:interviews", "Read interviews", false),
    ("write:interviews", "Create/update interviews", false),
    ("read:analytics", "Read analytics data", false),
    ("webhooks", "Manage webhooks", false),
    ("admin", "Full administrative access", true),
];

const ROUTES: [(&str, &str, &str); 7] = [
    ("GET", "/v1/leads", "read:leads"),
    ("POST", "/v1/leads", "write:leads"),
    ("GET", "/v1/properties", "read:properties"),
    ("POST", "/v1/properties", "write:properties"),
    ("GET", "/v1/people", "read:people"),
    ("GET", "/v1/interviews", "read:interviews"),
    ("POST", "/v1/interviews", "write:interviews"),
];

/// The APIs, the default one first.
pub(super) fn drafts(public_url: &str) -> [ApiDraft; 3] {
    let main = ApiDraft {
        name: Some("Acme API".to_owned()),
        scopes: Some(SCOPES.iter().map(scope).collect()),
        routes: Some(ROUTES.iter().map(route).collect()),
        ..draft(
            AUDIENCE,
            public_url,
            &["api_key", "legacy_key", "access_token", "session"],
        )
    };
    let old = |name: &str, path: &str, accepts: &[&str]| ApiDraft {
        name: Some(name.to_owned()),
        scopes: Some(vec![scope(&SCOPES[4])]),
        routes: Some(vec![route(&("GET", "/people", "read:people"))]),
        ..draft(&format!("{AUDIENCE}{path}"), public_url, accepts)
    };
    [
        main,
        old("Acme API, old version 1", OLD_V1, &["legacy_key"]),
        old(
            "Acme API, old version 2",
            OLD_V2,
            &["legacy_key", "access_token"],
        ),
    ]
}

/// The live and the sandbox URL of the demo API with this audience; none for another API.
pub(super) fn urls(audience: &str, public_url: &str) -> Option<(String, String)> {
    let path = audience.strip_prefix(AUDIENCE)?;
    let is_ours = ["", OLD_V1, OLD_V2].contains(&path);
    is_ours.then(|| {
        (
            format!("{public_url}/demo{path}"),
            format!("{public_url}/sandbox{path}"),
        )
    })
}

/// Path below `/demo` and `/sandbox`, and the API's audience; the longest path first.
pub(super) fn paths() -> Vec<(String, String)> {
    let path = |path: &str| (path.to_owned(), format!("{AUDIENCE}{path}"));
    [OLD_V1, OLD_V2, ""].map(path).to_vec()
}

fn draft(audience: &str, public_url: &str, accepts: &[&str]) -> ApiDraft {
    let (live_url, sandbox_url) = urls(audience, public_url).unzip();
    ApiDraft {
        audience: Some(audience.to_owned()),
        accepts: Some(accepts.iter().map(ToString::to_string).collect()),
        live_url: Some(live_url),
        sandbox_url: Some(sandbox_url),
        ..ApiDraft::default()
    }
}

fn scope((name, description, sensitive): &(&str, &str, bool)) -> ScopeDraft {
    ScopeDraft {
        name: (*name).to_owned(),
        description: (*description).to_owned(),
        sensitive: *sensitive,
        ..ScopeDraft::default()
    }
}

fn route((method, path, scope): &(&str, &str, &str)) -> RouteDraft {
    RouteDraft {
        method: (*method).to_owned(),
        path: (*path).to_owned(),
        scopes: vec![(*scope).to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use claviger_model::apis::ApiSpec;

    #[test]
    fn every_demo_api_is_acceptable_and_found_by_its_path() {
        for draft in drafts("http://127.0.0.1:8080") {
            let spec = ApiSpec::create(draft).unwrap();
            assert!(
                paths()
                    .iter()
                    .any(|(_, audience)| *audience == spec.audience)
            );
            assert!(spec.live_url.is_some() && spec.sandbox_url.is_some());
        }
        assert_eq!(
            urls("https://api.acme.test/other", "http://127.0.0.1:1"),
            None
        );
    }

    #[test]
    fn the_keys_hold_scopes_that_exist_and_neither_webhooks_nor_admin() {
        let offered = SCOPES.map(|(name, ..)| name);
        assert!(KEY_SCOPES.iter().all(|name| offered.contains(name)));
        assert!(!KEY_SCOPES.contains(&"webhooks") && !KEY_SCOPES.contains(&"admin"));
    }
}
