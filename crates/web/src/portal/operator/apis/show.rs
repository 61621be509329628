//! `/operator/apis/{id}`: one API, its scopes and its routes.

use askama::Template;
use claviger_model::apis::{Api, Unmatched};
use claviger_model::ids::ApiId;
use claviger_model::routes::Route;
use claviger_model::scopes::Scope;
use claviger_service::apis;

use super::{PATH, back, kind_name, lines};
use crate::extract::Id;
use crate::portal::operator::access;
use crate::portal::parts::Pager;
use crate::portal::{Answer, Band, Portal, ROWS, Section, Shell};

/// An API.
#[derive(Template)]
#[template(path = "portal/operator/api.html")]
struct ApiPage {
    frame: Shell,
    back: (String, String),
    done: Option<&'static str>,
    id: ApiId,
    name: String,
    audience: String,
    is_default: bool,
    facts: Vec<(&'static str, String)>,
    scopes: Rows<ScopeRow>,
    routes: Rows<RouteRow>,
    path: String,
}

/// Some of many rows.
struct Rows<T> {
    shown: Vec<T>,
    all: usize,
    pager: Pager,
}

struct ScopeRow {
    name: String,
    description: String,
    words: Vec<&'static str>,
}

struct RouteRow {
    method: String,
    path: String,
    scopes: Vec<String>,
}

/// Shows it.
pub async fn show(portal: Portal, Id(id): Id<ApiId>) -> Answer {
    let access = access(&portal)?;
    let api = apis::show(portal.web.app(), &access, id).await?;
    let path = portal.at(format!("{PATH}/{id}"));
    let page = ApiPage {
        back: back(&portal),
        done: done(portal.query.get("done")),
        id,
        name: api.spec.name.clone(),
        audience: api.spec.audience.clone(),
        is_default: api.is_default,
        facts: facts(&portal, &api),
        scopes: Rows::of(&portal, (&path, "scopes"), &api.spec.scopes, scope_row),
        routes: Rows::of(&portal, (&path, "routes"), &api.spec.routes, route_row),
        path,
        frame: portal.shell(Section::Apis, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

impl<T> Rows<T> {
    /// The rows from the place that the query names; `of` is the page's path and the list's name.
    fn of<S>(portal: &Portal, of: (&str, &str), all: &[S], row: impl Fn(&S) -> T) -> Self {
        let (path, name) = of;
        let from = portal.query.get(name).and_then(|text| text.parse().ok());
        let from = from.unwrap_or(0_usize).min(all.len());
        let to = from.saturating_add(ROWS as usize).min(all.len());
        Self {
            shown: all[from..to].iter().map(row).collect(),
            all: all.len(),
            pager: Pager {
                first: (from > 0).then(|| format!("{path}#{name}")),
                next: (to < all.len()).then(|| format!("{path}?{name}={to}#{name}")),
            },
        }
    }
}

fn done(word: Option<&str>) -> Option<&'static str> {
    match word? {
        "created" => Some("The API was created. Say next which scopes its routes ask for."),
        "saved" => Some("Saved. It holds from the next request on."),
        _ => None,
    }
}

fn facts(portal: &Portal, api: &Api) -> Vec<(&'static str, String)> {
    let spec = &api.spec;
    let kinds = spec.accepts.iter().map(|kind| kind_name(portal, *kind));
    let kinds: Vec<String> = kinds.collect();
    let none = || "none".to_owned();
    let lifetime = if let Some(seconds) = spec.token_lifetime_seconds {
        format!("{seconds} s")
    } else {
        let own = portal.web.app().settings().tokens.lifetime_seconds;
        format!("{own} s, as the instance says")
    };
    let unmatched = match spec.unmatched {
        Unmatched::Refuse => "refused",
        Unmatched::Allow => "allowed with any good credential",
    };
    vec![
        (
            "Live URL",
            spec.live_url
                .as_ref()
                .map_or_else(none, ToString::to_string),
        ),
        (
            "Sandbox URL",
            spec.sandbox_url
                .as_ref()
                .map_or_else(none, ToString::to_string),
        ),
        (
            "Takes",
            if kinds.is_empty() {
                none()
            } else {
                kinds.join(", ")
            },
        ),
        ("Tokens live for", lifetime),
        ("Signed with", spec.signing_algorithm.as_str().to_owned()),
        ("Unmatched requests", unmatched.to_owned()),
    ]
}

fn scope_row(scope: &Scope) -> ScopeRow {
    ScopeRow {
        name: scope.name.to_string(),
        description: scope.description.clone(),
        words: lines::words(scope),
    }
}

fn route_row(route: &Route) -> RouteRow {
    RouteRow {
        method: route.method.clone(),
        path: route.path.to_string(),
        scopes: route.scopes.iter().map(ToString::to_string).collect(),
    }
}
