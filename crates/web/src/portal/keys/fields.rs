//! The fields of a key's form, from what was typed to what the use case takes, and back.

use claviger_model::keys::{ApiKey, KeyDraft, KeyState};
use claviger_model::limits::RateLimit;
use claviger_model::time::{DAY_MILLIS, UnixMillis};
use claviger_model::{Environment, Problems};

use crate::pages::{Fields, dates};
use crate::portal::Portal;
use crate::portal::form::{Choice, Field, Form};
use crate::portal::scopes;
use crate::portal::shell::told;

/// How long a new key lives when nobody says, in days.
const SUGGESTED_DAYS: i64 = 90;

/// What the fields show before anybody typed.
struct Shown {
    name: String,
    description: String,
    scopes: Vec<String>,
    is_active: bool,
    expires_at: String,
    allowed_ips: String,
    rate_limit: Option<RateLimit>,
    rate_ceiling: Option<RateLimit>,
}

/// The fields of a new key; `typed` is what a link or a form that was sent says.
pub(super) fn of_new(form: Form, portal: &Portal, typed: &Fields) -> Form {
    let suggested = portal.web.app().sources().now();
    let suggested = suggested.plus_millis(SUGGESTED_DAYS * DAY_MILLIS);
    let shown = Shown {
        name: String::new(),
        description: String::new(),
        scopes: Vec::new(),
        is_active: true,
        expires_at: dates::machine_day(suggested),
        allowed_ips: String::new(),
        rate_limit: None,
        rate_ceiling: None,
    };
    let environments = Environment::ALL.map(|environment| {
        let choice = Choice::new(
            environment.as_str(),
            told(environment),
            environment == portal.environment,
        );
        choice.hint(match environment {
            Environment::Live => "Reaches your data.",
            Environment::Test => "Reaches test data alone.",
        })
    });
    let environment = Field::radios("environment", "Environment", environments.into());
    fields(form, portal, typed, &shown, Some(environment))
}

/// The fields of a key that is there.
pub(super) fn of_key(form: Form, portal: &Portal, typed: &Fields, key: &ApiKey) -> Form {
    let settings = &key.settings;
    let networks = settings.allowed_ips.iter().map(ToString::to_string);
    let shown = Shown {
        name: settings.name.clone(),
        description: settings.description.clone(),
        scopes: settings.scopes.iter().map(ToString::to_string).collect(),
        is_active: !matches!(key.state, KeyState::Inactive { .. }),
        expires_at: settings.expires_at.map(last_day).unwrap_or_default(),
        allowed_ips: networks.collect::<Vec<_>>().join("\n"),
        rate_limit: settings.rate_limit,
        rate_ceiling: key.rate_ceiling,
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
    let chosen = typed.several("scopes", &shown.scopes);
    let form = form
        .field(
            Field::line("name", "Name", typed.text("name", &shown.name))
                .required()
                .length_max(200)
                .hint("What it is for, such as the program that will hold it."),
        )
        .field(
            Field::line(
                "description",
                "Description",
                typed.text("description", &shown.description),
            )
            .length_max(1_000),
        );
    let form = match environment {
        Some(environment) => form.field(environment),
        None => form,
    };
    let form = form.field(
        scopes::field(portal, "Scope", &chosen)
            .required()
            .hint("Only what it needs. For more than one hold Ctrl, or drag."),
    );
    limits(form, typed, shown)
}

/// The fields that say when, from where and how often a key works.
fn limits(form: Form, typed: &Fields, shown: &Shown) -> Form {
    let is_active = typed.get("active").map_or(shown.is_active, is_yes);
    let (limit, window) = match shown.rate_limit {
        Some(rate) => (rate.limit.to_string(), rate.window_seconds.to_string()),
        None => (String::new(), "60".to_owned()),
    };
    let at_most = match shown.rate_ceiling {
        Some(most) => format!(
            "At most {} in {} seconds: an operator set that.",
            most.limit, most.window_seconds
        ),
        None => "At most so many. Empty: no limit of its own.".to_owned(),
    };
    form.field(Field::yes_or_no("active", "Active", is_active))
        .field(
            Field::of_kind(
                "date",
                "expires_at",
                "Expires",
                typed.text("expires_at", &shown.expires_at),
            )
            .hint("The last day on which it works, in UTC. Without one it never expires."),
        )
        .field(
            Field::lines(
                "allowed_ips",
                "Allowed addresses",
                typed.text("allowed_ips", &shown.allowed_ips),
                3,
            )
            .hint("One address or network a line, such as 203.0.113.0/24. Empty: any."),
        )
        .field(
            Field::of_kind(
                "number",
                "rate_limit",
                "Requests",
                typed.text("rate_limit", &limit),
            )
            .hint(at_most),
        )
        .field(
            Field::of_kind(
                "number",
                "rate_window",
                "In seconds",
                typed.text("rate_window", &window),
            )
            .hint("The span in which they are counted: up to 86,400."),
        )
}

/// What was typed, for the use case; `before` is the key that is edited. What cannot be read at
/// all is a problem already.
pub(super) fn draft(typed: &Fields, before: Option<&ApiKey>) -> Result<KeyDraft, Problems> {
    let mut problems = Problems::default();
    let expires_at = match typed.get("expires_at") {
        None => Some(None),
        Some(text) => expiry(text, before, &mut problems),
    };
    let networks = typed.get("allowed_ips").unwrap_or_default();
    let networks = networks.split(['\n', ',', ' ']).map(str::trim);
    let networks: Vec<String> = networks
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    let rate_limit = match typed.get("rate_limit") {
        None => Some(None),
        Some(limit) => rate(limit, typed.get("rate_window"), &mut problems).map(Some),
    };
    // What an operator only leaves in the form is not what an operator says.
    let rate_was = before.map(|key| key.settings.rate_limit.map(|r| (r.limit, r.window_seconds)));
    let rate_limit = rate_limit.filter(|typed| Some(*typed) != rate_was);
    let draft = KeyDraft {
        name: Some(typed.get("name").unwrap_or_default().to_owned()),
        description: Some(typed.get("description").map(str::to_owned)),
        scopes: Some(typed.all("scopes").map(str::to_owned).collect()),
        active: typed.get("active").map(is_yes),
        expires_at,
        allowed_ips: Some((!networks.is_empty()).then_some(networks)),
        rate_limit,
    };
    problems.into_result().map(|()| draft)
}

fn is_yes(word: &str) -> bool {
    matches!(word, "yes" | "true" | "1" | "on")
}

/// The last day on which a key works that ends at a moment.
fn last_day(end: UnixMillis) -> String {
    dates::machine_day(end.plus_millis(-1))
}

/// When a key ends that works up to and including a day. A day that was not changed changes
/// nothing: the key may end in the middle of it.
fn expiry(text: &str, before: Option<&ApiKey>, problems: &mut Problems) -> Option<Option<i64>> {
    let ends = before.and_then(|key| key.settings.expires_at);
    if ends.is_some_and(|end| last_day(end) == text) {
        return None;
    }
    if let Some(day) = dates::parse_day(text) {
        Some(Some(day.plus_millis(DAY_MILLIS).0))
    } else {
        problems.add("expires_at", "must be a day, such as 2027-02-20");
        None
    }
}

fn rate(limit: &str, window: Option<&str>, problems: &mut Problems) -> Option<(u32, u32)> {
    let limit = limit.parse().ok();
    if limit.is_none() {
        problems.add("rate_limit", "must be a whole number");
    }
    let window = window.and_then(|window| window.parse().ok());
    if window.is_none() {
        problems.add("rate_window", "must be a whole number of seconds");
    }
    limit.zip(window)
}
