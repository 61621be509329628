//! More connections than the cap: the rest wait, and somebody else's never lock anybody out.

use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use super::amount;
use super::good::Good;
use super::talk::Talk;
use super::target::{CONNECTIONS_MAX, Target};
use crate::http::{get, head};

/// What goes on being held open, above the cap.
const HELD: usize = CONNECTIONS_MAX + CONNECTIONS_MAX / 4;
/// What is asked by somebody else meanwhile, one after the other.
const ASKED: usize = 5;
const GROWTH_MEBIBYTES: u64 = 96;

/// How a connection is held.
#[derive(Clone, Copy, Debug)]
enum Hold {
    /// It never says anything.
    Silent,
    /// It asked once, well, and was answered.
    Idle,
    /// It is in the middle of a body.
    Body,
}

/// Holds connections, each of them anew when the server has closed it.
fn hold(target: &Target, how: Hold) -> JoinSet<()> {
    let mut holders = JoinSet::new();
    for _ in 0..HELD {
        let (authority, session) = (target.public.clone(), target.session.clone());
        holders.spawn(async move {
            let asked = head(
                "GET",
                &authority,
                "/v1/whoami",
                Some(&session),
                None,
                "keep-alive",
            );
            let body = "POST /v1/sessions HTTP/1.1\r\nhost: claviger\r\n\
                        content-type: application/json\r\ncontent-length: 50000\r\n\r\n{";
            loop {
                let mut talk = Talk::with(&authority).await;
                let first = match how {
                    Hold::Silent => "",
                    Hold::Idle => &asked,
                    Hold::Body => body,
                };
                // A server that has closed it is asked anew.
                let _ = talk.stream.write_all(first.as_bytes()).await;
                talk.end_at_last().await;
            }
        });
    }
    holders
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_holds_all_connections_locks_nobody_out() {
    let target = Target::start().await;
    let before = target.memory();
    for how in [Hold::Silent, Hold::Idle, Hold::Body] {
        let good = Good::at_the_internal(&target);
        let holders = hold(&target, how);
        let url = format!("http://{}/v1/whoami", target.public);
        for _ in 0..amount(ASKED) {
            let answer = get(&url, &target.session).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        drop(holders);
        for _ in 0..ASKED {
            assert_eq!(get(&url, &target.session).await.status, 200);
        }
        let (good, after) = (good.end().await, target.memory());
        eprintln!(
            "floods: {HELD} connections held open, {CONNECTIONS_MAX} taken ({how:?}): {} good \
             requests beside them answered, {good} at the other listener, {before} to {after}",
            amount(ASKED)
        );
        after.grew_at_most(GROWTH_MEBIBYTES, before);
    }
}
