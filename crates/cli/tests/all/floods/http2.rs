//! HTTP/2 used against the server: streams that are reset at once (CVE-2023-44487) or have the
//! server reset them (CVE-2025-8671), heads without an end (CVE-2024-27316), small heads that grow
//! (CVE-2016-6581), and frames that only make work (CVE-2019-9511 to 9518).

use super::amount;
use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, End, Frames, HEADERS, PING, PRIORITY, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, fields, frame,
};
use super::good::Good;
use super::target::Target;

/// `ENHANCE_YOUR_CALM` (RFC 9113 section 7).
const CALM: u32 = 0xb;
/// Connections, one after the other.
const CONNECTIONS: usize = 5;
/// What a connection is given before the test says that nothing ends it: more than the buffers of
/// both ends take, so that the server has had its turn by then.
const BYTES: usize = 128 << 20;
const AT_ONCE: u32 = 100;
/// Bytes of frames that are sent together.
const TOGETHER_BYTES: usize = 64 << 10;
const GROWTH_MEBIBYTES: u64 = 48;

/// Streams of one connection, each of which `of_stream` makes; how many were sent before the
/// server had enough.
async fn streams(authority: &str, of_stream: impl Fn(u32) -> Vec<u8>) -> (u32, End) {
    let mut frames = Frames::with(authority).await;
    let (mut sent, mut bytes) = (0, 0);
    loop {
        let some: Vec<u8> = (sent..sent + AT_ONCE)
            .flat_map(|number| of_stream(2 * number + 1))
            .collect();
        if !frames.send(&some).await {
            break;
        }
        sent += AT_ONCE;
        bytes += some.len();
        assert!(bytes < BYTES, "nothing ends it");
    }
    (sent, frames.end().await)
}

fn opened(stream: u32) -> Vec<u8> {
    let flags = END_HEADERS | END_STREAM;
    frame(HEADERS, flags, stream, &fields("/v1/whoami"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_reset_at_once_end_the_connection() {
    let target = Target::start().await;
    let (before, good) = (target.memory(), Good::start(&target));
    let by_the_client = |stream| {
        let reset = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        [opened(stream), reset].concat()
    };
    // A window that is too large: it is the server that has to reset the stream.
    let by_the_server = |stream| {
        let open = frame(HEADERS, END_HEADERS, stream, &fields("/v1/whoami"));
        let window = frame(WINDOW_UPDATE, 0, stream, &0x7fff_ffff_u32.to_be_bytes());
        [open, window].concat()
    };
    for authority in [&target.public, &target.internal] {
        for _ in 0..amount(CONNECTIONS) {
            let (sent, end) = streams(authority, by_the_client).await;
            assert!(end.goaway.is_none_or(|code| code == CALM), "{end:?}");
            let (sent_to_be_reset, end) = streams(authority, by_the_server).await;
            assert!(end.goaway.is_none_or(|code| code == CALM), "{end:?}");
            eprintln!("floods: ended after at most {sent} and {sent_to_be_reset} streams");
        }
    }
    let (good, after) = (good.end().await, target.memory());
    eprintln!(
        "floods: streams reset at once, by the client and by the server: {} connections ended, \
         {before} to {after}, {good} good requests meanwhile",
        4 * amount(CONNECTIONS)
    );
    after.grew_at_most(GROWTH_MEBIBYTES, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_without_an_end_end_the_connection() {
    let target = Target::start().await;
    let (before, good) = (target.memory(), Good::start(&target));
    // A field of 16 KB in each, the same one again and again, or nothing at all.
    let mut long = vec![0x00, 1, b'x', 0x7f];
    long.extend([0xff, 0x7e]);
    long.extend([b'v'; 0x7f + 0x7f + (0x7e << 7)]);
    for continued in [&long[..16_000], &[0x82; 16_000][..], &[][..]] {
        for _ in 0..amount(CONNECTIONS) {
            let mut frames = Frames::with(&target.public).await;
            let head = frame(HEADERS, END_STREAM, 1, &fields("/v1/whoami"));
            assert!(frames.send(&head).await);
            let more = frame(CONTINUATION, 0, 1, continued);
            let some = more.repeat(TOGETHER_BYTES / more.len());
            let mut sent = 0;
            while frames.send(&some).await {
                sent += some.len() / more.len();
                assert!(sent * more.len() < BYTES, "nothing ends it");
            }
            let end = frames.end().await;
            eprintln!(
                "floods: {sent} CONTINUATION frames of {} bytes: {end:?}",
                continued.len()
            );
        }
    }
    let (good, after) = (good.end().await, target.memory());
    eprintln!("floods: heads without an end: {before} to {after}, {good} good requests meanwhile");
    after.grew_at_most(GROWTH_MEBIBYTES, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_heads_that_grow_are_not_kept() {
    let target = Target::start().await;
    let (before, good) = (target.memory(), Good::start(&target));
    // A field of 4,000 bytes goes into the table; then each byte is that field again.
    let mut entry = vec![0x40, 1, b'x', 0x7f];
    entry.extend([0xa1, 0x1e]);
    entry.extend([b'v'; 4_000]);
    for _ in 0..amount(CONNECTIONS) {
        let mut frames = Frames::with(&target.public).await;
        let mut sent = 0;
        let mut head = [fields("/v1/whoami"), entry.clone()].concat();
        head.extend([0xbe; 12_000]);
        let mut stream = 1;
        // 12,000 bytes stand for 48 MB.
        while sent < 200 {
            let grown = frame(HEADERS, END_HEADERS | END_STREAM, stream, &head);
            if !frames.send_and_read(&grown).await {
                break;
            }
            sent += 1;
            stream += 2;
        }
        eprintln!("floods: {sent} heads of 16 KB that stand for 48 MB each");
    }
    let (good, after) = (good.end().await, target.memory());
    eprintln!("floods: heads that grow: {before} to {after}, {good} good requests meanwhile");
    after.grew_at_most(GROWTH_MEBIBYTES, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_only_make_work_take_no_memory() {
    let target = Target::start().await;
    let before = target.memory();
    let setting = [0, 3, 0, 0, 0, 100];
    let kinds = [
        ("SETTINGS", frame(SETTINGS, 0, 0, &setting)),
        ("PING", frame(PING, 0, 0, &[7; 8])),
        ("PRIORITY", frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 16])),
        (
            "WINDOW_UPDATE",
            frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()),
        ),
        ("empty DATA", frame(DATA, 0, 1, &[])),
        ("of no kind", frame(0xee, 0, 0, &[1; 64])),
    ];
    for (name, one) in kinds {
        let good = Good::start(&target);
        let many = one.repeat(1_000);
        let (mut sent, mut ended) = (0, 0);
        for _ in 0..CONNECTIONS {
            let mut frames = Frames::with(&target.public).await;
            let open = frame(HEADERS, END_HEADERS, 1, &fields("/v1/whoami"));
            assert!(frames.send(&open).await);
            for _ in 0..amount(50) {
                if !frames.send_and_read(&many).await {
                    ended += 1;
                    break;
                }
                sent += 1_000;
            }
        }
        let (good, after) = (good.end().await, target.memory());
        eprintln!(
            "floods: {sent} frames {name}: {ended} of {CONNECTIONS} connections ended, {before} \
             to {after}, {good} good requests meanwhile"
        );
        after.grew_at_most(GROWTH_MEBIBYTES, before);
    }
}
