//! Alerts of GitHub's secret scanning: an array of what was found, signed with a key that GitHub
//! publishes (ECDSA over P-256 with SHA-256).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_model::Reason;
use claviger_model::ids::RequestId;
use claviger_model::time::DAY_MILLIS;
use claviger_store::{Tx, spent_identifiers};
use serde::{Deserialize, Serialize};

use super::report::{Reporter, Verdict, report};
use crate::app::App;
use crate::error::Error;
use crate::outbound::{FetchLimits, fetch};

/// What precedes the point of a P-256 key in its `SubjectPublicKeyInfo` (RFC 5480).
const P256_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const POINT_BYTES: usize = 65;
/// The most of GitHub's keys that are taken.
const KEYS_MAX: usize = 50;
/// How long fetched keys are believed, and how long nobody asks for others after they were.
const BELIEVED_MILLIS: i64 = 60 * 60 * 1_000;
const ASKED_AGAIN_MILLIS: i64 = 60 * 1_000;
/// How long an alert is remembered.
const REMEMBERED_MILLIS: i64 = 30 * DAY_MILLIS;
/// The most that is answered for one alert.
const TOKENS_MAX: usize = 200;

/// A key of GitHub's, in the form in which GitHub publishes them.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct PublicKey {
    /// What alerts call it.
    pub key_identifier: String,
    /// In PEM.
    pub key: String,
}

/// The document with the keys.
#[derive(Deserialize)]
struct PublicKeys {
    public_keys: Vec<PublicKey>,
}

/// The keys that were fetched last.
#[derive(Default)]
pub(crate) struct KnownKeys {
    fetched: ArcSwap<Fetched>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Fetched {
    keys: Vec<PublicKey>,
    at: i64,
}

/// One thing that was found.
#[derive(Deserialize)]
struct Match {
    token: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    source: Option<String>,
}

/// What GitHub is told of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Feedback {
    /// SHA-256 of the text, in hexadecimal.
    pub token_hash: String,
    /// The type that the alert called it.
    pub token_type: String,
    /// `true_positive` or `false_positive`.
    pub label: &'static str,
}

/// An alert as it came.
#[derive(Clone, Copy, Debug)]
pub struct Alert<'a> {
    /// `Github-Public-Key-Identifier`.
    pub key_identifier: Option<&'a str>,
    /// `Github-Public-Key-Signature`.
    pub signature: Option<&'a str>,
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// From which address.
    pub ip: Option<IpAddr>,
    /// In which request.
    pub request_id: Option<RequestId>,
}

/// Reads a document with keys as GitHub publishes them; those of another kind are left out.
///
/// # Errors
/// It is none.
pub fn read_keys(document: &[u8]) -> Result<Vec<PublicKey>, String> {
    let read: PublicKeys = serde_json::from_slice(document)
        .map_err(|_| "must be JSON with the keys of GitHub in public_keys".to_owned())?;
    let keys = read.public_keys.into_iter();
    Ok(keys
        .filter(|key| point(&key.key).is_some())
        .take(KEYS_MAX)
        .collect())
}

/// Ends what an alert found, and says what of it was a credential of this instance. An alert that
/// comes again is answered the same and changes nothing.
///
/// # Errors
/// `not_found` where alerts are switched off, `invalid_credential` for one that GitHub did not
/// sign, `malformed`, `rate_limited`; and what keeps a report from being carried out.
pub async fn take(app: &App, alert: Alert<'_>) -> Result<Vec<Feedback>, Error> {
    if !app.settings().leaks.github {
        return Err(Error::not_found("thing here"));
    }
    let now = app.sources().both();
    if !is_signed(app, &alert).await? {
        // Only those who cannot sign are kept from asking often.
        if let Err(seconds) = app.leaks().networks.take(alert.ip, now.boot_nanos) {
            let message = "Too many alerts with a wrong signature.";
            return Err(Error::too_many(message, seconds));
        }
        let message = "The signature of this alert is not GitHub's.";
        return Err(Error::because(Reason::InvalidCredential, message));
    }
    let matches: Vec<Match> = serde_json::from_slice(alert.body).map_err(|_| {
        let message = "An alert is a JSON array of objects with token and type.";
        Error::because(Reason::Malformed, message)
    })?;
    if matches.len() > TOKENS_MAX {
        let message = format!("At most {TOKENS_MAX} tokens are taken in one alert.");
        return Err(Error::because(Reason::TooLarge, message));
    }
    let once = format!("github alert {}", hex(digest(&SHA256, alert.body).as_ref()));
    let is_replay = is_remembered(app, &once).await?;
    let mut answer = Vec::with_capacity(matches.len());
    for found in matches {
        answer.push(taken(app, &alert, found, is_replay).await?);
    }
    if !is_replay {
        remember(app, once).await?;
    }
    Ok(answer)
}

async fn taken(
    app: &App,
    alert: &Alert<'_>,
    found: Match,
    is_replay: bool,
) -> Result<Feedback, Error> {
    let verdict = if is_replay {
        match app.verifier().whose(&found.token, app.sources().both()) {
            Some(_) => Verdict::Ours,
            None => Verdict::Unknown,
        }
    } else {
        let reporter = Reporter {
            actor: "github",
            ip: alert.ip,
            request_id: alert.request_id,
            url: found.url.filter(|url| !url.is_empty()),
            source: found.source,
        };
        report(app, &found.token, &reporter).await?
    };
    Ok(Feedback {
        token_hash: hex(digest(&SHA256, found.token.as_bytes()).as_ref()),
        token_type: found.kind,
        label: match verdict {
            Verdict::Ours => "true_positive",
            Verdict::Unknown => "false_positive",
        },
    })
}

async fn is_signed(app: &App, alert: &Alert<'_>) -> Result<bool, Error> {
    let (Some(identifier), Some(signature)) = (alert.key_identifier, alert.signature) else {
        return Ok(false);
    };
    let Ok(signature) = STANDARD.decode(signature) else {
        return Ok(false);
    };
    let Some(key) = key(app, identifier).await? else {
        return Ok(false);
    };
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key);
    Ok(key.verify(alert.body, &signature).is_ok())
}

/// The point of the key with this identifier: of the operator's file where there is one, else of
/// what GitHub publishes.
async fn key(app: &App, identifier: &str) -> Result<Option<Vec<u8>>, Error> {
    let among = |keys: &[PublicKey]| {
        let found = keys.iter().find(|key| key.key_identifier == identifier)?;
        point(&found.key)
    };
    let settings = &app.settings().leaks;
    if let Some(keys) = &settings.github_keys {
        return Ok(among(keys));
    }
    let known = &app.leaks().github_keys;
    let fetched = known.fetched.load_full();
    let age = app.sources().now().0 - fetched.at;
    if age < BELIEVED_MILLIS
        && let Some(found) = among(&fetched.keys)
    {
        return Ok(Some(found));
    }
    let _asking = known.asking.lock().await;
    let fetched = known.fetched.load_full();
    // Others may have asked meanwhile; and whoever makes identifiers up does not have us ask often.
    if app.sources().now().0 - fetched.at < ASKED_AGAIN_MILLIS {
        return Ok(among(&fetched.keys));
    }
    let limits = FetchLimits {
        time: Duration::from_secs(5),
        ..FetchLimits::default()
    };
    let document = fetch(app, &settings.github_keys_url, limits).await;
    let at = app.sources().now().0;
    let keys = match document.map_err(|error| error.to_string()) {
        Ok(document) => read_keys(&document.body),
        Err(error) => Err(error),
    };
    match keys {
        Ok(keys) => {
            let found = among(&keys);
            known.fetched.store(Arc::new(Fetched { keys, at }));
            Ok(found)
        }
        Err(error) => {
            tracing::warn!(error, "the keys of GitHub's alerts cannot be fetched");
            // What was known goes on for a minute, then it is asked for again.
            let keys = fetched.keys.clone();
            let found = among(&keys);
            known.fetched.store(Arc::new(Fetched { keys, at }));
            match found {
                Some(found) => Ok(Some(found)),
                None => Err(Error::stale()),
            }
        }
    }
}

/// The point of a P-256 key in PEM.
fn point(pem: &str) -> Option<Vec<u8>> {
    let body = pem
        .trim()
        .strip_prefix("-----BEGIN PUBLIC KEY-----")?
        .strip_suffix("-----END PUBLIC KEY-----")?;
    let body: String = body.split_whitespace().collect();
    let der = STANDARD.decode(body).ok()?;
    let point = der.strip_prefix(&P256_HEAD)?;
    (point.len() == POINT_BYTES).then(|| point.to_vec())
}

async fn is_remembered(app: &App, once: &str) -> Result<bool, Error> {
    let mut reader = app.read().await?;
    Ok(spent_identifiers::is_spent(&mut reader, once).await?)
}

async fn remember(app: &App, once: String) -> Result<(), Error> {
    let until = app.sources().now().plus_millis(REMEMBERED_MILLIS);
    let written = app.db().write(move |tx: &mut Tx| {
        let once = once.clone();
        Box::pin(async move {
            spent_identifiers::spend(tx, &once, until).await?;
            Ok::<_, Error>(())
        })
    });
    written.await.map(|_| ())
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}
