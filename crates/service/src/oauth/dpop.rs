//! Tokens that are bound to a key of the client (RFC 9449), where tokens are obtained: whoever asks
//! shows that it holds the key, and the token is of no use to anybody else.

use claviger_verify::jose::dpop::{Expected, check};

use super::{Client, ErrorCode, Refusal, spent};
use crate::app::App;

/// The proof beside a request to an OAuth endpoint.
#[derive(Clone, Copy, Default)]
pub enum SentProof<'a> {
    /// None.
    #[default]
    None,
    /// The one `DPoP` header.
    One(&'a str),
    /// More than one header.
    Several,
}

/// The thumbprint of the key that `client` proved to hold in a POST to `path`; none when it sent no
/// proof, or these are switched off. The proof is used up.
///
/// # Errors
/// `invalid_dpop_proof`; `use_dpop_nonce`, with the nonce; `temporarily_unavailable`.
pub async fn prove(
    app: &App,
    client: &Client,
    proof: SentProof<'_>,
    path: &str,
) -> Result<Option<String>, Refusal> {
    let proved = prove_unnoted(app, proof, path).await;
    if let Err(refusal) = &proved {
        client.note_use(app, Some(refusal.reason()));
    }
    proved
}

/// The nonce that the next proof has to carry, where proofs have to.
pub fn proof_nonce(app: &App) -> Option<String> {
    let oauth = &app.settings().oauth;
    let asks = oauth.dpop && oauth.dpop_nonces;
    let nonce = asks.then(|| app.verifier().proof_nonce(app.sources().both()));
    nonce.flatten().map(|nonce| nonce.to_string())
}

/// Refuses a token request without key by a client whose tokens have to be bound to one (RFC 9449
/// section 5.2).
pub(super) fn check_bound(client: &Client, jkt: Option<&str>) -> Result<(), Refusal> {
    if jkt.is_some() || !client.entry.metadata.dpop_bound_access_tokens {
        return Ok(());
    }
    Err(invalid(
        "The tokens of this client have to be bound to a key. Send a proof in the header DPoP, to \
         a server that has oauth.dpop switched on.",
    ))
}

async fn prove_unnoted(
    app: &App,
    proof: SentProof<'_>,
    path: &str,
) -> Result<Option<String>, Refusal> {
    let proof = match proof {
        _ if !app.settings().oauth.dpop => return Ok(None),
        SentProof::None => return Ok(None),
        SentProof::Several => return Err(invalid("Two DPoP headers were sent. Send one.")),
        SentProof::One(proof) => proof,
    };
    let now = app.sources().both();
    let url = format!("{}{path}", app.settings().public_url);
    let expected = Expected {
        method: "POST",
        url: &url,
        access_token: None,
        now: now.wall,
    };
    let proof = check(proof, &expected).map_err(|why| invalid(why.to_string()))?;
    let asks_for_nonces = app.settings().oauth.dpop_nonces;
    let is_recent = |nonce: &String| app.verifier().is_proof_nonce(nonce, now);
    if asks_for_nonces && !proof.nonce.as_ref().is_some_and(is_recent) {
        return Err(Refusal {
            dpop_nonce: proof_nonce(app),
            ..Refusal::because(
                ErrorCode::UseDpopNonce,
                "The DPoP proof needs the nonce of the header DPoP-Nonce.",
            )
        });
    }
    let names = (proof.key.as_str(), &*proof.id);
    if !spent::spend(app, "proof", names, proof.expires_at).await? {
        return Err(invalid(
            "This DPoP proof was used before. Make a new one, with a jti of its own, each time.",
        ));
    }
    Ok(Some(proof.key.as_str().to_owned()))
}

fn invalid(description: impl Into<String>) -> Refusal {
    Refusal::because(ErrorCode::InvalidDpopProof, description)
}
