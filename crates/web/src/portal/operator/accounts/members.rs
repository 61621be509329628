//! `/operator/accounts/{id}/members/new`: somebody becomes a member with a password, or gets a
//! link that leads there.

use claviger_model::accounts::Account;
use claviger_model::ids::AccountId;
use claviger_model::roles::RoleRef;
use claviger_service::access::TeamAccess;
use claviger_service::invitations::Invited;
use claviger_service::members::{self, Added, NewMember};
use claviger_service::{accounts, roles};
use zeroize::Zeroizing;

use super::{PATH, own_page};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::{Fields, see_other};
use crate::portal::form::{Choice, Field, Form, FormPage, again};
use crate::portal::once::{FORM_ID, SecretPage, ShownOnce};
use crate::portal::operator::access;
use crate::portal::parts::When;
use crate::portal::shell::capital;
use crate::portal::{Answer, Band, Portal, Section, Submission};

/// Shows the form.
pub async fn ask(portal: Portal, Id(id): Id<AccountId>) -> Answer {
    let account = accounts::show(portal.web.app(), &access(&portal)?, id).await?;
    let team = portal.caller().team_of(id)?;
    let page = page(&portal, &portal.query, (&account, &team), None).await?;
    Ok(page.answer())
}

/// Adds the member, or shows the link of the invitation.
pub async fn add(Id(id): Id<AccountId>, submission: Submission) -> Answer {
    let (portal, fields) = (&submission.portal, &submission.fields);
    let access = access(portal)?;
    let app = portal.web.app();
    let account = accounts::show(app, &access, id).await?;
    let team = portal.caller().team_of(id)?;
    let key = submission.idempotency_key()?;
    let password = fields.get("password");
    let input = NewMember {
        email: fields.get("email").unwrap_or_default().to_owned(),
        role: fields.get("role").unwrap_or_default().to_owned(),
        password: password.map(|password| Zeroizing::new(password.to_owned())),
    };
    match members::add(app, &team, Some(&access), input, key.as_ref()).await {
        Ok(Added::Member(_)) => Ok(see_other(&portal.at(format!("{PATH}/{id}?done=member")))),
        Ok(Added::Invited(invited)) => {
            let page = link(&submission, &account, &invited).await?;
            Ok(submission.shown_once(page))
        }
        Err(error) => {
            let page = page(portal, fields, (&account, &team), fields.get(FORM_ID)).await?;
            again(portal, page, error)
        }
    }
}

async fn page(
    portal: &Portal,
    typed: &Fields,
    (account, team): (&Account, &TeamAccess),
    sent: Option<&str>,
) -> Result<FormPage, Failure> {
    let back = own_page(portal, account);
    let chosen = typed.text("role", "owner");
    let roles = roles::list(portal.web.app(), team).await?;
    let roles = roles.into_iter().map(|role| {
        let value = role.role.to_string();
        let label = match role.role {
            RoleRef::BuiltIn(_) => capital(&role.name),
            RoleRef::Custom(_) => role.name,
        };
        let is_chosen = value == chosen;
        Choice::new(value, label, is_chosen)
    });
    let email = Field::of_kind("email", "email", "Email", typed.text("email", ""));
    let password = Field::of_kind("password", "password", "Password", "");
    let form = Form::new(portal, "Add member")
        .creating(portal, sent)?
        .field(email.required().length_max(254))
        .field(Field::pick("role", "Role", roles.collect()).required())
        .field(password.autocomplete("new-password").hint(
            "For an address that is new here. Leave it out to get a link by which they choose \
             their own.",
        ))
        .cancel(&back.0, "Cancel");
    Ok(FormPage {
        frame: portal.shell(Section::Accounts, Band::Neither).await?,
        title: format!("Add a member to {}", account.name),
        intro: String::new(),
        back,
        form,
    })
}

async fn link(
    submission: &Submission,
    account: &Account,
    invited: &Invited,
) -> Result<SecretPage, Failure> {
    let portal = &submission.portal;
    let app = portal.web.app();
    let invitation = &invited.invitation;
    let token = submission.to_show(invited.token.as_ref());
    let issuer = &app.settings().public_url;
    let link = token.map(|token| format!("{issuer}/invitation?token={token}"));
    let ends = When::of(invitation.expires_at, app.sources().now()).exact;
    let own_page = own_page(portal, account);
    Ok(SecretPage {
        frame: portal.shell(Section::Accounts, Band::Neither).await?,
        title: format!("{} is invited", invitation.email),
        shown: link
            .map(|link| ShownOnce::new("link", link))
            .into_iter()
            .collect(),
        about: format!(
            "Send it to {}. It works once, until {ends}.",
            invitation.email
        ),
        samples: Vec::new(),
        when_lost: "If it is lost, make another; this one ends by itself.".to_owned(),
        own_page: own_page.0.clone(),
        next: own_page,
    })
}
