//! A secret is rotated under load, and no request is refused.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::directory::Directory;
use crate::http::{Answer, exchange, get, post};
use crate::program::{Server, until};

const PROGRAMS: usize = 8;
/// Requests before the rotation begins, and after it has ended.
const ENOUGH: usize = 200;

/// Programs that go on getting tokens and using them, with whatever secret they were given last.
struct Load {
    secret: Mutex<String>,
    requests: AtomicUsize,
    refusals: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Load {
    fn note(&self, answer: &Answer, is_good: bool) {
        self.requests.fetch_add(1, Ordering::SeqCst);
        if !is_good {
            self.refusals.lock().unwrap().push(answer.body.clone());
        }
    }

    async fn requests_more(&self) {
        let enough = self.requests.load(Ordering::SeqCst) + ENOUGH;
        until(async || (self.requests.load(Ordering::SeqCst) >= enough).then_some(())).await;
    }
}

async fn token(server: &Server, secret: &str) -> Answer {
    let authority = server
        .text("/public_url")
        .trim_start_matches("http://")
        .to_owned();
    let id = server.text("/client/client_id");
    let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(&authority, &request).await.unwrap()
}

async fn go_on(server: Arc<Server>, load: Arc<Load>) {
    while !load.is_over.load(Ordering::SeqCst) {
        let secret = load.secret.lock().unwrap().clone();
        let answer = token(&server, &secret).await;
        load.note(&answer, answer.status == 200);
        if answer.status != 200 {
            continue;
        }
        let token = answer.json()["access_token"].clone();
        let question = json!({"credential": token, "method": "GET", "path": "/v1/leads"});
        let decision = post(&server.internal("/v1/verify"), "", &question).await;
        load.note(&decision, decision.json()["allowed"] == json!(true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_refuses_nobody() {
    let directory = Directory::new();
    let server = Arc::new(Server::dev(&directory).await);
    let old = server.text("/client/client_secret").to_owned();
    let load = Arc::new(Load {
        secret: Mutex::new(old.clone()),
        requests: AtomicUsize::new(0),
        refusals: Mutex::default(),
        is_over: AtomicBool::new(false),
    });
    let programs: Vec<_> = (0..PROGRAMS)
        .map(|_| tokio::spawn(go_on(Arc::clone(&server), Arc::clone(&load))))
        .collect();
    load.requests_more().await;
    let client = server.public(&format!("/v1/clients/{}", server.text("/client/client_id")));
    let session = server.text("/session_token").to_owned();
    // Longer than any request takes that is under way with the old one.
    let plan = json!({"old_ends": "after_first_use", "grace_seconds": 8});
    let rotated = post(&format!("{client}/rotations"), &session, &plan).await;
    assert_eq!(rotated.status, 201, "{}", rotated.body);
    // The old one goes on for as long as nobody has put the new one in place.
    load.requests_more().await;
    let new = rotated.json()["client_secret"].as_str().unwrap().to_owned();
    load.secret.lock().unwrap().clone_from(&new);
    let ended = until(async || {
        let shown = get(&client, &session).await.json();
        let secrets = shown["secrets"].as_array().unwrap().clone();
        secrets
            .into_iter()
            .find(|secret| secret["status"] == json!("expired"))
    });
    let ended = ended.await;
    load.requests_more().await;
    load.is_over.store(true, Ordering::SeqCst);
    for program in programs {
        program.await.unwrap();
    }
    assert_eq!(*load.refusals.lock().unwrap(), Vec::<String>::new());
    assert!(old.ends_with(ended["hint"].as_str().unwrap()));
    assert_eq!(token(&server, &old).await.status, 401);
    assert_eq!(token(&server, &new).await.status, 200);
}
