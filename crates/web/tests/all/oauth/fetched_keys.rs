//! Keys of clients that are at an address of theirs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::assertions::{Signing, key_set, settings, signing_client};
use super::client_keys::ClientKey;
use crate::instance::{for_each_app_with, merged};

/// A server of one set of keys on the loopback; how often it was asked.
pub(crate) struct KeyServer {
    pub(crate) url: String,
    set: Arc<Mutex<String>>,
    asked: Arc<AtomicU32>,
}

impl KeyServer {
    pub(crate) async fn start(set: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/jwks", listener.local_addr().expect("an address"));
        let (set, asked) = (Arc::new(Mutex::new(set.to_string())), Arc::default());
        let server = Self { url, set, asked };
        let (set, asked) = (Arc::clone(&server.set), Arc::clone(&server.asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                asked.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request).await;
                let body = set.lock().expect("a lock").clone();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\n\
                            connection: close\r\n";
                let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        server
    }

    fn serve(&self, set: &Value) {
        *self.set.lock().expect("a lock") = set.to_string();
    }

    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn keys_at_an_address_are_fetched_kept_for_a_while_and_fetched_again_for_a_new_one() {
    let mut settings = settings();
    settings.oauth.fetch_networks = vec!["127.0.0.0/8".parse().expect("a network")];
    for_each_app_with(&settings, async |instance| {
        let key = ClientKey::p256();
        let server = KeyServer::start(&key_set(&key)).await;
        let id = signing_client(instance, json!({"jwks_uri": server.url})).await;
        let signing = Signing { instance, id, key };
        let answers = join_all((0..8).map(|_| signing.with(json!({})))).await;
        assert!(
            answers.iter().all(|answer| answer.status == 200),
            "{answers:?}"
        );
        assert_eq!(server.asked(), 1);
        // A new key: not asked for at once, because anybody can name one.
        let second = ClientKey::p256();
        server.serve(&json!({"keys": [merged(&second.jwk(), &json!({"kid": "second"}))]}));
        let by_second = || {
            let header = json!({"alg": "ES256", "kid": "second"});
            second.signed(&header, &signing.claims(&json!({})))
        };
        signing
            .sent(&by_second())
            .await
            .oauth_error(401, "invalid_client");
        assert_eq!(server.asked(), 1);
        instance.pass(61_000).await;
        signing.with(json!({})).await.is(200);
        assert_eq!(server.asked(), 1);
        signing.sent(&by_second()).await.is(200);
        assert_eq!(server.asked(), 2);
        // The key that is gone is gone with the next fetch, and five minutes later at the latest.
        signing
            .with(json!({}))
            .await
            .oauth_error(401, "invalid_client");
        server.serve(&json!({"keys": [{"kty": "oct", "k": "AA"}]}));
        instance.pass(290_000).await;
        signing.sent(&by_second()).await.is(200);
        instance.pass(15_000).await;
        signing
            .sent(&by_second())
            .await
            .oauth_error(401, "invalid_client");
        let asked = server.asked();
        signing
            .sent(&by_second())
            .await
            .oauth_error(401, "invalid_client");
        assert_eq!(server.asked(), asked);
    })
    .await;
}
