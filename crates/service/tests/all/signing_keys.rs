use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_model::Reason;
use claviger_model::apis::{ApiDraft, SigningAlgorithm};
use claviger_model::ids::SigningKeyId;
use claviger_model::signing_keys::SigningKey;
use claviger_model::time::DAY_MILLIS;
use claviger_service::settings::Settings;
use claviger_service::signing_keys::{ensure, list, rotate, withdraw};
use claviger_service::testing::{Location, TestApp, for_each_app, forge_signing_keys};
use claviger_service::{apis, jobs};
use claviger_store::signing_keys;
use serde_json::Value;

use crate::token_support::{inspect, make_client, shift, token, until};

const ES256: SigningAlgorithm = SigningAlgorithm::Es256;
/// How much of a private key is looked for, in bytes.
const PIECE: usize = 24;

/// The statuses of all keys, by algorithm and generation.
async fn statuses(test: &TestApp) -> Vec<&'static str> {
    let access = test.operator.operator().unwrap();
    let listed = list(&test.app, &access).await.unwrap();
    listed.iter().map(|listed| listed.status.as_str()).collect()
}

/// The ids of the keys that are shown to verifiers.
fn shown(test: &TestApp) -> Vec<String> {
    let jwks: Value = serde_json::from_str(&test.app.signer().jwks().json).unwrap();
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

async fn rotated(test: &TestApp) -> SigningKey {
    let access = test.operator.operator().unwrap();
    rotate(&test.app, &access, Some(ES256), None)
        .await
        .unwrap()
        .key
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_key_is_made_once_and_signs_at_once() {
    for_each_app(async |test| {
        make_client(test).await;
        for algorithm in SigningAlgorithm::ALL {
            let now = test.app.sources().now();
            assert!(!test.app.signer().can_sign(algorithm, now));
            let asking = (0..8).map(|_| {
                let app = test.app.clone();
                tokio::spawn(async move { ensure(&app, algorithm).await })
            });
            for task in asking.collect::<Vec<_>>() {
                task.await.unwrap().unwrap();
            }
            let token = token(test, algorithm);
            assert_eq!(inspect(test, &token), Ok(()), "{algorithm:?}");
            let (signed, _) = token.rsplit_once('.').unwrap();
            assert!(inspect(test, &format!("{signed}.AAAA")).is_err());
        }
        assert_eq!(statuses(test).await, ["signing"; 3]);
        assert_eq!(shown(test).len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_published_then_signs_then_is_retired_and_gone() {
    for_each_app(async |test| {
        make_client(test).await;
        ensure(&test.app, ES256).await.unwrap();
        let first = token(test, ES256);
        let second = rotated(test).await;
        assert_eq!(statuses(test).await, ["signing", "published"]);
        let tags = test.app.signer().jwks().tag.clone();
        assert_eq!(
            shown(test).len(),
            2,
            "verifiers may know it before it signs"
        );
        assert!(!token(test, ES256).starts_with(&header_of(second.id)));

        shift(test, 300_001).await;
        assert_eq!(statuses(test).await, ["retired", "signing"]);
        assert!(token(test, ES256).starts_with(&header_of(second.id)));
        assert_eq!(inspect(test, &first), Ok(()), "a retired key verifies");
        assert_eq!(tags, test.app.signer().jwks().tag, "nothing else is shown");

        // An hour for the last token, a minute for clocks.
        shift(test, 3_600_000).await;
        assert_eq!(statuses(test).await, ["retired", "signing"]);
        shift(test, 60_001).await;
        assert_eq!(statuses(test).await, ["gone", "signing"]);
        let jobs = jobs::start(test.app.clone());
        until(async || shown(test) == [second.id.to_string()]).await;
        jobs.stop().await;
        assert_eq!(inspect(test, &first), Err(Reason::InvalidCredential));
        assert_ne!(tags, test.app.signer().jwks().tag);
    })
    .await;
}

fn header_of(id: SigningKeyId) -> String {
    let header = format!("{{\"alg\":\"ES256\",\"kid\":\"{id}\",\"typ\":\"at+jwt\"}}");
    URL_SAFE_NO_PAD.encode(header)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_rotations_fail_no_verification() {
    let mut settings = Settings::default();
    settings.tokens.jwks_cache_seconds = 1;
    settings.lease_millis = 3_000;
    for test in TestApp::on_each(&settings).await {
        make_client(&test).await;
        ensure(&test.app, ES256).await.unwrap();
        let test = Arc::new(test);
        let (stop, verified) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let verifying = (0..8).map(|_| {
            let (test, stop) = (Arc::clone(&test), Arc::clone(&stop));
            let verified: Arc<AtomicUsize> = Arc::clone(&verified);
            tokio::spawn(async move {
                let mut kept = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let fresh = token(&test, ES256);
                    for token in kept.iter().chain([&fresh]) {
                        match inspect(&test, token) {
                            Ok(()) => verified.fetch_add(1, Ordering::Relaxed),
                            // A machine that is busy misses heartbeats.
                            Err(Reason::Stale) => 0,
                            Err(reason) => panic!("{reason:?}"),
                        };
                    }
                    kept.push(fresh);
                    kept.truncate(20);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        });
        let verifying: Vec<_> = verifying.collect();
        for _ in 0..10 {
            rotated(&test).await;
        }
        until(async || {
            let statuses = statuses(&test).await;
            statuses.len() == 11 && statuses[10] == "signing"
        })
        .await;
        stop.store(true, Ordering::Relaxed);
        for task in verifying {
            task.await.unwrap();
        }
        assert!(verified.load(Ordering::Relaxed) > 100);
        assert_eq!(statuses(&test).await[..10], ["retired"; 10]);
        Arc::into_inner(test).unwrap().close().await;
    }
}

#[tokio::test]
async fn only_so_many_keys_wait_for_their_turn() {
    for_each_app(async |test| {
        let access = test.operator.operator().unwrap();
        for _ in 0..21 {
            rotated(test).await;
        }
        let refused = rotate(&test.app, &access, Some(ES256), None)
            .await
            .unwrap_err();
        assert_eq!(refused.reason(), Reason::Conflict);
        assert!(
            refused.to_string().contains("wait for their turn"),
            "{refused}"
        );
        assert_eq!(statuses(test).await[..2], ["signing", "published"]);
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_key_verifies_nothing_and_another_signs() {
    for_each_app(async |test| {
        make_client(test).await;
        let access = test.operator.operator().unwrap();
        let first = rotated(test).await;
        let stolen = token(test, ES256);
        withdraw(&test.app, &access, first.id).await.unwrap();
        assert_eq!(inspect(test, &stolen), Err(Reason::InvalidCredential));
        assert_eq!(statuses(test).await, ["withdrawn", "signing"]);
        assert_eq!(inspect(test, &token(test, ES256)), Ok(()));
        withdraw(&test.app, &access, first.id).await.unwrap();
        assert_eq!(statuses(test).await, ["withdrawn", "signing"]);

        // One that waits takes the place, since verifiers may know it already.
        let third = rotated(test).await;
        let second = list(&test.app, &access).await.unwrap()[1].key.clone();
        assert!(second.published_until.is_some());
        withdraw(&test.app, &access, second.id).await.unwrap();
        assert_eq!(statuses(test).await, ["withdrawn", "withdrawn", "signing"]);
        assert!(token(test, ES256).starts_with(&header_of(third.id)));

        // One that only waited: the one before goes on without end.
        let fourth = rotated(test).await;
        withdraw(&test.app, &access, fourth.id).await.unwrap();
        let listed = list(&test.app, &access).await.unwrap();
        assert_eq!(listed[2].key.published_until, None);
        assert_eq!(shown(test), [third.id.to_string()]);
        let unknown = SigningKeyId(9);
        let unknown = withdraw(&test.app, &access, unknown).await.unwrap_err();
        assert_eq!(unknown.reason(), Reason::NotFound);
    })
    .await;
}

#[tokio::test]
async fn old_keys_are_rotated_and_lifetimes_that_change_are_thought_of() {
    let mut settings = Settings::default();
    settings.tokens.signing_key_days = 2;
    for test in TestApp::on_each(&settings).await {
        let access = test.operator.operator().unwrap();
        let work = async || jobs::start(test.app.clone()).stop().await;
        work().await;
        assert_eq!(statuses(&test).await, ["signing"]);
        shift(&test, 2 * DAY_MILLIS - 330_000).await;
        work().await;
        assert_eq!(statuses(&test).await, ["signing"]);
        shift(&test, 31_000).await;
        work().await;
        work().await;
        assert_eq!(statuses(&test).await, ["signing", "published"]);
        let listed = list(&test.app, &access).await.unwrap();
        assert_eq!(listed[0].key.algorithm, ES256);
        let begins = listed[1].key.signs_from;
        let until = listed[0].key.published_until.unwrap();
        assert!(until.since(begins) >= 3_660_000 && until.since(begins) < 2 * 3_660_000);

        // Somebody makes tokens live for a week while the first one still signs.
        let draft = ApiDraft {
            name: Some("Slow".into()),
            audience: Some("https://slow.acme.test".into()),
            token_lifetime_seconds: Some(Some(7 * 86_400)),
            ..ApiDraft::default()
        };
        let api = apis::create(&test.app, &access, draft, None).await.unwrap();
        work().await;
        let listed = list(&test.app, &access).await.unwrap();
        let until = listed[0].key.published_until.unwrap();
        assert!(until.since(begins) >= 7 * DAY_MILLIS + 60_000);
        // And for an hour again: those of a week are still there.
        apis::delete(&test.app, &access, api.id).await.unwrap();
        let third = rotated(&test).await;
        let listed = list(&test.app, &access).await.unwrap();
        assert_eq!(listed[2].key.id, third.id);
        let until = listed[1].key.published_until.unwrap();
        assert!(until.since(test.app.sources().now()) >= 7 * DAY_MILLIS);
        test.close().await;
    }
}

#[tokio::test]
async fn a_key_that_somebody_wrote_is_not_taken() {
    for_each_app(async |test| {
        make_client(test).await;
        ensure(&test.app, ES256).await.unwrap();
        let token_before = token(test, ES256);
        let db = &test.database().db;
        forge_signing_keys(db).await.unwrap();
        until(async || shown(test).is_empty()).await;
        let refused = inspect(test, &token_before);
        assert_eq!(refused, Err(Reason::InvalidCredential));
        ensure(&test.app, ES256).await.unwrap();
        assert_eq!(inspect(test, &token(test, ES256)), Ok(()));
        let (good, bad) = {
            let mut reader = test.database().db.read().await.unwrap();
            signing_keys::all(&mut reader).await.unwrap()
        };
        assert_eq!((good[0].generation, bad.len()), (2, 1));
    })
    .await;
}

#[tokio::test]
async fn a_private_half_is_on_no_disk() {
    let test = claviger_service::testing::app().await;
    let access = test.operator.operator().unwrap();
    for algorithm in SigningAlgorithm::ALL {
        ensure(&test.app, algorithm).await.unwrap();
    }
    let Location::Sqlite { file } = &test.database().location else {
        panic!("not a file");
    };
    let directory = file.parent().unwrap();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        files.push(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let mut sealed = HashSet::new();
    let mut private = HashSet::new();
    for listed in list(&test.app, &access).await.unwrap() {
        let key = listed.key;
        let context = SigningKey::context(key.id);
        let pkcs8 = test.app.keyring().decrypt(&context, &key.sealed_private);
        // The public half is in there too, and may be seen.
        let jwk: Value = serde_json::from_str(&key.public_jwk).unwrap();
        let public = jwk["x"].as_str().or(jwk["n"].as_str()).unwrap();
        let public = URL_SAFE_NO_PAD.decode(public).unwrap();
        let shown: HashSet<&[u8]> = public.windows(PIECE).collect();
        let pkcs8 = pkcs8.unwrap();
        let pieces = pkcs8.windows(PIECE).filter(|piece| !shown.contains(piece));
        private.extend(pieces.map(<[u8]>::to_vec));
        sealed.insert(key.sealed_private[..PIECE].to_vec());
    }
    let found = |pieces: &HashSet<Vec<u8>>| {
        let windows = files.iter().flat_map(|bytes| bytes.windows(PIECE));
        windows.filter(|piece| pieces.contains(*piece)).count()
    };
    assert!(found(&sealed) >= 3, "it is looked for in the right place");
    assert_eq!(found(&private), 0);
    test.close().await;
}
