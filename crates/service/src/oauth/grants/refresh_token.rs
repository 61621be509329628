//! `refresh_token` (RFC 6749 section 6): each refresh token gives the next one, by the successor
//! rule of `model::refresh`.
//!
//! 1. The token is genuine and this client's. What its use means is found out; a replay ends the
//!    grant, whatever else is wrong with the request.
//! 2. The access token is made and signed.
//! 3. One transaction, under the family's row, finds out again what the use means and writes the
//!    successor. An answer that is lost costs nothing: the token works again until something that
//!    came of it is used.

use claviger_model::grants::GrantEnd;
use claviger_model::ids::{FamilyId, GrantId};
use claviger_model::keyring::macs_equal;
use claviger_model::refresh::{Presented, REFRESH_PREFIX, RefreshToken, TokenFamily};
use claviger_model::tokens::TokenGrant;
use claviger_model::{UnixMillis, secret};
use claviger_store::{StoreError, Tx, refresh_tokens, token_families};

use super::super::families::signature;
use super::super::user_tokens::{
    Authorization, NewRefreshToken, UserToken, refresh_expiry, standing,
};
use super::super::{Client, IssuedToken, Refusal, TokenRequest, quota};
use crate::app::{App, Effect};
use crate::error::Error;
use crate::grants;
use crate::uses::family_uses;

/// A refresh token with its family.
#[derive(Clone)]
pub(in super::super) struct Found {
    /// The token.
    pub(in super::super) token: RefreshToken,
    /// Its family.
    pub(in super::super) family: TokenFamily,
}

/// What a transaction made of a refresh token.
enum Outcome {
    /// It gave the next one, which has this generation.
    Rotated(u32),
    /// It gave nothing.
    Refused(Presented),
    /// Somebody else used it meanwhile: whether what came of that was used has to be found out.
    Unsure,
}

/// The tokens for a refresh token.
pub(in super::super) async fn issue(
    app: &App,
    client: &Client,
    request: &TokenRequest<'_>,
    text: &str,
) -> Result<IssuedToken, Refusal> {
    let found = find(app, text).await?;
    let mut found = found.filter(|found| found.family.client_id == client.entry.id);
    // The latest use of an access token of the family, once all nodes have been asked.
    let mut newest_use = None;
    let mut quota = None;
    loop {
        let Found { token, family } = found.ok_or_else(unknown)?;
        let known = newest_use.unwrap_or_default();
        match token.presented(&family, known, app.sources().now()) {
            Presented::Fresh => {}
            Presented::Retried if newest_use.is_some() => {}
            Presented::Retried => {
                newest_use = Some(family_uses::newest_anywhere(app, family.id).await?);
                found = find(app, text).await?;
                continue;
            }
            refused => return Err(refuse(app, client, &family, refused).await),
        }
        let standing = standing(app, family.grant_id).await?;
        let authorization = Authorization {
            grant_id: family.grant_id,
            authorized: family.authorized.clone(),
            gty: TokenGrant::RefreshToken,
        };
        let parts = (&standing, &authorization);
        let mut access = UserToken::new(app, client, request, parts, request.scope)?;
        let expected = family.generation.saturating_add(1);
        let mut signed = access.sign(app, (family.id, expected)).await?;
        if quota.is_none() {
            quota = quota::take_own(app, &client.entry, app.sources().now()).await?;
        }
        let successor = NewRefreshToken::of(app, &family, app.sources().now())?;
        match rotate(app, &token, &family, successor.row.clone(), newest_use).await? {
            Outcome::Rotated(generation) => {
                if generation != expected {
                    signed = access.sign_again(app, generation)?;
                }
                let issued = access.issued(signed, Some(successor.plaintext));
                return Ok(IssuedToken { quota, ..issued });
            }
            Outcome::Refused(refused) => {
                return Err(refuse(app, client, &family, refused).await);
            }
            Outcome::Unsure => {
                newest_use = Some(family_uses::newest_anywhere(app, family.id).await?);
                found = find(app, text).await?;
            }
        }
    }
}

/// The refresh token that `text` is, in whatever state.
pub(in super::super) async fn find(app: &App, text: &str) -> Result<Option<Found>, Refusal> {
    // Whatever else looks like one of our secrets is none of these, and costs no statement.
    if !text.starts_with(REFRESH_PREFIX) {
        return Ok(None);
    }
    let Ok(lookup) = secret::parse(text) else {
        return Ok(None);
    };
    let mut reader = app.read().await.map_err(Error::from)?;
    let token = refresh_tokens::by_lookup(&mut reader, lookup).await;
    let token = token.map_err(Error::from)?.filter(|token| {
        let stored = &token.stored;
        let hash = app.keyring().hash_secret(stored.pepper_version, text);
        hash.is_some_and(|hash| macs_equal(&hash, &stored.hash))
    });
    let Some(token) = token else {
        return Ok(None);
    };
    let family = token_families::get(&mut reader, token.family_id).await;
    let family = family.map_err(Error::from)?;
    Ok(family.map(|family| Found { token, family }))
}

/// Writes the successor, if the token still gives one. Uses of one family are one after the other.
async fn rotate(
    app: &App,
    token: &RefreshToken,
    family: &TokenFamily,
    successor: RefreshToken,
    newest_use: Option<u32>,
) -> Result<Outcome, Error> {
    let (lookup, id) = (token.stored.lookup, family.id);
    let app_inside = app.clone();
    app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, successor) = (app_inside.clone(), successor.clone());
        Box::pin(async move {
            token_families::lock(tx, id).await?;
            let token = refresh_tokens::by_lookup(tx, lookup).await?;
            let family = token_families::get(tx, id).await?;
            let Some((token, family)) = token.zip(family) else {
                return Ok(Outcome::Refused(Presented::Ended));
            };
            let now = app.sources().now();
            let known = newest_use.unwrap_or_default().max(used_here(&app, id));
            match token.presented(&family, known, now) {
                Presented::Fresh => {}
                Presented::Retried if newest_use.is_none() => return Ok(Outcome::Unsure),
                Presented::Retried => supersede(tx, &family, now).await?,
                refused => return Ok(Outcome::Refused(refused)),
            }
            let family = family.advance(token.generation, refresh_expiry(&app, now));
            refresh_tokens::update(tx, &token.use_at(now)).await?;
            token_families::update(tx, &family).await?;
            let successor = RefreshToken {
                generation: family.generation,
                expires_at: family.expires_at,
                ..successor
            };
            refresh_tokens::insert(tx, &successor).await?;
            Ok::<_, Error>(Outcome::Rotated(family.generation))
        })
    })
    .await
}

/// The latest use at this node that is not noted elsewhere yet.
fn used_here(app: &App, family: FamilyId) -> u32 {
    app.verifier().index().families().newest_use(family)
}

/// Replaces the refresh token that was issued last, which nobody has used.
async fn supersede(tx: &mut Tx, family: &TokenFamily, now: UnixMillis) -> Result<(), StoreError> {
    let last = refresh_tokens::of_generation(tx, family.id, family.generation).await?;
    match last {
        Some(last) => refresh_tokens::update(tx, &last.supersede(now)).await,
        None => Ok(()),
    }
}

/// What to say to a refresh token that gives nothing. A replay ends the grant first.
async fn refuse(app: &App, client: &Client, family: &TokenFamily, why: Presented) -> Refusal {
    if why != Presented::Replayed {
        let told = if why == Presented::Superseded {
            "A newer refresh token took the place of this one a moment ago, because two were asked \
             for at the same time. Use the newer one."
        } else {
            "This refresh token is over. Send the user to the authorization endpoint again."
        };
        return Refusal::invalid_grant(told);
    }
    if let Err(error) = end_replayed(app, client, family.grant_id).await {
        return error.into();
    }
    Refusal::invalid_grant(
        "This refresh token was used before, and so was what it gave. Somebody has a copy, so \
         what the user allowed this app has been ended. Send the user to the authorization \
         endpoint again.",
    )
}

/// Ends what the user allowed. When this returns, no node takes a token of it.
async fn end_replayed(app: &App, client: &Client, id: GrantId) -> Result<(), Error> {
    let signature = signature(client);
    let app_inside = app.clone();
    app.change(Effect::Removes, move |tx: &mut Tx| {
        let (app, signature) = (app_inside.clone(), signature.clone());
        Box::pin(async move {
            grants::end_in(tx, &app, id, GrantEnd::Replayed, &signature).await?;
            Ok::<_, Error>(())
        })
    })
    .await
}

/// Not genuine, or another client's: nobody is told which.
fn unknown() -> Refusal {
    Refusal::invalid_grant(
        "This is no refresh token of this client. Send it exactly as the token endpoint gave it, \
         from the client that got it.",
    )
}
