//! What the clients of a storm did, and what they were told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::site::Call;
use crate::http::Answer;

/// What a change is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Key,
    Client,
}

/// A change that a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    CreateKey,
    SwitchOff,
    SwitchOn,
    Narrow,
    Widen,
    Revoke,
    CreateClient,
    /// A new secret; older ones, with all tokens, end.
    Rotate,
    EndTokens,
    DeleteClient,
    /// A token of a client: no change, and nothing in the audit log.
    Issue,
}

/// What a secret text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Key,
    Secret,
    Token,
}

/// A text that somebody holds.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) form: Form,
    pub(super) text: String,
    /// Whether it alone was ended.
    pub(super) is_over: bool,
}

/// A key or client as its owner knows it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that go with each other in every way"
)]
#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) is_active: bool,
    pub(super) is_wide: bool,
    pub(super) has_ended: bool,
    pub(super) held: Vec<Held>,
    /// Whether a change of it is on its way.
    pub(super) is_busy: bool,
    /// How many changes of it were begun or answered.
    pub(super) generation: u64,
}

/// What has to come of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    Allowed,
    /// Refused, for this reason where it is certain.
    Refused(Option<&'static str>),
}

/// A change on its way.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) operation: Operation,
    /// Which thing; none that is made only now.
    pub(super) thing: Option<usize>,
    /// A name that no other change has: of what is made, and the `Idempotency-Key`.
    pub(super) name: String,
}

/// A change that was acknowledged: what the audit log has to have.
#[derive(Clone, Debug)]
pub(super) struct Acknowledged {
    pub(super) operation: Operation,
    pub(super) request_id: String,
    pub(super) target: String,
}

/// The history of a storm, over all starts of the server.
#[derive(Default)]
pub(super) struct History {
    pub(super) things: Vec<Thing>,
    /// Of whose end nobody was told.
    pub(super) unknown: Vec<Begun>,
    /// All that has to stand in the audit log.
    pub(super) acknowledged: Vec<Acknowledged>,
    /// Changes that were answered with 2xx.
    pub(super) count_acknowledged: u64,
    /// Changes of whose end nobody was told.
    pub(super) count_unknown: u64,
    /// Requests that were decided meanwhile.
    pub(super) count_decided: u64,
    /// Decisions that were not made.
    pub(super) count_undecided: u64,
    /// What was against the laws.
    pub(super) violations: Vec<String>,
}

/// The history as everybody writes to it.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<History>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, History> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operation {
    /// What the audit log calls it; none of what is not in it.
    pub(super) fn action(self) -> Option<&'static str> {
        match self {
            Self::CreateKey => Some("key.created"),
            Self::SwitchOff | Self::SwitchOn | Self::Narrow | Self::Widen => Some("key.changed"),
            Self::Revoke => Some("key.revoked"),
            Self::CreateClient => Some("client.created"),
            Self::Rotate => Some("client.rotation_started"),
            Self::EndTokens => Some("token.all_ended"),
            Self::DeleteClient => Some("client.deleted"),
            Self::Issue => None,
        }
    }

    /// Whether its answer shows a secret, so that it is sent again until it is answered.
    pub(super) fn shows_secret(self) -> bool {
        matches!(self, Self::CreateKey | Self::CreateClient | Self::Rotate)
    }
}

impl Begun {
    /// The request, for the thing with this id.
    pub(super) fn call(&self, id: &str) -> Call {
        let name = &self.name;
        let (method, path, body) = match self.operation {
            Operation::CreateKey => {
                let body = json!({"name": name, "scopes": ["read:leads", "read:people"]});
                ("POST", "/api/keys".to_owned(), Some(body))
            }
            Operation::SwitchOff => patch(id, json!({"active": false})),
            Operation::SwitchOn => patch(id, json!({"active": true})),
            Operation::Narrow => patch(id, json!({"scopes": ["read:people"]})),
            Operation::Widen => patch(id, json!({"scopes": ["read:leads", "read:people"]})),
            Operation::Revoke => ("DELETE", format!("/api/keys/{id}"), None),
            Operation::CreateClient => {
                let body = json!({"name": name, "kind": "machine", "scopes": ["read:leads"]});
                ("POST", "/v1/clients".to_owned(), Some(body))
            }
            Operation::Rotate => {
                let body = json!({"old_ends": "now"});
                ("POST", format!("/v1/clients/{id}/rotations"), Some(body))
            }
            Operation::EndTokens => {
                let path = format!("/v1/clients/{id}/revoke-tokens");
                ("POST", path, Some(json!({})))
            }
            Operation::DeleteClient => ("DELETE", format!("/v1/clients/{id}"), None),
            Operation::Issue => unreachable!("a token is asked for in another way"),
        };
        let repeatable = self.operation.shows_secret().then(|| name.clone());
        Call {
            method,
            path,
            body,
            repeatable,
        }
    }
}

fn patch(id: &str, change: Value) -> (&'static str, String, Option<Value>) {
    ("PATCH", format!("/api/keys/{id}"), Some(change))
}

impl Thing {
    fn new(kind: Kind, id: &str) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            is_active: true,
            is_wide: true,
            has_ended: false,
            held: Vec::new(),
            is_busy: false,
            generation: 0,
        }
    }

    fn hold(&mut self, form: Form, text: &str) {
        self.held.push(Held {
            form,
            text: text.to_owned(),
            is_over: false,
        });
    }

    fn end(&mut self, forms: &[Form]) {
        let ended = self.held.iter_mut();
        for held in ended.filter(|held| forms.contains(&held.form)) {
            held.is_over = true;
        }
    }

    /// What has to come of a text that belongs to it.
    pub(super) fn expected(&self, held: &Held) -> Expected {
        match self.kind {
            Kind::Client if self.has_ended || held.is_over => Expected::Refused(None),
            Kind::Key if self.has_ended => Expected::Refused(Some("revoked")),
            Kind::Key if !self.is_active => Expected::Refused(Some("inactive")),
            Kind::Key if !self.is_wide => Expected::Refused(Some("insufficient_scope")),
            Kind::Client | Kind::Key => Expected::Allowed,
        }
    }

    /// The secret that gets tokens.
    pub(super) fn secret(&self) -> Option<&str> {
        let mut secrets = self.held.iter().filter(|held| held.form == Form::Secret);
        let live = secrets.find(|held| !held.is_over)?;
        Some(&live.text)
    }

    /// It is as the operation leaves it; `answer` has what was shown.
    pub(super) fn apply(&mut self, operation: Operation, answer: &Value) {
        let text = |member: &str| answer[member].as_str().unwrap_or_default();
        match operation {
            Operation::CreateKey => self.hold(Form::Key, text("key")),
            Operation::SwitchOff => self.is_active = false,
            Operation::SwitchOn => self.is_active = true,
            Operation::Narrow => self.is_wide = false,
            Operation::Widen => self.is_wide = true,
            Operation::Revoke | Operation::DeleteClient => self.has_ended = true,
            Operation::CreateClient => self.hold(Form::Secret, text("client_secret")),
            Operation::Rotate => {
                self.end(&[Form::Secret, Form::Token]);
                self.hold(Form::Secret, text("client_secret"));
            }
            Operation::EndTokens => self.end(&[Form::Token]),
            Operation::Issue => self.hold(Form::Token, text("access_token")),
        }
    }
}

impl History {
    /// How many things there are of which no change is on its way and something can be decided.
    pub(super) fn count_decidable(&self) -> u64 {
        let free = self.things.iter().filter(|thing| !thing.is_busy);
        let holds = |thing: &&Thing| thing.held.iter().any(|held| held.form != Form::Secret);
        free.filter(holds).count() as u64
    }

    /// Notes that a change is on its way.
    pub(super) fn begin(&mut self, begun: &Begun) {
        if let Some(thing) = begun.thing {
            let thing = &mut self.things[thing];
            assert!(!thing.is_busy, "one change of a thing at a time");
            thing.is_busy = true;
            thing.generation += 1;
        }
    }

    /// Notes its answer; which thing it was about.
    pub(super) fn answered(&mut self, begun: &Begun, answer: &Answer) -> Option<usize> {
        match answer.status {
            200 | 201 => {}
            // Whether it was done, nobody says.
            500.. => {
                self.lost(begun.clone());
                return begun.thing;
            }
            status => {
                let (operation, body) = (begun.operation, &answer.body);
                self.violations
                    .push(format!("{operation:?} was answered {status}: {body}"));
                self.free(begun.thing);
                return begun.thing;
            }
        }
        let shown = answer.json();
        let thing = begun
            .thing
            .unwrap_or_else(|| self.made(begun.operation, &shown));
        self.things[thing].apply(begun.operation, &shown);
        self.free(Some(thing));
        self.count_acknowledged += 1;
        if begun.operation.action().is_some() {
            let request_id = answer.header("request-id").unwrap_or_default();
            self.acknowledged.push(Acknowledged {
                operation: begun.operation,
                request_id: request_id.to_owned(),
                target: self.things[thing].id.clone(),
            });
        }
        Some(thing)
    }

    /// Notes that nobody was told how it ended.
    pub(super) fn lost(&mut self, begun: Begun) {
        self.count_unknown += 1;
        self.unknown.push(begun);
    }

    /// A thing that an answer is the first to tell of.
    pub(super) fn made(&mut self, operation: Operation, shown: &Value) -> usize {
        let (kind, member) = match operation {
            Operation::CreateKey => (Kind::Key, "id"),
            _ => (Kind::Client, "client_id"),
        };
        let id = shown[member].as_str().unwrap_or_default();
        self.things.push(Thing::new(kind, id));
        self.things.len() - 1
    }

    /// No change of it is on its way any more.
    pub(super) fn free(&mut self, thing: Option<usize>) {
        if let Some(thing) = thing {
            let thing = &mut self.things[thing];
            thing.is_busy = false;
            thing.generation += 1;
        }
    }
}
