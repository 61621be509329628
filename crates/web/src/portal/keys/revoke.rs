//! `/keys/{id}/revoke`: the end of an API key, and the receipt for it.

use askama::Template;
use claviger_model::ids::KeyId;
use claviger_model::keys::KeyState;
use claviger_service::Caller;
use claviger_service::keys::{self, KeyWithSecrets};

use super::{PATH, back, labels};
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::see_other;
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::{Field, Form};
use crate::portal::parts::When;
use crate::portal::{Answer, Band, Portal, Section, Shell, Submission};

/// What came of a revocation.
#[derive(Template)]
#[template(path = "portal/revoked.html")]
struct Receipt {
    frame: Shell,
    name: String,
    /// From when it is refused.
    since: When,
    nodes: Vec<String>,
    next: (String, String),
    own_page: String,
}

/// Asks whether the key is to be revoked.
pub async fn ask(mut portal: Portal, Id(id): Id<KeyId>) -> Answer {
    let access = portal.allowed(Caller::key_writing).await?;
    let found = keys::show(portal.web.app(), &access, id).await?;
    portal.environment = found.key.environment;
    if let KeyState::Revoked { .. } = found.key.state {
        return Ok(see_other(&portal.href(format!("{PATH}/{id}"))));
    }
    Ok(page(&portal, &found).await?.answer())
}

/// Revokes it.
pub async fn revoke(Id(id): Id<KeyId>, mut submission: Submission) -> Answer {
    let access = submission.portal.allowed(Caller::key_writing).await?;
    let app = submission.portal.web.app().clone();
    let reason = submission.fields.get("reason").map(str::to_owned);
    let found = keys::show(&app, &access, id).await?;
    submission.portal.environment = found.key.environment;
    let portal = &submission.portal;
    match keys::revoke(&app, &access, id, reason).await {
        Ok(revoked) => receipt(portal, &revoked).await,
        Err(error) => {
            let page = page(portal, &found).await?;
            let form = page.form.refused(portal, error)?;
            Ok(ConfirmPage { form, ..page }.answer())
        }
    }
}

async fn page(portal: &Portal, found: &KeyWithSecrets) -> Result<ConfirmPage, Failure> {
    let key = &found.key;
    let labels = labels(portal);
    let reason = Field::line("reason", "Reason", portal.query.text("reason", ""))
        .length_max(200)
        .hint("Stands in the audit log, such as: leaked, not needed any more.");
    Ok(ConfirmPage {
        frame: portal.shell(Section::Keys, Band::Neither).await?,
        title: format!("{} {}?", labels.revoke, key.settings.name),
        consequences: vec![
            format!(
                "Every request with the key that ends in {} is refused with 401, from the moment \
                 this page answers, on every node.",
                found.hint()
            ),
            "It cannot be made to work again. To pause it, make it inactive instead.".to_owned(),
        ],
        warning: None,
        form: Form::new(portal, &labels.revoke)
            .field(reason)
            .cancel(portal.href(format!("{PATH}/{}", key.id)), "Keep it"),
    })
}

async fn receipt(portal: &Portal, found: &KeyWithSecrets) -> Answer {
    let now = portal.web.app().sources().now();
    let since = match &found.key.state {
        KeyState::Revoked { at, .. } => *at,
        _ => now,
    };
    let page = Receipt {
        name: found.key.settings.name.clone(),
        since: When::of(since, now),
        nodes: claviger_service::propagation::node_names(portal.web.app()).await?,
        next: back(portal),
        own_page: portal.href(format!("{PATH}/{}", found.key.id)),
        frame: portal.shell(Section::Keys, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}
