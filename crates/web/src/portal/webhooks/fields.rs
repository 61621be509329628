//! The fields of a webhook's form.

use claviger_model::webhooks::{EVERYTHING, URL_LENGTH_MAX, event_types};

use crate::pages::Fields;
use crate::portal::form::{Choice, Field, Form, Group};

/// The form with the fields; `typed` is what a link or a form that was sent says.
pub(super) fn with(form: Form, typed: &Fields, url: &str, events: &[String]) -> Form {
    let length_max = u16::try_from(URL_LENGTH_MAX).unwrap_or(u16::MAX);
    let url = Field::of_kind("url", "url", "URL", typed.text("url", url));
    let chosen = typed.several("events", events);
    form.field(
        url.required()
            .length_max(length_max)
            .hint("Where events are sent: an https address that everybody can reach."),
    )
    .field(
        Field::several("events", "Events", groups(&chosen))
            .required()
            .hint("What it is told of. For more than one hold Ctrl, or drag."),
    )
}

/// What was typed.
pub(super) fn typed(fields: &Fields) -> (String, Vec<String>) {
    let url = fields.get("url").unwrap_or_default().trim().to_owned();
    (url, fields.all("events").map(str::to_owned).collect())
}

/// The events by what they are about.
fn groups(chosen: &[String]) -> Vec<Group> {
    let choice =
        |value: &str, label: &str| Choice::new(value, label, chosen.iter().any(|one| one == value));
    let mut groups = vec![Group {
        label: "All of them".to_owned(),
        choices: vec![choice(EVERYTHING, "Everything, events of later too")],
    }];
    let mut events: Vec<&str> = event_types().collect();
    events.sort_by_key(|event| event.split('.').next().unwrap_or_default());
    for event in events {
        let noun = event.split('.').next().unwrap_or_default();
        let label = noun.replace('_', " ");
        match groups.last_mut().filter(|group| group.label == label) {
            Some(group) => group.choices.push(choice(event, event)),
            None => groups.push(Group {
                label,
                choices: vec![choice(event, event)],
            }),
        }
    }
    groups
}
