//! What is left of secrets in the memory of the server a moment after it showed them.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use claviger_service::sources::Sources;
use serde_json::json;

use crate::directory::Directory;
use crate::http::post;
use crate::program::Server;

/// Says how many keys are issued: `cargo xtask memory` issues 1,000.
const COUNT_VARIABLE: &str = "CLAVIGER_TEST_KEYS";
const KEYS_SHORT: usize = 60;
/// How long one may still be found, in milliseconds.
const PATIENCE_MILLIS: u64 = 5_000;
/// What of a key is looked for: its random part, behind the prefix and the public identifier. Parts
/// of the last one can stand on the stack of a thread until that thread does something else.
const PUBLIC: usize = "ck_live_".len() + 10;
const FRAGMENT: usize = 32;
const PAGE: usize = 4_096;

/// The random part of a key.
fn fragment(key: &str) -> [u8; FRAGMENT] {
    key.as_bytes()[PUBLIC..PUBLIC + FRAGMENT]
        .try_into()
        .unwrap()
}

/// Where in a process's memory one of the fragments stands; nothing where nobody may look.
fn found(pid: u32, fragments: &HashSet<[u8; FRAGMENT]>) -> Option<Vec<String>> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let mut memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut found = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let [from, to] = [from, to].map(|end| u64::from_str_radix(end, 16).unwrap());
        let mut window = vec![0; FRAGMENT - 1];
        let mut page = [0; PAGE];
        memory.seek(SeekFrom::Start(from)).ok()?;
        for at in (from..to).step_by(PAGE) {
            if memory.read_exact(&mut page).is_err() {
                // Some regions cannot be read by anybody.
                break;
            }
            if page == [0; PAGE] {
                window = vec![0; FRAGMENT - 1];
                continue;
            }
            window.extend_from_slice(&page);
            let mut plain = 0;
            for end in 0..window.len() {
                plain = if window[end].is_ascii_alphanumeric() {
                    plain + 1
                } else {
                    0
                };
                if plain >= FRAGMENT && fragments.contains(&window[end + 1 - FRAGMENT..=end]) {
                    found.push(format!("{at:x} of {rest}"));
                }
            }
            window.drain(..window.len() - (FRAGMENT - 1));
        }
    }
    Some(found)
}

async fn issued(server: &Server, count: usize) -> HashSet<[u8; FRAGMENT]> {
    let mut fragments = HashSet::new();
    for number in 0..count {
        let body = json!({"name": format!("Key {number}"), "scopes": ["read:leads"]});
        let url = server.public("/api/keys");
        let made = post(&url, server.text("/session_token"), &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        fragments.insert(fragment(made.json()["key"].as_str().unwrap()));
    }
    assert_eq!(fragments.len(), count);
    fragments
}

#[tokio::test]
async fn keys_that_were_shown_are_soon_nowhere_in_memory() {
    let count = keys_wanted();
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let fragments = issued(&server, count).await;
    let sources = Sources::system().unwrap();
    let begun = sources.both().boot_nanos;
    let millis = || (sources.both().boot_nanos - begun) / 1_000_000;
    let Some(mut places) = found(server.pid(), &fragments) else {
        eprintln!("memory: not looked at, since nobody may look into the process here");
        return;
    };
    while !places.is_empty() && millis() < PATIENCE_MILLIS {
        places = found(server.pid(), &fragments).unwrap_or_default();
    }
    let after = millis();
    eprintln!(
        "memory: {} of {count} keys found {after} ms after they were issued",
        places.len()
    );
    assert!(places.is_empty(), "{places:#?}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "how many keys a test issues is no argument"
)]
fn keys_wanted() -> usize {
    let wanted = std::env::var(COUNT_VARIABLE).ok();
    wanted
        .and_then(|text| text.parse().ok())
        .unwrap_or(KEYS_SHORT)
}
