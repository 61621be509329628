//! `/operator/operators`: who runs the instance.

use askama::Template;
use claviger_service::operators::{self, NewOperator};
use zeroize::Zeroizing;

use super::access;
use crate::error::Failure;
use crate::pages::{Fields, see_other};
use crate::portal::form::{Field, Form, FormPage, again};
use crate::portal::once::FORM_ID;
use crate::portal::parts::{Status, When};
use crate::portal::{Answer, Band, Portal, Section, Shell, Submission};

/// The path of the list, without the issuer's.
const PATH: &str = "/operator/operators";

/// The list.
#[derive(Template)]
#[template(path = "portal/operator/operators.html")]
struct OperatorsPage {
    frame: Shell,
    back: (String, String),
    is_added: bool,
    rows: Vec<OperatorRow>,
    add: String,
}

struct OperatorRow {
    email: String,
    suspended: Option<Status>,
    since: When,
}

/// Shows the list.
pub async fn list(portal: Portal) -> Answer {
    let access = access(&portal)?;
    let app = portal.web.app();
    let now = app.sources().now();
    let found = operators::list(app, &access).await?;
    let rows = found.into_iter().map(|operator| OperatorRow {
        suspended: operator.suspended_at.map(|_| Status::SUSPENDED),
        since: When::of(operator.created_at, now),
        email: operator.email,
    });
    let page = OperatorsPage {
        back: super::back(&portal),
        is_added: portal.query.has("added"),
        rows: rows.collect(),
        add: portal.at(format!("{PATH}/new")),
        frame: portal.shell(Section::Operators, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

/// Shows the form of a new operator.
pub async fn ask(portal: Portal) -> Answer {
    access(&portal)?;
    Ok(page(&portal, &portal.query, None).await?.answer())
}

/// Makes somebody an operator.
pub async fn add(submission: Submission) -> Answer {
    let (portal, fields) = (&submission.portal, &submission.fields);
    let access = access(portal)?;
    let key = submission.idempotency_key()?;
    let password = fields.get("password");
    let input = NewOperator {
        email: fields.get("email").unwrap_or_default().to_owned(),
        password: password.map(|password| Zeroizing::new(password.to_owned())),
    };
    match operators::add(portal.web.app(), &access, input, key.as_ref()).await {
        Ok(_) => Ok(see_other(&portal.at(format!("{PATH}?added=1")))),
        Err(error) => {
            let page = page(portal, fields, fields.get(FORM_ID)).await?;
            again(portal, page, error)
        }
    }
}

async fn page(portal: &Portal, typed: &Fields, sent: Option<&str>) -> Result<FormPage, Failure> {
    let back = (portal.at(PATH), "Operators".to_owned());
    let email = Field::of_kind("email", "email", "Email", typed.text("email", ""));
    let password = Field::of_kind("password", "password", "Password", "");
    let form = Form::new(portal, "Add operator")
        .creating(portal, sent)?
        .field(email.required().length_max(254))
        .field(
            password
                .autocomplete("new-password")
                .hint("For an address that is new here. Who has a password already keeps it."),
        )
        .cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Operators, Band::Neither).await?,
        title: "Add operator".to_owned(),
        intro: "An operator can see and change every account of the instance.".to_owned(),
        back,
        form,
    })
}
