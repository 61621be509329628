//! Looking at clients. A secret is never among what is shown.

use claviger_model::clients::{Client, ClientKind};
use claviger_model::ids::ClientId;
use claviger_model::{Environment, UnixMillis};
use claviger_store::Conn;
use claviger_store::clients::{self, ClientFilter};
use claviger_store::rotations;

use super::{ClientWithSecrets, find};
use crate::access::KeyAccess;
use crate::app::App;
use crate::error::Error;

/// Which clients to list.
#[derive(Clone, Copy, Debug)]
pub struct ListFilter {
    /// Also those that were deleted.
    pub with_deleted: bool,
    /// Those that act like this alone.
    pub kind: Option<ClientKind>,
    /// Those whose tokens reach this data alone.
    pub environment: Option<Environment>,
    /// After this one of the page before.
    pub after: Option<(UnixMillis, ClientId)>,
    /// At most so many.
    pub limit: u32,
}

/// A page of clients, the newest first.
#[derive(Clone, Debug)]
pub struct ClientPage {
    /// The clients.
    pub clients: Vec<ClientWithSecrets>,
    /// Where the next page starts; none on the last one.
    pub next: Option<(UnixMillis, ClientId)>,
}

/// Lists clients of the caller's account.
pub async fn list(app: &App, access: &KeyAccess, filter: ListFilter) -> Result<ClientPage, Error> {
    let mut reader = app.read().await?;
    // One more than asked for tells whether there is a next page.
    let limit = filter.limit.saturating_add(1);
    let account_id = access.account_id();
    let wanted = ClientFilter {
        with_deleted: filter.with_deleted,
        kind: filter.kind,
        environment: filter.environment,
    };
    let rows = clients::page(&mut reader, account_id, wanted, filter.after, limit).await?;
    let mut found = with_secrets(&mut reader, rows).await?;
    let more = found.len() > filter.limit as usize;
    found.truncate(filter.limit as usize);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| (last.client.created_at, last.client.id));
    Ok(ClientPage {
        clients: found,
        next,
    })
}

/// One client of the caller's account, in whatever state.
pub async fn show(app: &App, access: &KeyAccess, id: ClientId) -> Result<ClientWithSecrets, Error> {
    find(&mut *app.read().await?, access.account_id(), id).await
}

/// The newest clients and apps of the caller's account with `text` in their name, at most `limit`.
pub async fn find_by_text(
    app: &App,
    access: &KeyAccess,
    text: &str,
    limit: u32,
) -> Result<Vec<ClientWithSecrets>, Error> {
    let mut reader = app.read().await?;
    let found = clients::find(&mut reader, access.account_id(), text, limit).await?;
    with_secrets(&mut reader, found).await
}

async fn with_secrets(conn: &mut Conn, rows: Vec<Client>) -> Result<Vec<ClientWithSecrets>, Error> {
    let ids: Vec<ClientId> = rows.iter().map(|client| client.id).collect();
    let mut secrets = clients::secrets_of(conn, &ids).await?;
    let mut metadata = clients::metadata_of(conn, &ids).await?;
    let mut rotations = rotations::of_clients(conn, &ids).await?;
    let with_secrets = |client: Client| ClientWithSecrets {
        metadata: metadata.remove(&client.id).unwrap_or_default(),
        secrets: secrets.remove(&client.id).unwrap_or_default(),
        rotation: rotations.remove(&client.id),
        client,
    };
    Ok(rows.into_iter().map(with_secrets).collect())
}
