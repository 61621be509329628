//! `/find`: a credential by what somebody has of it: its name, id, last four characters or all of
//! it. What is searched for may be a secret, so it is posted, answered at once and kept nowhere.

use askama::Template;
use claviger_model::credentials::CredentialKind;
use claviger_model::ids::{ClientId, KeyId, RequestId};
use claviger_service::Caller;
use claviger_service::access::KeyAccess;
use claviger_service::credentials::{self, Credential, Whose};
use claviger_service::{clients, imports, keys};

use super::keys::list::{KeyRow, rows};
use super::{Answer, Band, Portal, Section, Shell, Submission};
use crate::error::Failure;
use crate::pages::see_other;

/// How many of each kind are shown.
const SHOWN: u32 = 20;

/// The page.
#[derive(Template)]
#[template(path = "portal/find.html")]
struct FindPage {
    frame: Shell,
    /// What was found out about a whole credential.
    told: Option<Told>,
    /// What was searched for, where it is no secret.
    sought: Option<String>,
    rows: Vec<KeyRow>,
    /// Clients and apps: their addresses, names and ids.
    clients: Vec<(String, String, String)>,
}

/// What a whole credential is.
struct Told {
    title: String,
    sentence: String,
    /// Its page, with the issuer's path, and its name.
    link: Option<(String, String)>,
    /// Where it is ended, with the issuer's path, and what that is called.
    end: Option<(String, String)>,
}

/// Shows the form alone.
pub async fn show(portal: Portal) -> Answer {
    portal.allowed(Caller::key_reading).await?;
    page(&portal, None, None, (Vec::new(), Vec::new())).await
}

/// Searches.
pub async fn find(submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = portal.allowed(Caller::key_reading).await?;
    let text = submission.fields.get("q").unwrap_or_default().trim();
    if text.is_empty() {
        return page(portal, None, None, (Vec::new(), Vec::new())).await;
    }
    if let Some(path) = path_of_id(portal, text).await? {
        return Ok(see_other(&portal.href(path)));
    }
    // A key that was made elsewhere may have to be tried. Where there is no time for that, it is
    // not found by its text.
    let _ = imports::try_slow(portal.web.app(), text, portal.caller().ip).await;
    let whose = credentials::whose(portal.web.app(), portal.caller(), &access, text);
    if let Some(told) = told(portal, whose) {
        return page(portal, Some(told), None, (Vec::new(), Vec::new())).await;
    }
    let found = keys::find_by_text(portal.web.app(), &access, text, SHOWN).await?;
    let found = rows(portal, &access, found).await?;
    let clients = clients_called(portal, &access, text).await?;
    page(portal, None, Some(text.to_owned()), (found, clients)).await
}

async fn page(
    portal: &Portal,
    told: Option<Told>,
    sought: Option<String>,
    (rows, clients): (Vec<KeyRow>, Vec<(String, String, String)>),
) -> Answer {
    let page = FindPage {
        told,
        sought,
        rows,
        clients,
        frame: portal.shell(Section::Elsewhere, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

/// The page of what has this id, if the text is one.
async fn path_of_id(portal: &Portal, text: &str) -> Result<Option<String>, Failure> {
    if text.parse::<KeyId>().is_ok() {
        return Ok(Some(format!("/keys/{text}")));
    }
    if text.parse::<RequestId>().is_ok() {
        return Ok(Some(format!("/decisions/{text}")));
    }
    let Ok(id) = text.parse::<ClientId>() else {
        return Ok(None);
    };
    let access = portal.allowed(Caller::client_reading).await?;
    let found = clients::show(portal.web.app(), &access, id).await?;
    Ok(Some(path_of_client(&found)))
}

fn path_of_client(found: &clients::ClientWithSecrets) -> String {
    let place = match found.client.kind {
        claviger_model::clients::ClientKind::Machine => "/clients",
        claviger_model::clients::ClientKind::App => "/apps",
    };
    format!("{place}/{}", found.client.id)
}

/// The clients and apps with a text in their names.
async fn clients_called(
    portal: &Portal,
    access: &KeyAccess,
    text: &str,
) -> Result<Vec<(String, String, String)>, Failure> {
    let found = clients::find_by_text(portal.web.app(), access, text, SHOWN).await?;
    let row = |found: clients::ClientWithSecrets| {
        let id = found.client.id.to_string();
        (
            portal.href(path_of_client(&found)),
            found.client.settings.name,
            id,
        )
    };
    Ok(found.into_iter().map(row).collect())
}

/// What there is to say of a text that looks like a credential.
fn told(portal: &Portal, whose: Whose) -> Option<Told> {
    let nothing = |title: &str, sentence: &str| Told {
        title: title.to_owned(),
        sentence: sentence.to_owned(),
        link: None,
        end: None,
    };
    match whose {
        Whose::Nothing => None,
        Whose::Mistyped => Some(nothing(
            "This is mistyped",
            "It has the shape of a credential, but its last characters do not fit the rest. A \
             letter is wrong, or some are missing.",
        )),
        Whose::Unknown => Some(nothing(
            "None of this account",
            "It has the shape of a credential, and is none of this account.",
        )),
        Whose::Own(found) => Some(own(portal, &found)),
        Whose::Others(account, found) => Some(Told {
            title: found.name,
            sentence: format!("This {} is of another account.", found.kind.noun()),
            link: Some((
                portal.href(format!("/operator/accounts/{account}")),
                "Look at the account".to_owned(),
            )),
            end: None,
        }),
    }
}

fn own(portal: &Portal, found: &Credential) -> Told {
    let labels = &portal.web.app().settings().portal.labels;
    let id = &found.id;
    let (path, end) = match found.kind {
        CredentialKind::ApiKey => (
            Some(format!("/keys/{id}")),
            Some((format!("/keys/{id}/revoke"), labels.revoke.clone())),
        ),
        CredentialKind::LegacyKey => (
            Some("/legacy-key".to_owned()),
            Some(("/legacy-key".to_owned(), labels.revert.clone())),
        ),
        CredentialKind::ClientSecret | CredentialKind::AccessToken => {
            (Some(format!("/clients/{id}")), None)
        }
        CredentialKind::Session => (None, None),
    };
    Told {
        title: found.name.clone(),
        sentence: format!(
            "What you pasted is an {} of this account.",
            found.kind.noun()
        )
        .replace("an legacy", "a legacy")
        .replace("an client", "a client")
        .replace("an session", "a session"),
        link: path.map(|path| (portal.href(path), "Look at it".to_owned())),
        end: end.map(|(path, label)| (portal.href(path), label)),
    }
}
