//! Taking the routes of an API out of its OpenAPI document.

use std::sync::Arc;

use claviger_model::apis::{Api, ApiDraft, ApiSpec, ScopeDraft};
use claviger_model::ids::ApiId;
use claviger_model::scopes::{Scope, ScopeName};
use claviger_store::Tx;
use serde_json::Value;

use super::edit::{current, write};
use super::openapi::Document;
use crate::access::OperatorAccess;
use crate::app::{App, Effect};
use crate::error::Error;

/// An API after an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The API.
    pub api: Api,
    /// What the import did.
    pub summary: ImportSummary,
}

/// What an import did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportSummary {
    /// How many routes the API has now; all of them are the document's.
    pub routes: usize,
    /// How many of them ask for no scope.
    pub routes_without_scopes: usize,
    /// The scopes that the API did not offer before.
    pub added_scopes: Vec<ScopeName>,
    /// What every path was put behind: the path of the document's first server, unless the API's
    /// base URL has it already.
    pub base_path: String,
    /// What the document says and routes cannot, in sentences that name the place.
    pub notes: Vec<String>,
}

/// Replaces the routes of an API by those of an OpenAPI 3 document, and adds the scopes that they
/// ask for.
///
/// # Errors
/// Unknown API, stale `expected_version`, a document that cannot be understood: the problems name
/// the places in it. Then nothing was changed.
pub async fn import(
    app: &App,
    access: &OperatorAccess,
    id: ApiId,
    document: &Value,
    expected_version: Option<i64>,
) -> Result<Imported, Error> {
    let document = Arc::new(Document::read(document)?);
    let (app_inside, access) = (app.clone(), access.clone());
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, access, document) = (app_inside.clone(), access.clone(), Arc::clone(&document));
        Box::pin(async move {
            let api = current(tx, id, expected_version).await?;
            let (spec, summary) = merged(&api.spec, &document)?;
            let api = write(&app, &access, tx, &api, spec).await?;
            Ok(Imported { api, summary })
        })
    })
    .await
}

/// The API with the routes of the document.
fn merged(spec: &ApiSpec, document: &Document) -> Result<(ApiSpec, ImportSummary), Error> {
    let urls = [&spec.live_url, &spec.sandbox_url];
    let has_base = urls
        .into_iter()
        .flatten()
        .any(|url| url.path() == document.base_path);
    let base_path = if has_base {
        ""
    } else {
        document.base_path.as_str()
    };
    let routes = document.routes(base_path);
    let offered = |name: &ScopeName| spec.scopes.iter().any(|scope| scope.name == *name);
    let added: Vec<(&ScopeName, &String)> = document
        .scopes
        .iter()
        .filter(|(name, _)| !offered(name))
        .collect();
    let fresh = |(name, description): &(&ScopeName, &String)| ScopeDraft {
        name: name.to_string(),
        description: (*description).clone(),
        ..ScopeDraft::default()
    };
    let scopes = spec.scopes.iter().map(kept).chain(added.iter().map(fresh));
    let summary = ImportSummary {
        routes: routes.len(),
        routes_without_scopes: routes
            .iter()
            .filter(|route| route.scopes.is_empty())
            .count(),
        added_scopes: added.iter().map(|(name, _)| (*name).clone()).collect(),
        base_path: base_path.to_owned(),
        notes: document.notes.clone(),
    };
    let scopes = Some(scopes.collect());
    let draft = ApiDraft {
        scopes,
        routes: Some(routes),
        ..ApiDraft::default()
    };
    Ok((spec.clone().edit(draft)?, summary))
}

/// A scope that the API has already, as it is.
fn kept(scope: &Scope) -> ScopeDraft {
    ScopeDraft {
        name: scope.name.to_string(),
        description: scope.description.clone(),
        sensitive: scope.sensitive,
        implies_all: Some(scope.implies_all),
        environments: Some(scope.environments.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(live_url: Option<&str>) -> ApiSpec {
        let scope = ScopeDraft {
            name: "read:leads".into(),
            description: "Our own words".into(),
            sensitive: true,
            ..ScopeDraft::default()
        };
        ApiSpec::create(ApiDraft {
            name: Some("Leads".into()),
            audience: Some("https://api.acme.test".into()),
            scopes: Some(vec![scope]),
            live_url: Some(live_url.map(str::to_owned)),
            ..ApiDraft::default()
        })
        .expect("valid")
    }

    fn document() -> Document {
        let document = json!({
            "openapi": "3.1.0",
            "servers": [{"url": "https://api.acme.test/v1"}],
            "paths": {
                "/leads": {"get": {"security": [{"oauth": ["read:leads"]}]}},
                "/people": {"get": {"security": [{"oauth": ["read:people"]}]}, "head": {}},
            },
            "components": {"securitySchemes": {"oauth": {"type": "oauth2", "flows": {
                "clientCredentials": {"scopes": {
                    "read:leads": "Theirs", "read:people": "See people"}}}}}},
        });
        Document::read(&document).expect("a document")
    }

    #[test]
    fn routes_are_replaced_and_only_missing_scopes_added() {
        let (merged, summary) = merged(&spec(None), &document()).expect("merges");
        let scopes: Vec<_> = merged
            .scopes
            .iter()
            .map(|s| (s.name.as_str(), s.description.as_str()))
            .collect();
        assert_eq!(
            scopes,
            [
                ("read:leads", "Our own words"),
                ("read:people", "See people")
            ]
        );
        assert!(merged.scopes[0].sensitive && !merged.scopes[1].sensitive);
        let paths: Vec<_> = merged
            .routes
            .iter()
            .map(|route| route.path.as_str())
            .collect();
        assert_eq!(paths, ["/v1/leads", "/v1/people", "/v1/people"]);
        let expected = ImportSummary {
            routes: 3,
            routes_without_scopes: 1,
            added_scopes: vec![ScopeName::new("read:people").expect("scope")],
            base_path: "/v1".to_owned(),
            notes: Vec::new(),
        };
        assert_eq!(summary, expected);
    }

    #[test]
    fn a_base_path_that_the_live_url_has_is_not_put_twice() {
        let spec = spec(Some("https://api.acme.test/v1"));
        let (merged, summary) = merged(&spec, &document()).expect("merges");
        assert_eq!(
            (merged.routes[0].path.as_str(), &*summary.base_path),
            ("/leads", "")
        );
    }
}
