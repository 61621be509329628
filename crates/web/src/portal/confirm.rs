//! The page between a button that breaks something and what it breaks: it says what that will be.

use askama::Template;
use axum::response::{IntoResponse, Response};

use super::Shell;
use super::form::Form;
use crate::pages::Page;

/// Asks whether something is to be ended.
#[derive(Template)]
#[template(path = "portal/confirm.html")]
pub struct ConfirmPage {
    /// What stands around it.
    pub frame: Shell,
    /// The question.
    pub title: String,
    /// What will be, in sentences.
    pub consequences: Vec<String>,
    /// What speaks against it just now, such as who is using it.
    pub warning: Option<String>,
    /// The form; its button is the one that ends something, its `cancel` keeps it.
    pub form: Form,
}

impl ConfirmPage {
    /// The answer with this page.
    pub fn answer(self) -> Response {
        let status = self.form.status;
        Page::new(self).status(status).into_response()
    }
}
