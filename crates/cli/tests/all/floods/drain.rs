//! The end of a server that is busy: everything that it was asked, it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::amount;
use super::talk::within;
use super::target::Target;
use crate::http::{Answer, head, parse};
use crate::program::until;

/// Connections to each listener.
const EACH: usize = 16;
/// Answers before it is asked to end.
const BEFORE: usize = 2_000;

/// Asks until an answer says that it was the last; how many there were.
async fn ask(authority: String, request: String, status: u16, answered: Arc<AtomicUsize>) -> usize {
    let mut stream = within(TcpStream::connect(&authority)).await.unwrap();
    let mut own = 0;
    loop {
        within(stream.write_all(request.as_bytes())).await.unwrap();
        let answer = read(&mut stream).await;
        assert_eq!(answer.status, status, "{answer:?}");
        own += 1;
        answered.fetch_add(1, Ordering::Relaxed);
        if answer.header("connection") == Some("close") {
            return own;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Answer {
    let mut text = Vec::new();
    loop {
        if let Some(answer) = parse(std::str::from_utf8(&text).unwrap()) {
            return answer;
        }
        let read = within(stream.read_buf(&mut text)).await.unwrap();
        assert!(read > 0, "a request was lost");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_that_is_ended_answers_every_request() {
    for _ in 0..amount(1) {
        let mut target = Target::start().await;
        let answered = Arc::new(AtomicUsize::new(0));
        let question = json!({"credential": target.key, "method": "GET", "path": "/v1/leads"});
        let made = json!({"name": "K", "scopes": ["read:leads"]});
        let (public, internal) = (&target.public, &target.internal);
        let mut clients = Vec::new();
        for number in 0..2 * EACH {
            let (authority, request, status) = match number % 4 {
                0 => (
                    public,
                    ("GET", "/v1/whoami", Some(&*target.session), None),
                    200,
                ),
                1 => (
                    public,
                    ("POST", "/api/keys", Some(&*target.session), Some(&made)),
                    201,
                ),
                2 => (internal, ("POST", "/v1/verify", None, Some(&question)), 200),
                _ => (
                    internal,
                    ("GET", "/verify/http", Some("nonsense"), None),
                    401,
                ),
            };
            let (method, path, bearer, body) = request;
            let request = head(method, authority, path, bearer, body, "keep-alive");
            let client = ask(authority.clone(), request, status, Arc::clone(&answered));
            clients.push(tokio::spawn(client));
        }
        let enough = async || (answered.load(Ordering::Relaxed) >= BEFORE).then_some(());
        until(enough).await;
        target.server.signal(Signal::TERM);
        let mut all = 0;
        for client in clients {
            all += client.await.unwrap();
        }
        let (status, _) = target.server.ended().await;
        assert!(status.success(), "{status}: {}", target.server.stderr());
        eprintln!("floods: ended under load: {all} requests, each of them answered");
        assert!(
            !target.server.stderr().contains("cutting"),
            "{}",
            target.server.stderr()
        );
    }
}
