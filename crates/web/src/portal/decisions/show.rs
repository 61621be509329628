//! `/decisions/{request_id}`: why one request was refused, or allowed.

use askama::Template;
use axum::response::IntoResponse;
use claviger_model::Reason;
use claviger_model::clients::ClientKind;
use claviger_model::ids::{ClientId, KeyId, RequestId};
use claviger_service::decisions::{self, Trace, TracedCheck};
use claviger_service::{Caller, clients, keys};
use http::StatusCode;

use super::list::request;
use super::{PATH, kind, of_credential, outcome};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::Page;
use crate::portal::links::with_query;
use crate::portal::parts::{Status, When};
use crate::portal::shell::told;
use crate::portal::{Answer, Band, Portal, Section, Shell};

/// One decision.
#[derive(Template)]
#[template(path = "portal/decision.html")]
struct DecisionPage {
    frame: Shell,
    back: String,
    title: String,
    request_id: RequestId,
    outcome: Status,
    word: String,
    message: String,
    remedy: Option<&'static str>,
    /// What can be done about it here, and what that is called.
    mend: Option<(String, String)>,
    credential: Option<UsedCredential>,
    when: When,
    environment: &'static str,
    api: Option<String>,
    ip: Option<String>,
    held: Vec<String>,
    required: Vec<String>,
    missing: Vec<String>,
    expires: Option<When>,
    checks: Vec<TracedCheck>,
}

/// The credential that a request was made with.
struct UsedCredential {
    name: String,
    kind: String,
    id: String,
    for_user: Option<String>,
    /// Its own page, for those who may look at it.
    page: Option<String>,
    decisions: String,
}

/// Nothing was decided in that request, as far as is known.
#[derive(Template)]
#[template(path = "portal/decision_unknown.html")]
struct UnknownPage {
    frame: Shell,
    back: String,
    request_id: RequestId,
    kept_days: u32,
    /// What was wrong with it, if it was an authorization request: when, what, and its app's page.
    failed: Option<(When, String, String)>,
}

/// What somebody may look at and change of the credential of a decision.
struct Mending {
    page: String,
    link: Option<(String, String)>,
}

/// Shows the decision.
pub async fn show(portal: Portal, Id(id): Id<RequestId>) -> Answer {
    let access = portal.allowed(Caller::evidence).await?;
    let app = portal.web.app();
    let found = match decisions::find(app, &access, id).await {
        Err(error) if error.reason() == Reason::NotFound => return unknown(&portal, id).await,
        found => found?,
    };
    let trace = Trace::read(found)?;
    let now = app.sources().now();
    let mending = mending(&portal, &trace).await?;
    let (own_page, mend) = match mending {
        Some(mending) => (Some(mending.page), mending.link),
        None => (None, None),
    };
    let credential = trace.credential.as_ref().map(|credential| UsedCredential {
        name: credential.name.clone(),
        kind: kind(credential).to_owned(),
        id: credential.id.clone(),
        for_user: credential.user_id.clone(),
        page: own_page,
        decisions: of_credential(&portal, &credential.id),
    });
    let page = DecisionPage {
        back: portal.href(PATH),
        title: request(&trace),
        request_id: id,
        outcome: outcome(&trace),
        message: trace.message.clone(),
        remedy: trace.remedy,
        mend,
        credential,
        when: When::of(trace.at, now),
        environment: trace.environment.map_or("", told),
        expires: trace.expires_at.map(|end| When::of(end, now)),
        word: trace.word,
        api: trace.api,
        ip: trace.ip,
        held: trace.held_scopes,
        required: trace.required_scopes,
        missing: trace.missing_scopes,
        checks: trace.checks,
        frame: portal.shell(Section::Decisions, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

/// Says what else the request was, or for how long decisions are kept.
async fn unknown(portal: &Portal, id: RequestId) -> Answer {
    let access = portal.allowed(Caller::evidence).await?;
    let app = portal.web.app();
    let failure = match clients::failure_of_request(app, &access, id).await {
        Err(error) if error.reason() == Reason::NotFound => None,
        failure => Some(failure?),
    };
    let now = app.sources().now();
    let status = match failure {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    };
    let page = UnknownPage {
        back: portal.href(PATH),
        request_id: id,
        kept_days: app.settings().decisions_days,
        failed: failure.map(|failure| {
            let page = portal.href(format!("/apps/{}", failure.client_id));
            (When::of(failure.at, now), failure.told, page)
        }),
        frame: portal.shell(Section::Decisions, Band::Neither).await?,
    };
    Ok(Page::new(page).status(status).into_response())
}

/// The page of the credential and what can be changed there, for those who may look at it.
async fn mending(portal: &Portal, trace: &Trace) -> Result<Option<Mending>, Failure> {
    let Some(credential) = &trace.credential else {
        return Ok(None);
    };
    if let Ok(id) = credential.id.parse::<KeyId>() {
        let Ok(access) = portal.caller().key_reading() else {
            return Ok(None);
        };
        // A key that is gone has no page.
        let Ok(found) = keys::show(portal.web.app(), &access, id).await else {
            return Ok(None);
        };
        let page = portal.href(format!("/keys/{id}"));
        let held = found.key.settings.scopes.iter().map(ToString::to_string);
        return Ok(Some(Mending {
            link: mend(trace, &page, held.collect()),
            page,
        }));
    }
    if let Ok(id) = credential.id.parse::<ClientId>() {
        let Ok(access) = portal.caller().client_reading() else {
            return Ok(None);
        };
        let Ok(found) = clients::show(portal.web.app(), &access, id).await else {
            return Ok(None);
        };
        let noun = match found.client.kind {
            ClientKind::App => "apps",
            ClientKind::Machine => "clients",
        };
        let page = portal.href(format!("/{noun}/{id}"));
        let link = (trace.reason == Some(Reason::InsufficientScope)).then(|| {
            let edit = portal.href(format!("/{noun}/{id}/edit"));
            (edit, "Change its scopes".to_owned())
        });
        return Ok(Some(Mending { page, link }));
    }
    Ok(None)
}

/// Where a key can be changed so that it would not be refused again, and what the link is called.
fn mend(trace: &Trace, page: &str, mut held: Vec<String>) -> Option<(String, String)> {
    let lead = |label: &str| Some((page.to_owned(), label.to_owned()));
    match trace.reason? {
        Reason::InsufficientScope => {
            let missing = trace.missing_scopes.iter();
            let lacking: Vec<&String> = missing.filter(|scope| !held.contains(scope)).collect();
            if lacking.is_empty() {
                return lead("It holds them now: look at it");
            }
            let names: Vec<&str> = lacking.iter().map(|scope| scope.as_str()).collect();
            let label = format!("Add {}", names.join(", "));
            let lacking: Vec<String> = lacking.into_iter().cloned().collect();
            held.extend(lacking);
            let scopes = held.into_iter().map(|scope| ("scopes", Some(scope)));
            Some((with_query(page, &scopes.collect::<Vec<_>>()), label))
        }
        Reason::Inactive => lead("Make it active"),
        Reason::Expired => lead("Change when it expires"),
        Reason::IpNotAllowed => lead("Change its allowed addresses"),
        Reason::RateLimited => lead("Change its limit"),
        _ => None,
    }
}
