//! Forms: fields with their labels, hints and what is wrong with them. One template renders them
//! all, so that every form has the same summary of problems and keeps what was typed.

use askama::Template;
use axum::response::{IntoResponse, Response};
use claviger_model::Reason;
use claviger_service::Error;
use http::StatusCode;

use super::{Answer, Portal, Shell, once};
use crate::error::Failure;
use crate::pages::Page;

/// A form.
pub struct Form {
    /// Where it is posted, with the issuer's path: to the page that shows it.
    pub action: String,
    /// The token of the session's forms.
    pub token: String,
    /// What makes sending it twice create once; for forms that create something.
    pub form_id: Option<String>,
    /// The fields, in their order.
    pub fields: Vec<Field>,
    /// What is wrong with all of it.
    pub problem: Option<String>,
    /// What the button says.
    pub submit: String,
    /// Where one goes who does not want to, with the issuer's path, and what that is called.
    pub cancel: Option<(String, String)>,
    /// The status of the page: 200 until something is wrong.
    pub status: StatusCode,
}

/// A field of a form.
pub struct Field {
    /// Its name in the form, and its id on the page.
    pub name: &'static str,
    /// What it is called.
    pub label: String,
    /// What is good to know.
    pub hint: Option<String>,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// Whether it has to be filled in.
    pub is_required: bool,
    /// What one does with it.
    pub control: Control,
}

/// What one does with a field.
pub enum Control {
    /// One line.
    Line {
        /// The type of the element: `text`, `email`, `url`, `number`, `date`, `password`.
        kind: &'static str,
        /// What is in it.
        value: String,
        /// The autofill name (HTML section 4.10.18.7.1).
        autocomplete: &'static str,
        /// The most characters.
        length_max: Option<u16>,
    },
    /// Several lines.
    Lines {
        /// What is in it.
        value: String,
        /// How many are seen at once.
        rows: u8,
    },
    /// A file, which is a text.
    File {
        /// Which files are offered (HTML section 4.10.5.1.17).
        accept: &'static str,
    },
    /// One of few, all of them to be seen.
    Radios(Vec<Choice>),
    /// Any of few, all of them to be seen.
    Checks(Vec<Choice>),
    /// One of many.
    Pick(Vec<Choice>),
    /// Any of many.
    Several {
        /// The choices in their groups.
        groups: Vec<Group>,
        /// How many are seen at once.
        rows: usize,
    },
    /// Nothing: it is only shown.
    Fixed(String),
    /// Nothing: it is only sent.
    Hidden(String),
}

/// Something that can be chosen.
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What it is called.
    pub label: String,
    /// What is good to know.
    pub hint: Option<String>,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// Choices that belong together.
pub struct Group {
    /// What they are.
    pub label: String,
    /// The choices.
    pub choices: Vec<Choice>,
}

/// A page with a form and nothing else.
#[derive(Template)]
#[template(path = "portal/form.html")]
pub struct FormPage {
    /// What stands around it.
    pub frame: Shell,
    /// The heading.
    pub title: String,
    /// What is good to know before.
    pub intro: String,
    /// Where one came from, with the issuer's path, and what that is called.
    pub back: (String, String),
    /// The form.
    pub form: Form,
}

impl FormPage {
    /// The answer with this page.
    pub fn answer(self) -> Response {
        let status = self.form.status;
        Page::new(self).status(status).into_response()
    }
}

impl Form {
    /// A form of this page, to be posted to its own path.
    pub fn new(portal: &Portal, submit: impl Into<String>) -> Self {
        Self {
            action: portal.own_path(),
            token: portal.session.form_token(&portal.web),
            form_id: None,
            fields: Vec::new(),
            problem: None,
            submit: submit.into(),
            cancel: None,
            status: StatusCode::OK,
        }
    }

    /// With the id that makes sending it twice create once: the one that it was sent with, or a
    /// fresh one.
    pub fn creating(mut self, portal: &Portal, sent: Option<&str>) -> Result<Self, Failure> {
        let form_id = match sent {
            Some(sent) => sent.to_owned(),
            None => once::form_id(&portal.web)?,
        };
        self.form_id = Some(form_id);
        Ok(self)
    }

    /// With one more field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// With a way out.
    #[must_use]
    pub fn cancel(mut self, href: impl Into<String>, label: impl Into<String>) -> Self {
        self.cancel = Some((href.into(), label.into()));
        self
    }

    /// With what was wrong when it was sent.
    ///
    /// # Errors
    /// What no filling in of the form could mend, such as a lack of permission.
    pub fn refused(mut self, portal: &Portal, error: Error) -> Result<Self, Failure> {
        let failure = Failure::from(error);
        match failure.reason {
            Reason::NotFound | Reason::PermissionRequired | Reason::SessionRequired => {
                return Err(failure);
            }
            // The form was sent before with something else in it: from now on it is another one.
            Reason::IdempotencyMismatch => {
                self.form_id = Some(once::form_id(&portal.web)?);
                let told = "This form was sent before with other values, and what it created then \
                            is there. Send it again to create one more.";
                self.problem = Some(told.to_owned());
            }
            Reason::Validation => self.take_problems(&failure),
            _ => self.problem = Some(failure.message.clone()),
        }
        self.status = failure.status();
        Ok(self)
    }

    /// With a problem of one field, found before any use case was asked.
    #[must_use]
    pub fn problem_of(mut self, name: &str, sentence: &str) -> Self {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
            field.problem = Some(format!("{} {sentence}.", field.label));
        }
        self.status = StatusCode::UNPROCESSABLE_ENTITY;
        self
    }

    /// Whether a file can be sent with it.
    pub fn has_file(&self) -> bool {
        let mut controls = self.fields.iter().map(|field| &field.control);
        controls.any(|control| matches!(control, Control::File { .. }))
    }

    /// Whether anything is wrong.
    pub fn has_problems(&self) -> bool {
        self.problem.is_some() || self.fields.iter().any(|field| field.problem.is_some())
    }

    fn take_problems(&mut self, failure: &Failure) {
        let mut of_no_field = Vec::new();
        for (member, sentence) in &failure.fields {
            let name = member.split(['[', '.']).next().unwrap_or_default();
            let field = self.fields.iter_mut().find(|field| field.name == name);
            match field.filter(|field| !matches!(field.control, Control::Hidden(_))) {
                Some(field) if field.problem.is_none() => {
                    field.problem = Some(format!("{} {sentence}.", field.label));
                }
                Some(_) => {}
                None => of_no_field.push(format!("{member} {sentence}.")),
            }
        }
        if !of_no_field.is_empty() {
            self.problem = Some(of_no_field.join(" "));
        }
    }
}

impl Field {
    /// A line of text.
    pub fn line(name: &'static str, label: impl Into<String>, value: impl Into<String>) -> Self {
        Self::of_kind("text", name, label, value)
    }

    /// A line of a certain kind: `email`, `url`, `number`, `date` or `password`.
    pub fn of_kind(
        kind: &'static str,
        name: &'static str,
        label: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        let control = Control::Line {
            kind,
            value: value.into(),
            autocomplete: "off",
            length_max: None,
        };
        Self::new(name, label, control)
    }

    /// A text of several lines.
    pub fn lines(
        name: &'static str,
        label: impl Into<String>,
        value: impl Into<String>,
        rows: u8,
    ) -> Self {
        let value = value.into();
        Self::new(name, label, Control::Lines { value, rows })
    }

    /// A file, which is a text.
    pub fn file(name: &'static str, label: impl Into<String>, accept: &'static str) -> Self {
        Self::new(name, label, Control::File { accept })
    }

    /// One of few.
    pub fn radios(name: &'static str, label: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self::new(name, label, Control::Radios(choices))
    }

    /// Any of few.
    pub fn checks(name: &'static str, label: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self::new(name, label, Control::Checks(choices))
    }

    /// Yes or no.
    pub fn yes_or_no(name: &'static str, label: impl Into<String>, is_yes: bool) -> Self {
        let choices = vec![
            Choice::new("yes", "Yes", is_yes),
            Choice::new("no", "No", !is_yes),
        ];
        Self::radios(name, label, choices)
    }

    /// One of many.
    pub fn pick(name: &'static str, label: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self::new(name, label, Control::Pick(choices))
    }

    /// Any of many.
    pub fn several(name: &'static str, label: impl Into<String>, groups: Vec<Group>) -> Self {
        let lines = groups
            .iter()
            .map(|group| group.choices.len() + 1)
            .sum::<usize>();
        let rows = lines.clamp(4, 12);
        Self::new(name, label, Control::Several { groups, rows })
    }

    /// Something that is shown and cannot be changed.
    pub fn fixed(name: &'static str, label: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(name, label, Control::Fixed(value.into()))
    }

    /// Something that is sent and not shown.
    pub fn hidden(name: &'static str, value: impl Into<String>) -> Self {
        Self::new(name, "", Control::Hidden(value.into()))
    }

    fn new(name: &'static str, label: impl Into<String>, control: Control) -> Self {
        Self {
            name,
            label: label.into(),
            hint: None,
            problem: None,
            is_required: false,
            control,
        }
    }

    /// That has to be filled in.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// With what is good to know.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the name by which browsers fill it in (HTML section 4.10.18.7.1).
    #[must_use]
    pub fn autocomplete(mut self, filled_by: &'static str) -> Self {
        if let Control::Line { autocomplete, .. } = &mut self.control {
            *autocomplete = filled_by;
        }
        self
    }

    /// With at most so many characters.
    #[must_use]
    pub fn length_max(mut self, characters: u16) -> Self {
        if let Control::Line { length_max, .. } = &mut self.control {
            *length_max = Some(characters);
        }
        self
    }

    /// The ids of the elements that say more about it, for `aria-describedby`.
    pub fn described_by(&self) -> String {
        let name = self.name;
        let hint = self.hint.as_ref().map(|_| format!("{name}-hint"));
        let problem = self.problem.as_ref().map(|_| format!("{name}-problem"));
        let ids: Vec<String> = problem.into_iter().chain(hint).collect();
        ids.join(" ")
    }

    /// Where the link of a summary leads: to the element that takes the focus.
    pub fn focus_id(&self) -> String {
        match &self.control {
            Control::Radios(_) | Control::Checks(_) => format!("{}-0", self.name),
            _ => self.name.to_owned(),
        }
    }
}

impl Choice {
    /// Something that can be chosen.
    pub fn new(value: impl Into<String>, label: impl Into<String>, is_chosen: bool) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
            hint: None,
            is_chosen,
        }
    }

    /// With what is good to know.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The answer with a form page after a use case refused what was sent.
pub fn again(portal: &Portal, page: FormPage, error: Error) -> Answer {
    let form = page.form.refused(portal, error)?;
    Ok(FormPage { form, ..page }.answer())
}
