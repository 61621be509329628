//! `kill -9` at any moment: under load, and in a start.

use std::time::Duration;

use claviger_service::sources::Sources;

use super::history::Shared;
use super::load::Load;
use super::oracle::Oracle;
use super::random::{Random, number, seed};
use super::site::Site;
use crate::directory::Directory;
use crate::program::{Server, run};

/// Says how often the server is killed: `cargo xtask faults` does it 1,000 times.
const KILLS_VARIABLE: &str = "CLAVIGER_TEST_KILLS";
const KILLS_SHORT: u64 = 8;
/// The longest time for which the load goes on before a kill, in milliseconds.
const LOAD_MILLIS_MOST: u64 = 350;
/// The same of a start.
const START_MILLIS_MOST: u64 = 200;
/// One kill in how many is in a start.
const KILLS_A_START: u64 = 7;
/// After how many kills everything is looked at.
const EVERYTHING_AFTER: u64 = 100;
/// Violations that are shown.
const SHOWN_MOST: usize = 20;

/// What a storm of kills came to.
#[derive(Default)]
struct Figures {
    in_starts: u64,
    slowest_start_millis: u64,
    sum_start_millis: u64,
    starts: u64,
}

#[tokio::test]
async fn what_was_answered_outlives_every_kill() {
    let kills = number(KILLS_VARIABLE).unwrap_or(KILLS_SHORT);
    let seed = seed();
    eprintln!("storm: {kills} kills from CLAVIGER_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let directory = Directory::new();
    let history = Shared::default();
    let mut figures = Figures::default();
    let mut server = Server::dev(&directory).await;
    let mut site = Site::of(&server);
    let mut oracle = Oracle::new(&site, &history).await;
    let mut done = 0;
    while done < kills {
        let load = Load::start(&site, &history, &mut random, done);
        // Not a wait for something: the moment of the failure.
        let moment = random.below(LOAD_MILLIS_MOST);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        server.kill().await;
        done += 1;
        load.end().await;
        while done < kills && random.below(KILLS_A_START) == 0 {
            kill_in_start(&directory, &site, &mut random).await;
            figures.in_starts += 1;
            done += 1;
        }
        server = figures.start(&directory, &mut site).await;
        oracle.look(&site, &mut random).await;
        if done % EVERYTHING_AFTER == 0 {
            oracle.look_at_everything(&site).await;
            is_intact(&directory).await;
            eprintln!("storm: {done} kills, {}", figures.told(&history, &oracle));
        }
        if !history.lock().violations.is_empty() {
            break;
        }
    }
    oracle.look_at_everything(&site).await;
    is_intact(&directory).await;
    server.stop().await;
    eprintln!("storm: {done} kills, {}", figures.told(&history, &oracle));
    let violations = &history.lock().violations;
    let shown = &violations[..violations.len().min(SHOWN_MOST)];
    assert!(violations.is_empty(), "seed {seed}: {shown:#?}");
}

async fn kill_in_start(directory: &Directory, site: &Site, random: &mut Random) {
    let data = directory.path("data");
    let more = [
        "--listen",
        site.listen(),
        "--internal-listen",
        "127.0.0.1:0",
    ];
    let arguments = [&["dev", "--json", "--data", &data], &more[..]].concat();
    let server = Server::spawn(directory, &arguments);
    // Not a wait for something: the moment of the failure.
    let moment = random.below(START_MILLIS_MOST);
    tokio::time::sleep(Duration::from_millis(moment)).await;
    server.kill().await;
}

async fn is_intact(directory: &Directory) {
    let data = directory.path("data");
    let chain = run(&["audit", "verify", "--data", &data]).await.done();
    assert!(chain.starts_with("intact: "), "{chain}");
}

impl Figures {
    /// Starts the server where it was; how long that took.
    async fn start(&mut self, directory: &Directory, site: &mut Site) -> Server {
        let sources = Sources::system().unwrap();
        let begun = sources.both().boot_nanos;
        let server = Server::dev_at(directory, site.listen(), &[]).await;
        let millis = (sources.both().boot_nanos - begun) / 1_000_000;
        self.slowest_start_millis = self.slowest_start_millis.max(millis);
        self.sum_start_millis += millis;
        self.starts += 1;
        site.follow(&server);
        server
    }

    fn told(&self, history: &Shared, oracle: &Oracle) -> String {
        let history = history.lock();
        format!(
            "{} of them in a start; {} changes acknowledged, {} unknown; {} decisions under load, \
             {} of them not made, {} afterwards; {} things; from the start to ready {} ms in the \
             mean, {} ms at worst; {} violations",
            self.in_starts,
            history.count_acknowledged,
            history.count_unknown,
            history.count_decided,
            history.count_undecided,
            oracle.count_checked,
            history.things.len(),
            self.sum_start_millis / self.starts.max(1),
            self.slowest_start_millis,
            history.violations.len(),
        )
    }
}
