//! Passwords, which cost memory and time to check.

use std::num::NonZero;

use serde_json::json;

use super::amount;
use super::good::Good;
use super::talk::{Statuses, Talk, sum};
use super::target::Target;
use crate::http::{head, send};
use crate::program::until;

const AT_ONCE: usize = 500;
const MEBIBYTE: usize = 1 << 20;
/// What one hash takes, and what 500 connections and requests may take. 500 hashes would take
/// 9 GiB.
const HASH_MEBIBYTES: u64 = 19;
const CONNECTIONS_MEBIBYTES: u64 = 256;

async fn sign_ins(target: &Target, password: &str) -> Statuses {
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|number| {
            let who = json!({"email": format!("u{number}@acme.test"), "password": password});
            let authority = target.public.clone();
            let request = head(
                "POST",
                &authority,
                "/v1/sessions",
                None,
                Some(&who),
                "close",
            );
            tokio::spawn(async move {
                let status = Talk::with(&authority).await.ask(request.as_bytes()).await;
                Statuses::from([(status.unwrap_or(0), 1)])
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.unwrap());
    }
    sum(all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_sign_ins_at_once_take_the_memory_of_a_few() {
    let target = Target::start().await;
    let hashes = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let before = target.memory();
    let megabyte = "p".repeat(MEBIBYTE);
    // As long as a body may be, and longer than a password.
    let long = "p".repeat(60 * 1_024);
    for (what, password, allowed) in [
        ("wrong passwords", "a wrong password", &[401, 429][..]),
        ("passwords of 60 KiB", &*long, &[401, 429]),
        ("passwords of 1 MiB", &*megabyte, &[413]),
    ] {
        let good = Good::start(&target);
        let mut statuses = Statuses::new();
        for _ in 0..amount(1) {
            statuses = sum([statuses, sign_ins(&target, password).await]);
        }
        let (good, after) = (good.end().await, target.memory());
        eprintln!(
            "floods: sign-ins, {AT_ONCE} {what} at once: answered {statuses:?}, {before} to \
             {after}, {good} good requests meanwhile"
        );
        let all = statuses.keys().all(|status| allowed.contains(status));
        assert!(all, "{what}: {statuses:?}");
        after.grew_at_most(hashes * HASH_MEBIBYTES + CONNECTIONS_MEBIBYTES, before);
    }
    // Whoever knows their password gets in, if not at once.
    let url = format!("http://{}/v1/sessions", target.public);
    let signs_in = async || {
        let answer = send("POST", &url, None, Some(&target.person))
            .await
            .unwrap();
        (answer.status == 201).then_some(())
    };
    until(signs_in).await;
}
