//! Credentials that nobody has issued. That they cost no statement is a test of the routes
//! (`unknown`).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_service::sources::Sources;
use serde_json::json;

use super::amount;
use super::good::Good;
use super::talk::{Statuses, send_all, sum};
use super::target::Target;
use crate::http::head;

/// Senders at the same time.
const AT_ONCE: usize = 8;
/// What each of them sends at first, and then three times as much.
const EACH: usize = 250;
/// How much more memory four times as many may take, in MiB.
const GROWTH_MEBIBYTES: u64 = 48;

/// What a flood is made of.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The prefix and the checksum of a key are right.
    WellFormed,
    Garbage,
    /// A token by its looks, which some key pair of ours would have signed.
    Token,
}

impl Kind {
    fn credential(self, sources: &Sources) -> String {
        let random = sources.key().unwrap();
        match self {
            Self::WellFormed => sources.mint("ck_live_").unwrap().expose().to_owned(),
            Self::Garbage => URL_SAFE_NO_PAD.encode(&random[..]),
            Self::Token => {
                let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
                let id = URL_SAFE_NO_PAD.encode(&random[..16]);
                let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": id});
                let claims =
                    json!({"iss": "http://127.0.0.1", "exp": 4_102_444_800_i64, "jti": id});
                let signature = URL_SAFE_NO_PAD.encode([&random[..], &random[..]].concat());
                format!("{}.{}.{signature}", part(header), part(claims))
            }
        }
    }
}

/// Sends `each` requests from each sender.
async fn flood(target: &Target, kind: Kind, each: usize) -> Statuses {
    let sources = Arc::new(Sources::system().unwrap());
    let senders = (0..AT_ONCE).map(|sender| {
        let (internal, sources) = (target.internal.clone(), Arc::clone(&sources));
        tokio::spawn(async move {
            let requests = (0..each).map(|_| {
                let credential = kind.credential(&sources);
                let request = if sender % 2 == 0 {
                    let ask =
                        json!({"credential": credential, "method": "GET", "path": "/v1/leads"});
                    head(
                        "POST",
                        &internal,
                        "/v1/verify",
                        None,
                        Some(&ask),
                        "keep-alive",
                    )
                } else {
                    let path = "/verify/http";
                    head(
                        "GET",
                        &internal,
                        path,
                        Some(&credential),
                        None,
                        "keep-alive",
                    )
                };
                request.into_bytes()
            });
            send_all(&internal, requests).await
        })
    });
    let mut all = Vec::new();
    for sender in senders.collect::<Vec<_>>() {
        all.push(sender.await.unwrap());
    }
    sum(all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_unknown_credentials_take_no_memory() {
    let target = Target::start().await;
    for kind in [Kind::WellFormed, Kind::Garbage, Kind::Token] {
        let each = amount(EACH);
        flood(&target, kind, each).await;
        let (before, good) = (target.memory(), Good::start(&target));
        let answered = flood(&target, kind, 3 * each).await;
        let (good, after) = (good.end().await, target.memory());
        let sent = 3 * each * AT_ONCE;
        eprintln!(
            "floods: {sent} of {kind:?}: answered {answered:?}, {before} to {after}, {good} good \
             requests meanwhile"
        );
        // The question is answered with 200, that of a proxy with 401.
        let half = |of: usize| Statuses::from([(200, of / 2), (401, of / 2)]);
        assert_eq!(answered, half(sent));
        after.grew_at_most(GROWTH_MEBIBYTES, before);
    }
}
