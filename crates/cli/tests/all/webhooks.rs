//! `claviger webhook` beside a running server, and what the server sends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::directory::Directory;
use crate::program::{Ran, Server, run, until};
use crate::serve::initialised;

/// A server that takes messages, and answers the first ones with the statuses that it was given.
struct Receiver {
    url: String,
    came: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    async fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/told", listener.local_addr().unwrap());
        let came = Arc::new(Mutex::new(Vec::new()));
        let inside = Arc::clone(&came);
        let mut statuses: VecDeque<u16> = statuses.iter().copied().collect();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let status = statuses.pop_front().unwrap_or(204);
                let message = taken(stream, status).await;
                inside.lock().unwrap().push(message);
            }
        });
        Self { url, came }
    }

    /// The message number `number`, from nothing, as head and JSON, when it has come.
    async fn message(&self, number: usize) -> (String, Value) {
        let came = async || self.came.lock().unwrap().get(number).cloned();
        let text = until(came).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), serde_json::from_str(body).unwrap())
    }

    /// The head of test number `number`, from one, when it has come.
    async fn tests(&self, number: usize) -> String {
        let came = async || {
            let came = self.came.lock().unwrap();
            let mut tests = came.iter().filter(|text| text.contains("\"webhook.test\""));
            tests.nth(number - 1).cloned()
        };
        let text = until(came).await;
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        head.to_lowercase()
    }
}

/// Reads a message and answers it.
async fn taken(mut stream: TcpStream, status: u16) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk).await.unwrap();
        assert_ne!(read, 0, "the message is whole");
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let length = text.to_lowercase();
        let length = length
            .split_once("content-length: ")
            .and_then(|(_, rest)| rest.split("\r\n").next()?.parse::<usize>().ok());
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
        if body.is_some() && body == length {
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            return text;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let start = format!("{name}: ");
    let mut lines = head.lines().filter_map(|line| line.strip_prefix(&start));
    lines
        .next()
        .unwrap_or_else(|| panic!("no {name} in {head}"))
}

/// The deliveries of a webhook when `is_so` of them.
async fn deliveries(on: &On<'_>, url: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    until(async || {
        let listed = on
            .run(&["webhook", "deliveries", url, "--json"])
            .await
            .json();
        is_so(&listed).then_some(listed)
    })
    .await
}

/// Commands with one configuration.
struct On<'a>(&'a str);

impl On<'_> {
    async fn run(&self, arguments: &[&str]) -> Ran {
        run(&[arguments, &["--config", self.0]].concat()).await
    }
}

/// A directory whose webhooks may lead to this machine; its configuration file.
async fn near(directory: &Directory) -> String {
    let config = initialised(directory).await;
    let text = std::fs::read_to_string(&config).unwrap();
    let open = "\n[webhooks]\nnetworks = [\"127.0.0.0/8\"]\n";
    let opened = text.replacen("\n[webhooks]\n", open, 1);
    assert_ne!(opened, text);
    std::fs::write(&config, opened).unwrap();
    config
}

#[tokio::test]
async fn a_server_tells_of_what_commands_beside_it_do() {
    let directory = Directory::new();
    let receiver = Receiver::start(&[500]).await;
    let config = near(&directory).await;
    let on = On(&config);
    let server = Server::serve(&directory, &config).await;
    on.run(&["account", "create", "Acme"]).await.done();
    let url = receiver.url.as_str();

    let none = on.run(&["webhook", "list"]).await;
    assert!(none.stderr.contains("no webhook yet"), "{none:?}");
    let create = ["webhook", "create", "--url", url, "--event", "role.created"];
    let made = on.run(&create).await;
    assert!(made.stderr.contains("not shown again"), "{made:?}");
    let secret = made.done();
    assert!(
        secret.starts_with("whsec_") && !secret.contains('\n'),
        "{secret}"
    );
    let listed = on.run(&["webhook", "list", "--json"]).await.json();
    assert_eq!(listed[0]["url"], url);
    assert_eq!(listed[0]["events"], json!(["role.created"]));
    assert!(!listed.to_string().contains(&secret), "{listed}");

    on.run(&["role", "create", "Auditors", "--permission", "evidence"])
        .await
        .done();
    let (head, body) = receiver.message(0).await;
    assert!(head.starts_with("post /told http/1.1"), "{head}");
    assert_eq!(body["type"], "role.created");
    let id = header(&head, "webhook-id").to_owned();
    assert_eq!(body["data"]["event_id"], id.as_str());
    assert!(
        header(&head, "webhook-signature").starts_with("v1,"),
        "{head}"
    );

    // It was answered with 500: the operator need not wait until it is tried again by itself.
    let failed = |listed: &Value| listed[0]["attempts"][0]["status"] == 500;
    let failed = deliveries(&on, url, failed).await;
    assert_eq!(failed[0]["state"], "waiting", "{failed}");
    let delivery = failed[0]["id"].as_str().unwrap();
    on.run(&["webhook", "redeliver", url, delivery])
        .await
        .done();
    let (head, _) = receiver.message(1).await;
    assert_eq!(header(&head, "webhook-id"), id);
    let delivered = deliveries(&on, url, |listed| listed[0]["state"] == "delivered").await;
    let tries = delivered[0]["attempts"].as_array().map_or(0, Vec::len);
    assert!(tries >= 2, "{delivered}");

    on.run(&["webhook", "test", url]).await.done();
    receiver.tests(1).await;
    let rotated = on.run(&["webhook", "rotate-secret", url]).await.done();
    assert!(rotated.starts_with("whsec_") && rotated != secret);
    on.run(&["webhook", "test", url]).await.done();
    let head = receiver.tests(2).await;
    let signatures = header(&head, "webhook-signature").split(' ').count();
    assert_eq!(signatures, 2, "the old secret signs for a day");

    on.run(&["webhook", "edit", url, "--active", "false"])
        .await
        .done();
    let shown = on.run(&["webhook", "show", url, "--json"]).await.json();
    assert_eq!(shown["active"], false, "{shown}");
    on.run(&["webhook", "delete", url]).await.done();
    assert_eq!(on.run(&["webhook", "show", url]).await.code, 3);
    let wrote = server.stop().await;
    assert!(!wrote.contains("whsec_"), "{wrote}");
}

#[tokio::test]
async fn an_address_inside_is_refused_with_what_would_open_it() {
    let directory = Directory::new();
    let config = initialised(&directory).await;
    let on = On(&config);
    on.run(&["account", "create", "Acme"]).await.done();
    for url in [
        "http://127.0.0.1:9/",
        "https://127.0.0.1:9/",
        "https://10.1.2.3/",
    ] {
        let refused = on
            .run(&["webhook", "create", "--url", url, "--event", "*"])
            .await;
        assert_ne!(refused.code, 0, "{refused:?}");
        assert!(refused.stdout.is_empty(), "{refused:?}");
    }
    let wrong = [
        "webhook",
        "create",
        "--url",
        "https://example.com/",
        "--event",
        "no.such",
    ];
    let wrong = on.run(&wrong).await;
    assert!(
        wrong.code != 0 && wrong.stderr.contains("role.created"),
        "{wrong:?}"
    );
}
