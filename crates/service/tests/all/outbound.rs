//! What is fetched from addresses that strangers name.

use std::time::Duration;

use claviger_service::outbound::{FetchError, FetchLimits, Fetched, fetch};
use claviger_service::settings::{OAuthSettings, Settings};
use claviger_service::testing::{TestApp, TestDatabase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server on loopback that gives each connection this answer and keeps it open; its address.
async fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            open.push(stream);
        }
    });
    format!("http://{address}/x")
}

async fn app(networks: &[&str]) -> TestApp {
    let settings = Settings {
        oauth: OAuthSettings {
            fetch_networks: networks.iter().map(|n| n.parse().unwrap()).collect(),
            ..OAuthSettings::default()
        },
        ..Settings::default()
    };
    TestApp::on(TestDatabase::sqlite().await, settings).await
}

async fn fetched(app: &TestApp, url: &str) -> Result<Fetched, FetchError> {
    fetched_within(Duration::from_secs(10), app, url).await
}

async fn fetched_within(time: Duration, app: &TestApp, url: &str) -> Result<Fetched, FetchError> {
    let limits = FetchLimits { bytes: 64, time };
    fetch(&app.app, url, limits).await
}

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
     cache-control: max-age=60\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn what_an_operators_network_has_is_fetched_and_nothing_of_others() {
    let url = server(GOOD).await;
    let near = app(&["127.0.0.0/8"]).await;
    let expected = Fetched {
        body: b"{}".to_vec(),
        max_age_seconds: Some(60),
    };
    assert_eq!(fetched(&near, &url).await, Ok(expected));
    let strict = app(&[]).await;
    for url in [
        url.clone(),
        url.replace("http:", "https:"),
        url.replace("http:", "https:")
            .replace("127.0.0.1", "localhost"),
        url.replace("http:", "https:")
            .replace("127.0.0.1", "2130706433"),
        url.replace("http:", "https:")
            .replace("127.0.0.1", "[::ffff:127.0.0.1]"),
    ] {
        let refused = fetched(&strict, &url).await;
        assert_eq!(refused, Err(FetchError::Forbidden), "{url}");
    }
    let named = url.replace("127.0.0.1", "localhost");
    assert!(matches!(
        fetched(&strict, &named).await,
        Err(FetchError::Address(_))
    ));
    near.close().await;
    strict.close().await;
}

#[tokio::test]
async fn only_json_of_the_right_size_counts_and_no_redirect_is_followed() {
    let app = app(&["127.0.0.0/8"]).await;
    let far = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let html = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\n{}";
    let large = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 65\r\n\r\n\
        [                                                               ]";
    let endless = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n1\r\n{\r\n";
    for (answer, expected) in [
        (far, FetchError::Status(302)),
        (html, FetchError::NotJson),
        (large, FetchError::TooLarge(64)),
        (
            "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n",
            FetchError::Status(500),
        ),
    ] {
        let url = server(answer).await;
        assert_eq!(fetched(&app, &url).await, Err(expected), "{answer}");
    }
    for answer in [endless, ""] {
        let url = server(answer).await;
        let late = fetched_within(Duration::from_secs(1), &app, &url).await;
        assert_eq!(late, Err(FetchError::TooLate), "{answer}");
    }
    let nobody = fetched(&app, "http://127.0.0.1:1/x").await;
    assert_eq!(nobody, Err(FetchError::Unreachable));
    app.close().await;
}
