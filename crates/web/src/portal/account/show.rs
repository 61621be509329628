//! `/account`: profile, password, sessions and the credentials that one may manage.

use askama::Template;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_service::sessions::{self, OwnSession};
use claviger_service::users;

use super::{PATH, browsers};
use crate::error::Failure;
use crate::pages::{Fields, Page, see_other};
use crate::portal::credentials::{Sections, sections};
use crate::portal::form::{Field, Form};
use crate::portal::parts::When;
use crate::portal::{Answer, Band, Portal, Section, Shell, Submission};

/// One's own settings.
#[derive(Template)]
#[template(path = "portal/account.html")]
struct AccountPage {
    frame: Shell,
    title: String,
    /// What was just done.
    done: Option<&'static str>,
    form: Form,
    email: String,
    password: String,
    sessions: Vec<SessionRow>,
    /// Where all other sessions are ended, when there are some.
    end_others: Option<String>,
    /// Where one goes on in another account.
    switch: Option<String>,
    credentials: Option<Sections>,
}

/// A session as a row shows it.
struct SessionRow {
    program: String,
    ip: String,
    account: Option<String>,
    started: When,
    ends: When,
    is_current: bool,
    end: String,
}

/// Shows the page.
pub async fn show(portal: Portal) -> Answer {
    let form = form(&portal, &portal.query);
    page(&portal, form).await
}

/// Changes what one is called.
pub async fn save(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let name = submission.fields.get("name").unwrap_or_default();
    match users::rename(portal.web.app(), portal.caller(), name).await {
        Ok(_) => Ok(see_other(&portal.href(format!("{PATH}?done=name")))),
        Err(error) => {
            let form = form(portal, &submission.fields).refused(portal, error)?;
            page(portal, form).await
        }
    }
}

fn form(portal: &Portal, typed: &Fields) -> Form {
    let user = portal.session.user();
    let labels = &portal.web.app().settings().portal.labels;
    let name = typed.text("name", user.name.as_deref().unwrap_or_default());
    let name = Field::line("name", "Name", name)
        .length_max(200)
        .autocomplete("name")
        .hint("What others in your accounts see. Without one they see your email.");
    Form::new(portal, &labels.save).field(name)
}

async fn page(portal: &Portal, form: Form) -> Answer {
    let app = portal.web.app();
    let now = app.sources().now();
    let found = sessions::own(app, portal.caller()).await?;
    let has_others = found.len() > 1;
    let sessions = found.into_iter().map(|one| row(portal, one, now));
    let end_others = portal.href(format!("{PATH}/sessions/end"));
    let may_switch = super::switch::is_offered(portal).await?;
    let page = AccountPage {
        title: app.settings().portal.labels.account_settings.clone(),
        done: done(portal.query.get("done")),
        form,
        email: portal.session.user().email.clone(),
        password: portal.href(format!("{PATH}/password")),
        sessions: sessions.collect(),
        end_others: has_others.then_some(end_others),
        switch: may_switch.then(|| portal.href(super::switch::PATH)),
        credentials: credentials_of(portal).await?,
        frame: portal.shell(Section::Account, Band::Neither).await?,
    };
    Ok(page.answer())
}

fn done(word: Option<&str>) -> Option<&'static str> {
    match word? {
        "name" => Some("Your name was saved."),
        "password" => Some("Your password was changed. All other sessions have ended."),
        "session" => Some("The session has ended."),
        "sessions" => Some("All other sessions have ended."),
        _ => None,
    }
}

fn row(portal: &Portal, session: OwnSession, now: UnixMillis) -> SessionRow {
    let program = session.origin.user_agent.as_deref();
    SessionRow {
        program: program.map_or_else(|| "Unknown program".to_owned(), browsers::told),
        ip: session.origin.ip.unwrap_or_else(|| "unknown".to_owned()),
        account: session.account_name,
        started: When::of(session.created_at, now),
        ends: When::of(session.expires_at, now),
        is_current: session.is_current,
        end: portal.href(format!("{PATH}/sessions/{}/end", session.id)),
    }
}

/// The same as on the page of credentials, for somebody who may look after them.
async fn credentials_of(portal: &Portal) -> Result<Option<Sections>, Failure> {
    match portal.caller().key_reading() {
        Ok(access) => Ok(Some(sections(portal, &access).await?)),
        Err(_) => Ok(None),
    }
}

impl AccountPage {
    fn answer(self) -> Response {
        let status = self.form.status;
        Page::new(self).status(status).into_response()
    }
}
