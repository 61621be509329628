//! Requests that are too large, in each way that they can be.

use serde_json::json;

use super::amount;
use super::good::Good;
use super::talk::{Statuses, Talk, sum};
use super::target::Target;

/// Senders at the same time, and how often each of them sends everything.
const AT_ONCE: usize = 8;
const EACH: usize = 3;
const KIBIBYTE: usize = 1_024;
/// What a sender of an endless body sends before it looks for an answer.
const BODY_BYTES: usize = 3 * KIBIBYTE * KIBIBYTE;
const GROWTH_MEBIBYTES: u64 = 48;

/// What is sent, and how it may be answered.
struct Large {
    what: &'static str,
    request: Vec<u8>,
    allowed: &'static [u16],
}

/// A head of these lines and a body.
fn request(lines: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!("{lines}host: claviger\r\n\r\n").into_bytes();
    request.extend_from_slice(body);
    request
}

/// A body in chunks that never says its end.
fn chunks() -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", 16 * KIBIBYTE).into_bytes();
    chunk.extend([b' '; 16 * KIBIBYTE]);
    chunk.extend(b"\r\n");
    chunk.repeat(BODY_BYTES / (16 * KIBIBYTE))
}

fn all(session: &str) -> Vec<Large> {
    let get = "GET /v1/whoami HTTP/1.1\r\n";
    let json = "content-type: application/json\r\n";
    let value = |bytes: usize| "v".repeat(bytes);
    let many = "x: y\r\n".repeat(200);
    let post = format!("POST /v1/sessions HTTP/1.1\r\n{json}");
    let import =
        format!("POST /v1/apis/api_1/import HTTP/1.1\r\n{json}authorization: Bearer {session}\r\n");
    let length = format!("content-length: {BODY_BYTES}\r\n");
    let unending = "transfer-encoding: chunked\r\n";
    let one_header = format!("{get}x-large: {}\r\n", value(40 * KIBIBYTE));
    let huge_header = format!("{get}x-large: {}\r\n", value(2 * KIBIBYTE * KIBIBYTE));
    let cookies = format!(
        "{get}{}",
        format!("cookie: {}\r\n", value(KIBIBYTE)).repeat(60)
    );
    let uri = format!("GET /v1/whoami?{} HTTP/1.1\r\n", value(40 * KIBIBYTE));
    let long_uri = format!("GET /{} HTTP/1.1\r\n", value(300 * KIBIBYTE));
    let name = format!("{get}{}: y\r\n", value(70 * KIBIBYTE));
    let blank = vec![b' '; BODY_BYTES];
    let large = |what, request, allowed| Large {
        what,
        request,
        allowed,
    };
    vec![
        large("a header of 40 KiB", request(&one_header, b""), &[431]),
        large("a header of 2 MiB", request(&huge_header, b""), &[431]),
        large("a name of 70 KiB", request(&name, b""), &[431]),
        large("60 KiB of cookies", request(&cookies, b""), &[431]),
        large("200 headers", request(&format!("{get}{many}"), b""), &[431]),
        large("a URI of 40 KiB", request(&uri, b""), &[414, 431]),
        large("a URI of 300 KiB", request(&long_uri, b""), &[414, 431]),
        large(
            "a body of 3 MiB",
            request(&format!("{post}{length}"), &blank),
            &[413],
        ),
        large(
            "an unending body",
            request(&format!("{post}{unending}"), &chunks()),
            &[413],
        ),
        large(
            "an import of 3 MiB",
            request(&format!("{import}{length}"), &blank),
            &[413, 404],
        ),
        large(
            "an unending import",
            request(&format!("{import}{unending}"), &chunks()),
            &[413, 404],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_refused_before_it_takes_memory() {
    let target = Target::start().await;
    let before = target.memory();
    for Large {
        what,
        request,
        allowed,
    } in all(&target.session)
    {
        let good = Good::start(&target);
        let senders: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (authority, request) = (target.public.clone(), request.clone());
                tokio::spawn(async move {
                    let mut statuses = Statuses::new();
                    for _ in 0..amount(EACH) {
                        let status = Talk::with(&authority).await.ask(&request).await;
                        *statuses.entry(status.unwrap_or(0)).or_default() += 1;
                    }
                    statuses
                })
            })
            .collect();
        let mut statuses = Vec::new();
        for sender in senders {
            statuses.push(sender.await.unwrap());
        }
        let (statuses, good, after) = (sum(statuses), good.end().await, target.memory());
        eprintln!(
            "floods: {what}: answered {statuses:?}, {before} to {after}, {good} good requests \
             meanwhile"
        );
        assert!(
            statuses.keys().all(|status| allowed.contains(status)),
            "{what}: {statuses:?}"
        );
        after.grew_at_most(GROWTH_MEBIBYTES, before);
    }
}

#[tokio::test]
async fn a_json_of_many_brackets_is_an_answer_and_no_crash() {
    let target = Target::start().await;
    for body in ["[".repeat(60 * KIBIBYTE), "{\"a\":".repeat(12 * KIBIBYTE)] {
        for (authority, path) in [
            (&target.public, "/v1/sessions"),
            (&target.internal, "/v1/verify"),
        ] {
            let head = format!(
                "POST {path} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            );
            let request = request(&head, body.as_bytes());
            let status = Talk::with(authority).await.ask(&request).await;
            assert!(
                status.is_some_and(|status| (400..500).contains(&status)),
                "{status:?}"
            );
        }
    }
    let question = json!({"credential": target.key, "method": "GET", "path": "/v1/leads"});
    let url = format!("http://{}/v1/verify", target.internal);
    let answer = crate::http::post(&url, "", &question).await;
    assert_eq!(answer.json()["allowed"], json!(true), "{answer:?}");
}
