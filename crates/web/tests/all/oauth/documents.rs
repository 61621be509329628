//! Apps that are the address of a document.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use claviger_service::settings::{OAuthSettings, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::instance::{Instance, for_each_app_with, merged, text};
use super::super::requests::{Answer, delete, get};

const CALLBACK: &str = "http://127.0.0.1/cb";

/// A server of one document.
struct Site {
    url: String,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Site {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/client.json", listener.local_addr().unwrap());
        let (answer, asked) = (Arc::new(Mutex::new(String::new())), Arc::default());
        let site = Self {
            url,
            answer: Arc::clone(&answer),
            asked: Arc::clone(&asked),
        };
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                asked.fetch_add(1, Ordering::Relaxed);
                let body = answer.lock().unwrap().clone();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                     cache-control: max-age=600\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((head + &body).as_bytes()).await;
            }
        });
        site.says(&json!({}));
        site
    }

    /// From now on the document has these members too.
    fn says(&self, more: &Value) {
        let document = json!({"client_id": self.url, "client_name": "Assistant",
            "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"]});
        self.says_plainly(&merged(&document, more).to_string());
    }

    fn says_plainly(&self, text: &str) {
        text.clone_into(&mut self.answer.lock().unwrap());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn settings(is_on: bool) -> Settings {
    Settings {
        oauth: OAuthSettings {
            client_id_metadata_documents: is_on,
            fetch_networks: vec!["127.0.0.0/8".parse().unwrap()],
            ..OAuthSettings::default()
        },
        ..Settings::default()
    }
}

async fn authorize(instance: &Instance, client_id: &str, callback: &str) -> Answer {
    let path = format!(
        "/oauth/authorize?response_type=code&scope=read:leads&code_challenge_method=S256\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
         &client_id={client_id}&redirect_uri={callback}"
    );
    instance.send(get(&path)).await
}

#[tokio::test]
async fn an_app_is_what_its_document_says() {
    for_each_app_with(&settings(true), async |instance| {
        let site = Site::start().await;
        let loopback = "http://127.0.0.1:4711/cb";
        for _ in 0..3 {
            let answer = authorize(instance, &site.url, loopback).await;
            assert_eq!(answer.status, 303, "{answer:?}");
        }
        assert_eq!(site.asked(), 1, "remembered");
        let elsewhere = authorize(instance, &site.url, "https://evil.test/cb").await;
        assert_eq!(elsewhere.status, 400, "{elsewhere:?}");
        let operator = instance.session("operator").await;
        let accounts = instance
            .send(get("/v1/accounts").by(&operator))
            .await
            .is(200);
        let accounts = accounts["data"].as_array().unwrap().clone();
        let account = accounts.iter().find(|a| a["name"] == "Registered apps");
        let account = text(account.expect("the account"), "id").to_owned();
        let path = format!("/v1/clients?account_id={account}");
        let app = async || {
            let listed = instance.send(get(&path).by(&operator)).await.is(200);
            assert!(listed["data"].as_array().unwrap().len() <= 1, "{listed}");
            listed["data"][0].clone()
        };
        let first = app().await;
        assert_eq!(
            (
                &first["client_id"],
                &first["origin"],
                &first["public"],
                &first["name"]
            ),
            (
                &json!(site.url),
                &json!("document"),
                &json!(true),
                &json!("Assistant")
            )
        );
        // What it says later holds later.
        site.says(&json!({"redirect_uris": ["https://app.test/new"]}));
        instance.pass(601_000).await;
        let answer = authorize(instance, &site.url, "https://app.test/new").await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let second = app().await;
        assert_eq!(second["redirect_uris"], json!(["https://app.test/new"]));
        assert_eq!(first["id"], second["id"]);
        // What an operator deleted stays deleted.
        let one = format!("/v1/clients/{}?account_id={account}", text(&first, "id"));
        instance.send(delete(&one).by(&operator)).await.is(200);
        instance.pass(601_000).await;
        let answer = authorize(instance, &site.url, "https://app.test/new").await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(app().await, Value::Null);
    })
    .await;
}

#[tokio::test]
async fn a_document_that_describes_no_app_is_told_and_remembered_for_a_minute() {
    for_each_app_with(&settings(true), async |instance| {
        let site = Site::start().await;
        for (more, word) in [
            (
                json!({"client_id": "https://app.test/client.json"}),
                "client_id",
            ),
            (json!({"client_id": null}), "client_id"),
            (json!({"client_secret": "x"}), "client secret"),
            (
                json!({"token_endpoint_auth_method": "client_secret_basic"}),
                "private_key_jwt",
            ),
            (
                json!({"token_endpoint_auth_method": "private_key_jwt"}),
                "jwks",
            ),
            (json!({"redirect_uris": ["http://app.test/cb"]}), "https"),
            (json!({"redirect_uris": []}), "redirect_uris"),
        ] {
            site.says(&more);
            let before = site.asked();
            for _ in 0..2 {
                let answer = authorize(instance, &site.url, CALLBACK).await;
                assert_eq!(answer.status, 400, "{more}: {answer:?}");
                assert!(answer.text.contains(word), "{more}: {answer:?}");
                assert!(answer.headers.get("location").is_none());
            }
            assert_eq!(site.asked(), before + 1, "{more}");
            instance.pass(61_000).await;
        }
        site.says_plainly("[]");
        let answer = authorize(instance, &site.url, CALLBACK).await;
        assert!(answer.text.contains("JSON object"), "{answer:?}");
        instance.pass(61_000).await;
        site.says(&json!({}));
        let answer = authorize(instance, &site.url, CALLBACK).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        // Addresses that are not asked at all.
        let asked = site.asked();
        for wrong in [
            site.url.replace("/client.json", ""),
            site.url.replace("/client.json", "/"),
            site.url.replace("/client.json", "/a/../client.json"),
            site.url.replace("127.0.0.1", "user@127.0.0.1"),
            format!("{}%23x", site.url),
            site.url.replace("127.0.0.1", "localhost"),
            "http://10.0.0.1/client.json".to_owned(),
        ] {
            let answer = authorize(instance, &wrong, CALLBACK).await;
            assert_eq!(answer.status, 400, "{wrong}: {answer:?}");
        }
        assert_eq!(site.asked(), asked);
    })
    .await;
}

#[tokio::test]
async fn where_it_is_switched_off_nothing_is_fetched() {
    for_each_app_with(&settings(false), async |instance| {
        let site = Site::start().await;
        let answer = authorize(instance, &site.url, CALLBACK).await;
        assert_eq!((answer.status, site.asked()), (400, 0), "{answer:?}");
    })
    .await;
    for_each_app_with(&settings(true), async |instance| {
        let metadata = "/.well-known/oauth-authorization-server";
        let told = instance.send(get(metadata)).await.is(200);
        assert_eq!(told["client_id_metadata_document_supported"], true);
    })
    .await;
}
