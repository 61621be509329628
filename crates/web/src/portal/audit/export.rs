//! `/audit/export`: the events of a list as JSON lines, the oldest first; and the proof of one.

use axum::body::Body;
use axum::extract::Path;
use claviger_model::Reason;
use claviger_model::ids::EventId;
use claviger_service::audit::{self, Export};
use claviger_service::{Caller, Error};

use super::filter::Filter;
use crate::error::Failure;
use crate::export::events;
use crate::portal::download::file;
use crate::portal::{Answer, Portal};

/// Sends the events that the address asks for, of the caller's account.
pub async fn send(portal: Portal) -> Answer {
    let access = portal.allowed(Caller::evidence).await?;
    let wanted = Filter::of(&portal.query).wanted();
    let export = Export::begin(portal.web.app(), &access, &wanted).await?;
    Ok(events(&portal.web, export))
}

/// Sends the proof of one event.
pub async fn proof(portal: Portal, Path(id): Path<String>) -> Answer {
    let access = portal.allowed(Caller::evidence).await?;
    let id: EventId = id
        .parse()
        .map_err(|_| Failure::from(Error::refused(Reason::NotFound)))?;
    let proof = audit::proof(portal.web.app(), &access, id).await?;
    let name = format!("proof-{id}.json").replace('_', "-");
    let document = format!("{}\n", proof.document()?);
    Ok(file(&name, "application/json", Body::from(document)))
}
