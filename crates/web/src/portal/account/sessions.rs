//! `/account/sessions/{id}/end` and `/account/sessions/end`: the end of one's other sessions.

use claviger_model::ids::SessionId;
use claviger_service::Error;
use claviger_service::sessions::{self, OwnSession};

use super::{PATH, browsers};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::{see_other, session, sign_in};
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::Form;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Asks whether a session is to end.
pub async fn ask(portal: Portal, Id(id): Id<SessionId>) -> Answer {
    let found = find(&portal, id).await?;
    Ok(page(&portal, title(&found)).await?.answer())
}

/// Ends it.
pub async fn end(Id(id): Id<SessionId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    sessions::end_own(portal.web.app(), portal.caller(), id).await?;
    if id == portal.session.user().session_id {
        let mut response = see_other(&sign_in::path(&portal.web, None));
        session::add(&mut response, session::ended(&portal.web));
        return Ok(response);
    }
    Ok(see_other(&portal.href(format!("{PATH}?done=session"))))
}

/// Asks whether all other sessions are to end.
pub async fn ask_others(portal: Portal) -> Answer {
    let title = "End all other sessions?".to_owned();
    Ok(page(&portal, title).await?.answer())
}

/// Ends them.
pub async fn end_others(submission: Submission) -> Answer {
    let portal = &submission.portal;
    sessions::end_others(portal.web.app(), portal.caller()).await?;
    Ok(see_other(&portal.href(format!("{PATH}?done=sessions"))))
}

async fn find(portal: &Portal, id: SessionId) -> Result<OwnSession, Failure> {
    let found = sessions::own(portal.web.app(), portal.caller()).await?;
    let found = found.into_iter().find(|one| one.id == id);
    Ok(found.ok_or_else(|| Error::not_found("session"))?)
}

fn title(session: &OwnSession) -> String {
    let program = session.origin.user_agent.as_deref().map(browsers::told);
    match program {
        Some(program) => format!("End the session in {program}?"),
        None => "End this session?".to_owned(),
    }
}

async fn page(portal: &Portal, title: String) -> Result<ConfirmPage, Failure> {
    Ok(ConfirmPage {
        frame: portal.shell(Section::Account, Band::Neither).await?,
        title,
        consequences: vec![
            "Whoever uses it is signed out with the next click, on every node.".to_owned(),
            "Keys, clients and connected apps go on. If a stranger was in, change your password \
             too."
                .to_owned(),
        ],
        warning: None,
        form: Form::new(portal, "End").cancel(portal.href(PATH), "Keep"),
    })
}
