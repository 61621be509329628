//! Clients that take their time: heads and bodies that do not end, answers that nobody reads.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use super::good::Good;
use super::talk::{Talk, within};
use super::target::Target;
use super::{amount, is_long};
use crate::http::head;

/// Connections of each sort.
const EACH: usize = 200;
const GROWTH_MEBIBYTES: u64 = 48;
/// Between two bytes of a head that comes in bytes.
const PAUSE: Duration = Duration::from_millis(100);
/// Requests whose answers a client does not read, on one connection.
const UNREAD: usize = 400;

/// Sends a head's pieces one after the other until the server closes.
async fn drip(mut talk: Talk, first: &str, piece: &str) {
    let mut sent = talk.stream.write_all(first.as_bytes()).await;
    while sent.is_ok() && !piece.is_empty() {
        // Not a wait for something: the pace of the client.
        tokio::time::sleep(PAUSE).await;
        sent = talk.stream.write_all(piece.as_bytes()).await;
    }
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_do_not_end_are_cut_and_good_requests_answered() {
    let target = Target::start().await;
    let before = target.memory();
    for _ in 0..amount(1) {
        let good = Good::start(&target);
        let mut clients = Vec::new();
        let begun = "GET /v1/whoami HTTP/1.1\r\nhost: claviger\r\n";
        let preface = "PRI * HTTP/2.0\r\n";
        for authority in [&target.public, &target.internal] {
            for (first, piece) in [
                ("", ""),
                ("G", ""),
                (begun, "x"),
                (begun, "x: y\r\n"),
                (preface, ""),
            ] {
                for _ in 0..EACH / 5 {
                    let talk = Talk::with(authority).await;
                    clients.push(tokio::spawn(drip(talk, first, piece)));
                }
            }
        }
        let count = clients.len();
        for client in clients {
            within(client).await.unwrap();
        }
        let (good, after) = (good.end().await, target.memory());
        eprintln!(
            "floods: {count} slow heads: each closed by the server, {before} to {after}, {good} \
             good requests meanwhile"
        );
        after.grew_at_most(GROWTH_MEBIBYTES, before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_do_not_come_hold_up_nobody() {
    let target = Target::start().await;
    let (before, good) = (target.memory(), Good::start(&target));
    let begun = "POST /v1/sessions HTTP/1.1\r\nhost: claviger\r\ncontent-type: application/json\r\n\
                 content-length: 60000\r\n\r\n{\"email\":";
    let mut clients = Vec::new();
    for _ in 0..EACH {
        let mut talk = Talk::with(&target.public).await;
        talk.stream.write_all(begun.as_bytes()).await.unwrap();
        clients.push(talk);
    }
    let mut late = 0;
    if is_long() {
        for client in &mut clients {
            // "The body came too slowly.", and the connection ends.
            assert_eq!(client.status().await, Some(400));
            late += 1;
        }
    }
    let (good, after) = (good.end().await, target.memory());
    eprintln!(
        "floods: {EACH} slow bodies: {late} waited for, each answered 400, {before} to {after}, \
         {good} good requests meanwhile"
    );
    after.grew_at_most(GROWTH_MEBIBYTES, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_are_not_kept() {
    let target = Target::start().await;
    let (before, good) = (target.memory(), Good::start(&target));
    let address = target.public.parse().unwrap();
    let request = head(
        "GET",
        &target.public,
        "/openapi.json",
        None,
        None,
        "keep-alive",
    );
    let mut clients = Vec::new();
    for _ in 0..EACH {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = within(socket.connect(address)).await.unwrap();
        for _ in 0..UNREAD {
            // Until nothing more fits anywhere.
            let sent = stream.write_all(request.as_bytes());
            if tokio::time::timeout(PAUSE, sent).await.is_err() {
                break;
            }
        }
        clients.push(stream);
    }
    let (good, after) = (good.end().await, target.memory());
    eprintln!(
        "floods: {EACH} clients with {UNREAD} requests each that read no answer: {before} to \
         {after}, {good} good requests meanwhile"
    );
    let question = json!({"credential": target.key, "method": "GET", "path": "/v1/leads"});
    let url = format!("http://{}/v1/verify", target.internal);
    let answer = crate::http::post(&url, "", &question).await;
    assert_eq!(answer.json()["allowed"], json!(true), "{answer:?}");
    after.grew_at_most(2 * GROWTH_MEBIBYTES, before);
    drop(clients);
}
