//! `/roles/new` and `/roles/{id}`: a new role, and one to be changed.

use claviger_model::ids::RoleId;
use claviger_model::roles::RoleRef;
use claviger_service::roles::{self, NamedRole};
use claviger_service::{Caller, Error};

use super::{PATH, back, fields};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::{Fields, see_other};
use crate::portal::form::{Form, FormPage};
use crate::portal::once::FORM_ID;
use crate::portal::team::refused;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the form of a new role.
pub async fn show_new(portal: Portal) -> Answer {
    portal.allowed(Caller::team).await?;
    let page = new_page(&portal, &portal.query, None).await?;
    Ok(page.answer())
}

/// Makes a role.
pub async fn create(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::team).await?;
    let draft = fields::draft(&submission.fields);
    let key = submission.idempotency_key()?;
    match roles::create(portal.web.app(), &access, &draft, key.as_ref()).await {
        Ok(_) => Ok(see_other(&portal.href(format!("{PATH}?done=created")))),
        Err(error) => {
            let form_id = submission.fields.get(FORM_ID);
            let page = new_page(portal, &submission.fields, form_id).await?;
            again(portal, page, error)
        }
    }
}

/// Shows the form of a role of the account.
pub async fn show(portal: Portal, Id(id): Id<RoleId>) -> Answer {
    let access = portal.allowed(Caller::team).await?;
    let role = roles::show(portal.web.app(), &access, &id.to_string()).await?;
    let page = page(&portal, &portal.query, &role).await?;
    Ok(page.answer())
}

/// Saves what was changed.
pub async fn save(Id(id): Id<RoleId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::team).await?;
    let app = portal.web.app();
    let before = roles::show(app, &access, &id.to_string()).await?;
    let version = submission.fields.get("version");
    let version = version.and_then(|version| version.parse().ok());
    let draft = fields::draft(&submission.fields);
    match roles::edit(app, &access, RoleRef::Custom(id), draft, version).await {
        Ok(_) => Ok(see_other(&portal.href(format!("{PATH}?done=saved")))),
        Err(error) => {
            let page = page(portal, &submission.fields, &before).await?;
            again(portal, page, error)
        }
    }
}

fn again(portal: &Portal, page: FormPage, error: Error) -> Answer {
    let form = refused(page.form, portal, error)?;
    Ok(FormPage { form, ..page }.answer())
}

async fn new_page(
    portal: &Portal,
    typed: &Fields,
    sent: Option<&str>,
) -> Result<FormPage, Failure> {
    let back = back(portal);
    let form = Form::new(portal, "Add role")
        .creating(portal, sent)?
        .cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Team, Band::Neither).await?,
        title: "Add a role".to_owned(),
        intro: "It can hold no more than your own role.".to_owned(),
        form: fields::of(form, portal, typed, None),
        back,
    })
}

async fn page(portal: &Portal, typed: &Fields, role: &NamedRole) -> Result<FormPage, Failure> {
    let back = back(portal);
    let labels = &portal.web.app().settings().portal.labels;
    let form = Form::new(portal, &labels.save).cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Team, Band::Neither).await?,
        title: role.name.clone(),
        intro: "Changes hold from the next requests of its members on.".to_owned(),
        form: fields::of(form, portal, typed, Some(role)),
        back,
    })
}
