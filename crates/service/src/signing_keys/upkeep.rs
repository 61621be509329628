//! What the keys need from time to time.

use std::collections::BTreeSet;

use claviger_model::UnixMillis;
use claviger_model::apis::SigningAlgorithm;
use claviger_model::changes::{Change, ChangeKind};
use claviger_model::signing_keys::{SigningKey, succession};
use claviger_store::{Conn, Tx, apis, settings, signing_keys};

use super::make::{ensure, persistently};
use super::rotate::rotate_when_due;
use super::{TOKENS_END_BY, lifetimes, noted_end};
use crate::app::{App, Effect};
use crate::error::Error;

/// For how long a lifetime may have been longer without being noticed: what a round of the jobs
/// takes, and more.
const UNNOTICED_MILLIS: i64 = 3 * 60 * 1_000;
/// How much later the noted end of all tokens is, so that it is not written in every round.
const SLACK_MILLIS: i64 = 60 * 60 * 1_000;

/// Makes the keys that the instance and its APIs use, rotates those that are old, publishes for
/// longer what signs longer tokens than was thought, and lets go of what is over.
pub(crate) async fn upkeep(app: &App) -> Result<(), Error> {
    let now = app.sources().now();
    app.signer().retire(&app.verifier().index(), now);
    for algorithm in used(app).await? {
        ensure(app, algorithm).await?;
        rotate_when_due(app, algorithm).await?;
    }
    persistently(|| note_lifetimes(app, now)).await
}

async fn used(app: &App) -> Result<Vec<SigningAlgorithm>, Error> {
    let apis = apis::list(&mut *app.read().await?).await?;
    let own = app.settings().tokens.signing_algorithm;
    let used = apis.iter().map(|api| api.spec.signing_algorithm);
    let names: BTreeSet<&str> = used.chain([own]).map(SigningAlgorithm::as_str).collect();
    Ok(names
        .into_iter()
        .filter_map(SigningAlgorithm::parse)
        .collect())
}

/// Notes how long tokens live at most, for when lifetimes become shorter, and keeps keys published
/// when they became longer after a rotation.
async fn note_lifetimes(app: &App, now: UnixMillis) -> Result<(), Error> {
    if unnoted(app, &mut *app.read().await?, now).await?.is_empty() {
        return Ok(());
    }
    let app_inside = app.clone();
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let app = app_inside.clone();
        Box::pin(async move {
            let unnoted = unnoted(&app, tx, now).await?;
            if let Some(end) = unnoted.tokens_end_by {
                settings::put(tx, TOKENS_END_BY, &end.0.to_string()).await?;
            }
            for key in unnoted.longer {
                signing_keys::update(tx, &key).await?;
                tx.change(Change::new(ChangeKind::SigningKey, key.id));
            }
            Ok::<_, Error>(())
        })
    })
    .await
}

/// What is not written down.
struct Unnoted {
    tokens_end_by: Option<UnixMillis>,
    longer: Vec<SigningKey>,
}

impl Unnoted {
    fn is_empty(&self) -> bool {
        self.tokens_end_by.is_none() && self.longer.is_empty()
    }
}

async fn unnoted(app: &App, conn: &mut Conn, now: UnixMillis) -> Result<Unnoted, Error> {
    let lifetimes = lifetimes(app, conn, now).await?;
    let noted = noted_end(conn).await?;
    let issued_now_end = now.plus_millis(lifetimes.longest_millis);
    let is_later = noted.is_none_or(|noted| noted < issued_now_end);
    let (keys, _) = signing_keys::all(conn).await?;
    let mut longer = Vec::new();
    for algorithm in SigningAlgorithm::ALL {
        let mut own = keys.clone();
        own.retain(|key| key.algorithm == algorithm && key.is_published(now));
        let lately = now.plus_millis(-UNNOTICED_MILLIS);
        longer.extend(succession(&own, lately, &lifetimes));
    }
    Ok(Unnoted {
        tokens_end_by: is_later.then(|| issued_now_end.plus_millis(SLACK_MILLIS)),
        longer,
    })
}
