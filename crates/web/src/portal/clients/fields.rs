//! The fields of a client's form, from what was typed to what the use cases take, and back.

use claviger_model::clients::{
    Client, ClientCeilings, ClientDraft, ClientKind, ClientScopes, ClientSettings, QuotaMode,
    ScopesDraft,
};
use claviger_model::credentials::CredentialKind;
use claviger_model::time::DAY_MILLIS;
use claviger_model::{Environment, Problems};
use claviger_service::clients;

use crate::pages::{Fields, dates};
use crate::portal::Portal;
use crate::portal::form::{Choice, Control, Field, Form, Group};
use crate::portal::scopes;
use crate::portal::shell::told;

/// The value of the choice of everything.
const ALL: &str = "all";

/// What the fields show before anybody typed.
#[derive(Default)]
struct Shown {
    name: String,
    description: String,
    scopes: Vec<String>,
    audience: String,
    lifetime: String,
    quota: String,
    quota_mode: &'static str,
    ceilings: ClientCeilings,
}

/// What was typed.
pub(super) struct Typed {
    /// The client.
    pub draft: ClientDraft,
    /// The audience of the only API that it may ask tokens for; the inner `None` is any.
    pub audience: Option<Option<String>>,
}

/// The fields of a new client; `typed` is what a link or a form that was sent says.
pub(super) fn of_new(form: Form, portal: &Portal, typed: &Fields) -> Form {
    let environments = Environment::ALL.map(|environment| {
        let is_chosen = environment == portal.environment;
        let choice = Choice::new(environment.as_str(), told(environment), is_chosen);
        choice.hint(match environment {
            Environment::Live => "Its tokens reach your data.",
            Environment::Test => "Its tokens reach test data alone.",
        })
    });
    let environment = Field::radios("environment", "Environment", environments.into());
    fields(form, portal, typed, &Shown::default(), Some(environment))
}

/// The fields of a client that is there.
pub(super) fn of_client(form: Form, portal: &Portal, typed: &Fields, client: &Client) -> Form {
    let settings = &client.settings;
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let shown = Shown {
        name: settings.name.clone(),
        description: settings.description.clone(),
        scopes: match &settings.scopes {
            ClientScopes::All => vec![ALL.to_owned()],
            ClientScopes::Named(names) => names.iter().map(ToString::to_string).collect(),
        },
        audience: clients::audience_of(portal.web.app(), client).unwrap_or_default(),
        lifetime: number(settings.token_lifetime_seconds),
        quota: number(settings.tokens_per_day),
        quota_mode: settings.quota_mode.map_or("", QuotaMode::as_str),
        ceilings: client.ceilings,
    };
    fields(form, portal, typed, &shown, None)
}

fn fields(
    form: Form,
    portal: &Portal,
    typed: &Fields,
    shown: &Shown,
    environment: Option<Field>,
) -> Form {
    let name = Field::line("name", "Name", typed.text("name", &shown.name));
    let description = typed.text("description", &shown.description);
    let description = Field::line("description", "Description", description);
    let form = form
        .field(
            name.required()
                .length_max(200)
                .hint("What it is for, such as the program that will hold it."),
        )
        .field(description.length_max(1_000));
    let form = match environment {
        Some(environment) => form.field(environment),
        None => form,
    };
    let chosen = typed.several("scopes", &shown.scopes);
    form.field(resources(portal, &chosen))
        .field(api(portal, &typed.text("audience", &shown.audience)))
        .field(lifetime(portal, typed, shown))
        .field(quota(portal, typed, shown))
        .field(quota_mode(portal, typed, shown))
}

fn resources(portal: &Portal, chosen: &[String]) -> Field {
    let is_all = chosen.iter().any(|name| name == ALL);
    let named: Vec<String> = chosen.iter().filter(|name| *name != ALL).cloned().collect();
    let mut field = scopes::field(portal, "Resources", &named);
    if let Control::Several { groups, .. } = &mut field.control {
        let label = "Everything \u{2013} each resource of each API, those of later too";
        let everything = Group {
            label: "All of them".to_owned(),
            choices: vec![Choice::new(ALL, label, is_all)],
        };
        groups.insert(0, everything);
    }
    field
        .required()
        .hint("What is not chosen is refused. For more than one hold Ctrl, or drag.")
}

fn api(portal: &Portal, chosen: &str) -> Field {
    let index = portal.web.app().verifier().index();
    let mut choices = vec![Choice::new(
        "",
        "Each on which it has resources",
        chosen.is_empty(),
    )];
    for api in index.apis().all() {
        if api.accepts(CredentialKind::AccessToken) {
            let label = format!("{} \u{2013} {}", api.name, api.audience);
            choices.push(Choice::new(&*api.audience, label, *api.audience == *chosen));
        }
    }
    Field::pick("audience", "API", choices).hint("For which API it may ask tokens.")
}

fn lifetime(portal: &Portal, typed: &Fields, shown: &Shown) -> Field {
    let seconds = portal.web.app().settings().tokens.lifetime_seconds;
    let hint = match shown.ceilings.token_lifetime_seconds {
        Some(most) => format!("In seconds, at most {most}: an operator set that."),
        None => format!(
            "In seconds. Empty: as long as the API says, or {seconds}. Longer than that only an \
             operator can make it."
        ),
    };
    let value = typed.text("token_lifetime_seconds", &shown.lifetime);
    let label = "Lifetime of a token";
    Field::of_kind("number", "token_lifetime_seconds", label, value).hint(hint)
}

fn quota(portal: &Portal, typed: &Fields, shown: &Shown) -> Field {
    let of_all = portal.web.app().settings().tokens.per_day;
    let hint = match (shown.ceilings.tokens_per_day, of_all) {
        (Some(most), _) => format!("In a day in UTC, at most {most}: an operator set that."),
        (None, Some(limit)) => format!("In a day in UTC. Empty: {limit}, as for every other."),
        (None, None) => "In a day in UTC. Empty: no limit.".to_owned(),
    };
    let value = typed.text("tokens_per_day", &shown.quota);
    Field::of_kind("number", "tokens_per_day", "Tokens a day", value).hint(hint)
}

fn quota_mode(portal: &Portal, typed: &Fields, shown: &Shown) -> Field {
    let chosen = typed.text("quota_mode", shown.quota_mode);
    let instance = match portal.web.app().settings().tokens.quota_mode {
        QuotaMode::Enforce => "As for every other: they are refused",
        QuotaMode::Observe => "As for every other: they are counted",
    };
    let mut choices = vec![
        Choice::new("", instance, chosen.is_empty()),
        Choice::new("enforce", "They are refused", chosen == "enforce"),
    ];
    // Only an operator may loosen it; what is set already stays to be chosen.
    let is_allowed = shown.ceilings.quota_mode == Some(QuotaMode::Observe);
    if portal.session.user().is_operator || is_allowed || chosen == "observe" {
        let observe = Choice::new("observe", "They are counted", chosen == "observe");
        choices.push(observe);
    }
    Field::pick("quota_mode", "Tokens beyond that", choices)
}

/// What was typed, for the use cases. What cannot be read at all is a problem already.
pub(super) fn draft(typed: &Fields) -> Result<Typed, Problems> {
    let mut problems = Problems::default();
    let mut number = |name: &'static str| {
        let text = typed.get(name)?;
        let read: Result<u32, _> = text.trim().parse();
        problems.check(name, read.map_err(|_| "must be a whole number"))
    };
    let token_lifetime_seconds = number("token_lifetime_seconds");
    let tokens_per_day = number("tokens_per_day");
    problems.into_result()?;
    let scopes: Vec<String> = typed.all("scopes").map(str::to_owned).collect();
    let is_all = scopes.iter().any(|name| name == ALL);
    let text = |name: &'static str| typed.get(name).map(str::to_owned);
    Ok(Typed {
        draft: ClientDraft {
            kind: Some(ClientKind::Machine),
            name: Some(text("name").unwrap_or_default()),
            description: Some(text("description")),
            scopes: Some(if is_all {
                ScopesDraft::All
            } else {
                ScopesDraft::Named(scopes)
            }),
            token_lifetime_seconds: Some(token_lifetime_seconds),
            tokens_per_day: Some(tokens_per_day),
            quota_mode: Some(text("quota_mode")),
            ..ClientDraft::default()
        },
        audience: Some(text("audience")),
    })
}

/// The same without what stays as it is: what an operator only leaves in a form is not what an
/// operator says.
pub(super) fn changes(draft: ClientDraft, before: &ClientSettings) -> ClientDraft {
    let lifetime = Some(before.token_lifetime_seconds);
    let quota = Some(before.tokens_per_day);
    let mode = Some(before.quota_mode.map(|mode| mode.as_str().to_owned()));
    ClientDraft {
        kind: None,
        token_lifetime_seconds: draft
            .token_lifetime_seconds
            .filter(|typed| Some(*typed) != lifetime),
        tokens_per_day: draft.tokens_per_day.filter(|typed| Some(*typed) != quota),
        quota_mode: draft
            .quota_mode
            .clone()
            .filter(|_| draft.quota_mode != mode),
        ..draft
    }
}

/// The end of the last day on which something works, in Unix milliseconds; none when none was
/// typed.
pub(super) fn last_day(typed: &Fields, name: &'static str) -> Result<Option<i64>, Problems> {
    let Some(text) = typed.get(name) else {
        return Ok(None);
    };
    let day = dates::parse_day(text);
    let day = day.ok_or_else(|| Problems::of(name, "must be a day, such as 2027-02-20"))?;
    Ok(Some(day.plus_millis(DAY_MILLIS).0))
}
