//! An index that leads back to rows that were there already: a start that goes through it page by
//! page ends with an error, and does not go on forever.

use serde_json::json;

use super::damage::copy_of;
use super::site::{Call, Site};
use crate::directory::Directory;
use crate::program::Server;

/// More than fit into one page of an index, so that there is a page above them.
const KEYS: usize = 250;
const PAGE_BYTES: usize = 4_096;
/// The first byte of a page of an index that has other pages below it (SQLite's file format,
/// section 1.6).
const INNER_INDEX: u8 = 2;
/// What stands before the id in a cell at most, where the id comes first.
const CELL_HEAD_MOST: usize = 40;
const PREFIX: &[u8] = b"key_";
/// What no id comes after.
const GREATEST: u8 = b'z';

#[tokio::test]
async fn an_index_that_leads_back_ends_the_start() {
    let directory = Directory::new();
    let server = Server::dev(&directory).await;
    let site = Site::of(&server);
    for number in 0..KEYS {
        let call = Call {
            method: "POST",
            path: "/api/keys".to_owned(),
            body: Some(json!({"name": format!("Key {number}"), "scopes": ["read:leads"]})),
            repeatable: None,
        };
        assert_eq!(site.call(&call).await.unwrap().status, 201);
    }
    server.stop().await;
    let whole = std::fs::read(directory.path("data/claviger.db")).unwrap();
    let mut back = 0;
    for place in separators(&whole) {
        let copy = copy_of(&directory);
        let mut bytes = whole.clone();
        bytes[place + PREFIX.len()..place + 2 * PREFIX.len()].fill(GREATEST);
        std::fs::write(copy.path("data/claviger.db"), bytes).unwrap();
        let data = copy.path("data");
        let arguments = ["dev", "--json", "--data", &data, "--listen", site.listen()];
        let internal = ["--internal-listen", "127.0.0.1:0"];
        let mut server = Server::spawn(&copy, &[&arguments[..], &internal].concat());
        if server.is_ready().await {
            server.kill().await;
            continue;
        }
        let told = server.stderr();
        server.ended().await;
        assert!(told.contains("claviger restore"), "{told}");
        back += usize::from(told.contains("are not in their order"));
    }
    assert!(back > 0, "no index led back");
}

/// Where ids of keys stand in pages that lead to other pages.
fn separators(file: &[u8]) -> Vec<usize> {
    let pages = file.chunks(PAGE_BYTES).enumerate();
    let inner = pages.filter(|(_, page)| page[0] == INNER_INDEX);
    let found = inner.flat_map(|(number, page)| {
        let number_at = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
        // Behind the head of 12 bytes stands where each cell begins.
        let cells = (0..number_at(3)).map(move |cell| number_at(12 + 2 * cell));
        let ids = cells.filter_map(|cell| {
            let begin = &page[cell..PAGE_BYTES.min(cell + CELL_HEAD_MOST + PREFIX.len())];
            let at = begin.windows(PREFIX.len()).position(|part| part == PREFIX);
            at.map(|at| cell + at)
        });
        ids.map(move |at| number * PAGE_BYTES + at)
            .collect::<Vec<_>>()
    });
    found.collect()
}
