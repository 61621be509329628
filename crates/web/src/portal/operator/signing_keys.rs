//! `/operator/signing-keys`: what access tokens are signed with.

use askama::Template;
use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::ids::SigningKeyId;
use claviger_model::signing_keys::SigningKeyStatus;
use claviger_service::Error;
use claviger_service::signing_keys::{self, ListedKey};

use super::access;
use crate::error::Failure;
use crate::extract::Id;
use crate::pages::{Fields, see_other};
use crate::portal::confirm::ConfirmPage;
use crate::portal::form::{Choice, Field, Form, FormPage, again};
use crate::portal::once::FORM_ID;
use crate::portal::parts::{Status, When};
use crate::portal::{Answer, Band, Portal, Section, Shell, Submission};

/// The path of the list, without the issuer's.
const PATH: &str = "/operator/signing-keys";

/// The list.
#[derive(Template)]
#[template(path = "portal/operator/signing_keys.html")]
struct KeysPage {
    frame: Shell,
    done: Option<&'static str>,
    rows: Vec<KeyRow>,
    rotate: String,
    days: u32,
    jwks: String,
}

struct KeyRow {
    id: SigningKeyId,
    algorithm: &'static str,
    status: Status,
    made: When,
    signs_from: When,
    ends: Option<When>,
    /// Where it can be withdrawn, as long as that changes anything.
    withdraw: Option<String>,
}

/// Shows the list.
pub async fn list(portal: Portal) -> Answer {
    let access = access(&portal)?;
    let app = portal.web.app();
    let now = app.sources().now();
    let mut found = signing_keys::list(app, &access).await?;
    // The newest of each algorithm first.
    found.sort_by_key(|listed| {
        let algorithm = listed.key.algorithm.as_str();
        (algorithm, std::cmp::Reverse(listed.key.generation))
    });
    let page = KeysPage {
        done: done(portal.query.get("done")),
        rows: found
            .iter()
            .map(|listed| row(&portal, listed, now))
            .collect(),
        rotate: portal.at(format!("{PATH}/rotate")),
        days: app.settings().tokens.signing_key_days,
        jwks: portal.at("/.well-known/jwks.json"),
        frame: portal.shell(Section::SigningKeys, Band::Neither).await?,
    };
    Ok(Portal::page(page))
}

/// Asks for a rotation.
pub async fn ask_rotate(portal: Portal) -> Answer {
    access(&portal)?;
    Ok(rotating(&portal, &portal.query, None).await?.answer())
}

/// Makes the next key.
pub async fn rotate(submission: Submission) -> Answer {
    let (portal, fields) = (&submission.portal, &submission.fields);
    let access = access(portal)?;
    let app = portal.web.app();
    let word = fields.get("algorithm").unwrap_or_default();
    let rotated = match SigningAlgorithm::parse(word) {
        Some(algorithm) => {
            let key = submission.idempotency_key()?;
            signing_keys::rotate(app, &access, Some(algorithm), key.as_ref()).await
        }
        None => Err(Error::invalid("algorithm", "must be one of these")),
    };
    match rotated {
        Ok(_) => Ok(see_other(&portal.at(format!("{PATH}?done=rotated")))),
        Err(error) => {
            let page = rotating(portal, fields, fields.get(FORM_ID)).await?;
            again(portal, page, error)
        }
    }
}

/// Asks whether a key is to be withdrawn.
pub async fn ask_withdraw(portal: Portal, Id(id): Id<SigningKeyId>) -> Answer {
    let access = access(&portal)?;
    let found = signing_keys::list(portal.web.app(), &access).await?;
    let found = found.into_iter().find(|listed| listed.key.id == id);
    let listed = found.ok_or_else(|| Error::not_found("signing key"))?;
    let mut consequences = vec![
        "Every access token that it signed is refused with 401, on every node, from the moment \
         this is done."
            .to_owned(),
        "Verifiers that keep the JWKS still take such tokens until they fetch it again.".to_owned(),
        "It cannot be published again.".to_owned(),
    ];
    if listed.status == SigningKeyStatus::Signing {
        let next = "It signs at present: another key takes over at once.";
        consequences.push(next.to_owned());
    }
    let page = ConfirmPage {
        frame: portal.shell(Section::SigningKeys, Band::Neither).await?,
        title: format!("Withdraw the {} key {id}?", listed.key.algorithm.as_str()),
        consequences,
        warning: Some(
            "This is for a key that somebody else may have. To replace one in good time, rotate."
                .to_owned(),
        ),
        form: Form::new(&portal, "Withdraw").cancel(portal.at(PATH), "Keep it"),
    };
    Ok(page.answer())
}

/// Withdraws it.
pub async fn withdraw(Id(id): Id<SigningKeyId>, submission: Submission) -> Answer {
    let portal = &submission.portal;
    let access = access(portal)?;
    signing_keys::withdraw(portal.web.app(), &access, id).await?;
    Ok(see_other(&portal.at(format!("{PATH}?done=withdrawn"))))
}

async fn rotating(
    portal: &Portal,
    typed: &Fields,
    sent: Option<&str>,
) -> Result<FormPage, Failure> {
    let own = portal.web.app().settings().tokens.signing_algorithm;
    let chosen = typed.text("algorithm", own.as_str());
    let choices = SigningAlgorithm::ALL.map(|algorithm| {
        let word = algorithm.as_str();
        Choice::new(word, word, word == chosen)
    });
    let back = (portal.at(PATH), "Signing keys".to_owned());
    Ok(FormPage {
        frame: portal.shell(Section::SigningKeys, Band::Neither).await?,
        title: "Rotate signing keys".to_owned(),
        intro: "Makes the next key. It is published first, and signs when every verifier can know \
                it; what the present one signed stays good until it expires. Nothing is refused."
            .to_owned(),
        form: Form::new(portal, "Rotate")
            .creating(portal, sent)?
            .field(Field::radios("algorithm", "Algorithm", choices.into()))
            .cancel(&back.0, "Cancel"),
        back,
    })
}

fn done(word: Option<&str>) -> Option<&'static str> {
    match word? {
        "rotated" => Some("The next key was made. It signs as soon as verifiers can know it."),
        "withdrawn" => Some("The key was withdrawn. No token that it signed works any more."),
        _ => None,
    }
}

fn row(portal: &Portal, listed: &ListedKey, now: UnixMillis) -> KeyRow {
    let key = &listed.key;
    let is_over = matches!(
        listed.status,
        SigningKeyStatus::Gone | SigningKeyStatus::Withdrawn
    );
    KeyRow {
        id: key.id,
        algorithm: key.algorithm.as_str(),
        status: match listed.status {
            SigningKeyStatus::Published => Status::of("PUBLISHED", "inactive"),
            SigningKeyStatus::Signing => Status::of("SIGNING", "active"),
            SigningKeyStatus::Retired => Status::RETIRING,
            SigningKeyStatus::Gone => Status::of("GONE", "revoked"),
            SigningKeyStatus::Withdrawn => Status::of("WITHDRAWN", "revoked"),
        },
        made: When::of(key.created_at, now),
        signs_from: When::of(key.signs_from, now),
        ends: key.published_until.map(|end| When::of(end, now)),
        withdraw: (!is_over).then(|| portal.at(format!("{PATH}/{}/withdraw", key.id))),
    }
}
