//! Rotating the secrets of a client.

use claviger_service::access::KeyAccess;
use claviger_service::clients::{self, rotations};

use super::arguments::{RotateArguments, RotationArguments};
use super::{by_text, show, shown};
use crate::exit::Failure;
use crate::screen::Screen;
use crate::store::Store;

pub(super) async fn start(
    store: &Store,
    access: &KeyAccess,
    arguments: RotateArguments,
    screen: Screen,
) -> Result<(), Failure> {
    let found = by_text(store, access, &arguments.client).await?;
    let draft = arguments.draft(store.app.sources().now())?;
    let id = found.client.id;
    let added = rotations::start(&store.app, access, id, &draft, None).await?;
    let secret_id = added.secret.id;
    if screen.is_json {
        let client = shown(store, clients::show(&store.app, access, id).await?).await?;
        let mut secrets = client["secrets"].as_array().into_iter().flatten();
        let own = |secret: &&serde_json::Value| secret["id"] == secret_id.to_string();
        let mut shape = secrets.find(own).cloned().unwrap_or_default();
        if let Some(plaintext) = &added.plaintext {
            shape["client_secret"] = plaintext.expose().into();
        }
        return screen.data(&shape.to_string());
    }
    if let Some(plaintext) = &added.plaintext {
        screen.data(plaintext.expose())?;
    }
    let name = found.client.settings.name;
    let line = format!("Added {secret_id} to {id} ({name}). The secret is not shown again.");
    screen.note(&line);
    screen.note("`claviger client show` tells when the older ones are safe to retire.");
    Ok(())
}

pub(super) async fn change(
    store: &Store,
    access: &KeyAccess,
    arguments: RotationArguments,
    screen: Screen,
) -> Result<(), Failure> {
    let id = by_text(store, access, &arguments.client).await?.client.id;
    let draft = arguments.draft(store.app.sources().now())?;
    rotations::change(&store.app, access, id, &draft).await?;
    show(store, clients::show(&store.app, access, id).await?, screen).await
}

pub(super) async fn cancel(
    store: &Store,
    access: &KeyAccess,
    client: &str,
    screen: Screen,
) -> Result<(), Failure> {
    let found = by_text(store, access, client).await?;
    let (id, name) = (found.client.id, found.client.settings.name);
    rotations::cancel(&store.app, access, id).await?;
    screen.done(&format!(
        "cancelled the rotation of {id} ({name}): its older secrets stay, the new one is revoked"
    ))
}
