//! `/operator/apis/new` and `/operator/apis/{id}/edit`: what an API is, but for scopes and routes.

use claviger_model::Problems;
use claviger_model::apis::{Api, ApiDraft, SigningAlgorithm, Unmatched};
use claviger_model::credentials::CredentialKind;
use claviger_model::ids::ApiId;
use claviger_service::{Error, apis};

use super::{PATH, back, href, kind_name, own_page};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::{Fields, see_other};
use crate::portal::form::{Choice, Field, Form, FormPage, Group, again};
use crate::portal::once::FORM_ID;
use crate::portal::operator::access;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the form of a new API.
pub async fn ask(portal: Portal) -> Answer {
    access(&portal)?;
    Ok(page_of_new(&portal, &portal.query, None).await?.answer())
}

/// Makes the API.
pub async fn create(submission: Submission) -> Answer {
    let (portal, typed) = (&submission.portal, &submission.fields);
    let access = access(portal)?;
    let created = match draft(typed) {
        Ok(draft) => {
            let key = submission.idempotency_key()?;
            apis::create(portal.web.app(), &access, draft, key.as_ref()).await
        }
        Err(problems) => Err(Error::from(problems)),
    };
    match created {
        Ok(api) => Ok(see_other(
            &portal.at(format!("{PATH}/{}?done=created", api.id)),
        )),
        Err(error) => {
            let page = page_of_new(portal, typed, typed.get(FORM_ID)).await?;
            again(portal, page, error)
        }
    }
}

/// Shows the form with an API.
pub async fn ask_edit(portal: Portal, Id(id): Id<ApiId>) -> Answer {
    let api = apis::show(portal.web.app(), &access(&portal)?, id).await?;
    Ok(page_of(&portal, &portal.query, &api).await?.answer())
}

/// Saves it.
pub async fn save(Id(id): Id<ApiId>, submission: Submission) -> Answer {
    let (portal, typed) = (&submission.portal, &submission.fields);
    let access = access(portal)?;
    let app = portal.web.app();
    let api = apis::show(app, &access, id).await?;
    let saved = match draft(typed) {
        Ok(draft) => apis::edit(app, &access, id, draft, version(typed)).await,
        Err(problems) => Err(Error::from(problems)),
    };
    match saved {
        Ok(_) => Ok(see_other(&portal.at(format!("{PATH}/{id}?done=saved")))),
        Err(error) => again(portal, page_of(portal, typed, &api).await?, error),
    }
}

/// The version of the API that the form was made from.
pub(super) fn version(typed: &Fields) -> Option<i64> {
    typed.get("version").and_then(|text| text.parse().ok())
}

async fn page_of_new(
    portal: &Portal,
    typed: &Fields,
    sent: Option<&str>,
) -> Result<FormPage, Failure> {
    let back = back(portal);
    let form = Form::new(portal, "Create API").creating(portal, sent)?;
    Ok(FormPage {
        frame: portal.shell(Section::Apis, Band::Neither).await?,
        title: "Create API".to_owned(),
        intro: "Scopes and routes come next.".to_owned(),
        form: fields(form, portal, typed, None).cancel(&back.0, "Cancel"),
        back,
    })
}

async fn page_of(portal: &Portal, typed: &Fields, api: &Api) -> Result<FormPage, Failure> {
    let back = own_page(portal, api);
    let save = &portal.web.app().settings().portal.labels.save;
    let version = typed.text("version", &api.version.to_string());
    let form = Form::new(portal, save).field(Field::hidden("version", version));
    Ok(FormPage {
        frame: portal.shell(Section::Apis, Band::Neither).await?,
        title: format!("Edit {}", api.spec.name),
        intro: "It holds from the next request on, on every node.".to_owned(),
        form: fields(form, portal, typed, Some(api)).cancel(href(portal, api.id), "Cancel"),
        back,
    })
}

fn fields(form: Form, portal: &Portal, typed: &Fields, api: Option<&Api>) -> Form {
    let spec = api.map(|api| &api.spec);
    let (name, audience) = spec.map_or(("", ""), |spec| (&*spec.name, &*spec.audience));
    let url = |url: Option<String>| url.unwrap_or_default();
    let live_url = url(spec.and_then(|spec| spec.live_url.as_ref().map(ToString::to_string)));
    let sandbox = url(spec.and_then(|spec| spec.sandbox_url.as_ref().map(ToString::to_string)));
    form.field(
        Field::line("name", "Name", typed.text("name", name))
            .required()
            .length_max(200),
    )
    .field(
        Field::line("audience", "Audience", typed.text("audience", audience))
            .required()
            .length_max(500)
            .hint("Its name in tokens and for gateways, such as https://api.example.com."),
    )
    .field(
        Field::of_kind(
            "url",
            "live_url",
            "Live URL",
            typed.text("live_url", &live_url),
        )
        .hint("Where live data is. Requests to its host are for this API."),
    )
    .field(
        Field::of_kind(
            "url",
            "sandbox_url",
            "Sandbox URL",
            typed.text("sandbox_url", &sandbox),
        )
        .hint("Where test data is."),
    )
    .field(accepts_field(portal, typed, api))
    .field(lifetime_field(portal, typed, api))
    .field(algorithm_field(typed, api))
    .field(unmatched_field(typed, api))
}

fn accepts_field(portal: &Portal, typed: &Fields, api: Option<&Api>) -> Field {
    let before: Vec<String> = match api {
        Some(api) => api
            .spec
            .accepts
            .iter()
            .map(|kind| kind.as_str().to_owned())
            .collect(),
        None => vec!["api_key".to_owned(), "access_token".to_owned()],
    };
    let chosen = typed.several("accepts", &before);
    let choices = CredentialKind::ACCEPTABLE.into_iter().map(|kind| {
        let is_chosen = chosen.iter().any(|word| word == kind.as_str());
        Choice::new(kind.as_str(), kind_name(portal, kind), is_chosen)
    });
    let group = Group {
        label: "Kinds of credential".to_owned(),
        choices: choices.collect(),
    };
    Field::several("accepts", "Takes", vec![group])
        .hint("Anything else is refused with 403. For more than one hold Ctrl, or drag.")
}

fn lifetime_field(portal: &Portal, typed: &Fields, api: Option<&Api>) -> Field {
    let own = portal.web.app().settings().tokens.lifetime_seconds;
    let before = api.and_then(|api| api.spec.token_lifetime_seconds);
    let before = before
        .map(|seconds| seconds.to_string())
        .unwrap_or_default();
    let typed = typed.text("token_lifetime_seconds", &before);
    let label = "Access tokens live for, in seconds";
    Field::of_kind("number", "token_lifetime_seconds", label, typed)
        .hint(format!("Empty: as long as the instance says, {own}."))
}

fn algorithm_field(typed: &Fields, api: Option<&Api>) -> Field {
    let before = api
        .map(|api| api.spec.signing_algorithm)
        .unwrap_or_default();
    let chosen = typed.text("signing_algorithm", before.as_str());
    let choices = SigningAlgorithm::ALL.map(|algorithm| {
        let word = algorithm.as_str();
        Choice::new(word, word, word == chosen)
    });
    Field::radios(
        "signing_algorithm",
        "Its tokens are signed with",
        choices.into(),
    )
}

fn unmatched_field(typed: &Fields, api: Option<&Api>) -> Field {
    let before = api.map(|api| api.spec.unmatched).unwrap_or_default();
    let chosen = typed.text("unmatched", before.as_str());
    let choice = |rule: Unmatched, label: &str, hint: &str| {
        Choice::new(rule.as_str(), label, rule.as_str() == chosen).hint(hint)
    };
    let choices = vec![
        choice(Unmatched::Refuse, "Refuse", "403: nobody forgets a route."),
        choice(Unmatched::Allow, "Allow", "Any good credential will do."),
    ];
    Field::radios("unmatched", "Requests that match no route", choices)
}

fn draft(typed: &Fields) -> Result<ApiDraft, Problems> {
    let own = |name: &str| typed.get(name).map(str::to_owned);
    let lifetime = match typed.get("token_lifetime_seconds") {
        None => None,
        Some(text) => {
            if let Ok(seconds) = text.parse() {
                Some(seconds)
            } else {
                let sentence = "must be a whole number of seconds";
                return Err(Problems::of("token_lifetime_seconds", sentence));
            }
        }
    };
    Ok(ApiDraft {
        name: Some(own("name").unwrap_or_default()),
        audience: Some(own("audience").unwrap_or_default()),
        scopes: None,
        routes: None,
        accepts: Some(typed.all("accepts").map(str::to_owned).collect()),
        token_lifetime_seconds: Some(lifetime),
        signing_algorithm: own("signing_algorithm"),
        live_url: Some(own("live_url")),
        sandbox_url: Some(own("sandbox_url")),
        unmatched: own("unmatched"),
    })
}
