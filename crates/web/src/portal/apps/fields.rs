//! The fields of an app's form, from what was typed to what the use cases take, and back.

use claviger_model::Environment;
use claviger_model::clients::{AppDraft, ClientDraft, ClientKind, ClientScopes, ScopesDraft};
use claviger_model::redirect_uris::RedirectUri;
use claviger_service::clients::ClientWithSecrets;

use crate::pages::Fields;
use crate::portal::Portal;
use crate::portal::form::{Choice, Control, Field, Form, Group};
use crate::portal::scopes;
use crate::portal::shell::told;

/// The value of the choice of everything.
const ALL: &str = "all";
/// The value of the choice of an app that keeps no secret.
const PUBLIC: &str = "public";
/// Members with the address of a page, what they are called, and what is good to know.
const LINKS: [(&str, &str, &str); 4] = [
    (
        "client_uri",
        "Home page",
        "Starts with https://, as do the others.",
    ),
    ("logo_uri", "Logo", "The address of an image."),
    (
        "policy_uri",
        "Privacy policy",
        "Users find it where they allow the app to act.",
    ),
    ("tos_uri", "Terms of service", "Likewise."),
];

/// What the fields show before anybody typed.
#[derive(Default)]
struct Shown {
    name: String,
    description: String,
    redirect_uris: String,
    scopes: Vec<String>,
    links: [String; 4],
}

/// The fields of a new app; `typed` is what a link or a form that was sent says.
pub(super) fn of_new(form: Form, portal: &Portal, typed: &Fields) -> Form {
    let is_public = typed.get("client_type") == Some(PUBLIC);
    let kinds = vec![
        Choice::new("confidential", "Confidential", !is_public)
            .hint("Runs on a server, which keeps a Client Secret."),
        Choice::new(PUBLIC, "Public", is_public)
            .hint("Runs in a browser, on a telephone or a desktop, and keeps no secret."),
    ];
    let environments = Environment::ALL.map(|environment| {
        let is_chosen = environment == portal.environment;
        let choice = Choice::new(environment.as_str(), told(environment), is_chosen);
        choice.hint(match environment {
            Environment::Live => "Acts on live data.",
            Environment::Test => "Acts on test data alone.",
        })
    });
    let once = vec![
        Field::radios("client_type", "Type", kinds),
        Field::radios("environment", "Environment", environments.into()),
    ];
    fields(form, portal, typed, &Shown::default(), once)
}

/// The fields of an app that is there.
pub(super) fn of_app(
    form: Form,
    portal: &Portal,
    typed: &Fields,
    found: &ClientWithSecrets,
) -> Form {
    let settings = &found.client.settings;
    let metadata = &found.metadata;
    let addresses = metadata.redirect_uris.iter().map(RedirectUri::as_str);
    let links = &metadata.links;
    let links = [
        &links.client_uri,
        &links.logo_uri,
        &links.policy_uri,
        &links.tos_uri,
    ];
    let shown = Shown {
        name: settings.name.clone(),
        description: settings.description.clone(),
        redirect_uris: addresses.collect::<Vec<_>>().join("\n"),
        scopes: match &settings.scopes {
            ClientScopes::All => vec![ALL.to_owned()],
            ClientScopes::Named(names) => names.iter().map(ToString::to_string).collect(),
        },
        links: links.map(|link| link.clone().unwrap_or_default()),
    };
    fields(form, portal, typed, &shown, Vec::new())
}

fn fields(form: Form, portal: &Portal, typed: &Fields, shown: &Shown, once: Vec<Field>) -> Form {
    let description = typed.text("description", &shown.description);
    let mut form = form
        .field(
            Field::line("name", "Name", typed.text("name", &shown.name))
                .required()
                .length_max(200)
                .hint("Users see it where they allow the app to act."),
        )
        .field(Field::line("description", "Description", description).length_max(1_000));
    for field in once {
        form = form.field(field);
    }
    let addresses = typed.text("redirect_uris", &shown.redirect_uris);
    let chosen = typed.several("scopes", &shown.scopes);
    form = form
        .field(
            Field::lines("redirect_uris", "Redirect URIs", addresses, 3)
                .required()
                .hint(
                    "One a line, letter by letter as the app sends it, such as \
             https://app.example.com/callback. At http://127.0.0.1 the port is free.",
                ),
        )
        .field(resources(portal, &chosen));
    for ((name, label, hint), before) in LINKS.into_iter().zip(&shown.links) {
        let field = Field::of_kind("url", name, label, typed.text(name, before));
        form = form.field(field.hint(hint));
    }
    form
}

fn resources(portal: &Portal, chosen: &[String]) -> Field {
    let is_all = chosen.iter().any(|name| name == ALL);
    let named: Vec<String> = chosen.iter().filter(|name| *name != ALL).cloned().collect();
    let mut field = scopes::field(portal, "Scopes", &named);
    if let Control::Several { groups, .. } = &mut field.control {
        let label = "Everything \u{2013} each scope of each API, those of later too";
        let everything = Group {
            label: "All of them".to_owned(),
            choices: vec![Choice::new(ALL, label, is_all)],
        };
        groups.insert(0, everything);
    }
    field
        .required()
        .hint("What it may ask users for. For more than one hold Ctrl, or drag.")
}

/// What was typed about an app, for the use cases; `is_new` tells whether its type is part of it.
pub(super) fn draft(typed: &Fields, is_new: bool) -> ClientDraft {
    let scopes: Vec<String> = typed.all("scopes").map(str::to_owned).collect();
    let is_all = scopes.iter().any(|name| name == ALL);
    let text = |name: &str| typed.get(name).map(str::to_owned);
    let addresses = typed.get("redirect_uris").unwrap_or_default();
    let addresses = addresses.lines().map(str::trim);
    let addresses = addresses.filter(|line| !line.is_empty()).map(str::to_owned);
    let public = typed.get("client_type") == Some(PUBLIC);
    ClientDraft {
        kind: is_new.then_some(ClientKind::App),
        name: Some(text("name").unwrap_or_default()),
        description: Some(text("description")),
        scopes: Some(if is_all {
            ScopesDraft::All
        } else {
            ScopesDraft::Named(scopes)
        }),
        app: AppDraft {
            public: is_new.then_some(public),
            redirect_uris: Some(Some(addresses.collect())),
            client_uri: Some(text("client_uri")),
            logo_uri: Some(text("logo_uri")),
            policy_uri: Some(text("policy_uri")),
            tos_uri: Some(text("tos_uri")),
            ..AppDraft::default()
        },
        ..ClientDraft::default()
    }
}
