//! A disk that fails, and one that hangs: nothing is acknowledged that is not on it, and decisions
//! do not wait for it.

use tokio::task::JoinHandle;

use super::history::{Begun, Expected, Form, History, Kind, Operation, Shared};
use super::load::{Load, carry_out, operation_on};
use super::oracle::{Oracle, is_as};
use super::random::{Random, seed};
use super::shim::{Disk, Machine};
use super::site::Site;
use crate::directory::Directory;
use crate::program::{Server, until};

/// How often the disk fails.
const ROUNDS: u64 = 6;
/// Changes that are asked for while it does.
const CHANGES: u64 = 12;
/// Decisions while it fails or hangs.
const DECISIONS: usize = 200;
/// Changes of a load before it does.
const LOADED: u64 = 60;
/// Changes that wait for a disk that hangs: more than the queue takes.
const WAITING: usize = 1_200;

/// A server on a machine whose disk can be broken, and what is known of it.
struct Scene {
    directory: Directory,
    machine: Machine,
    server: Server,
    site: Site,
    history: Shared,
    oracle: Oracle,
    random: Random,
}

impl Scene {
    async fn new(seed: u64) -> Self {
        let directory = Directory::new();
        let machine = Machine::new(&directory);
        let listen = ["--listen", "127.0.0.1:0"];
        let server = Server::dev_inside(&directory, &machine.entry(), &listen).await;
        let site = Site::of(&server);
        let history = Shared::default();
        let oracle = Oracle::new(&site, &history).await;
        Self {
            directory,
            machine,
            server,
            site,
            history,
            oracle,
            random: Random::new(seed),
        }
    }

    async fn load(&mut self, round: u64) {
        let load = Load::start(&self.site, &self.history, &mut self.random, round);
        let acknowledged = self.history.lock().count_acknowledged + LOADED;
        // More than will be on their way while the disk fails, so that there is what to decide.
        let is_enough = |history: &History| {
            history.count_acknowledged >= acknowledged && history.count_decidable() > 2 * CHANGES
        };
        load.goes_until(&self.history, is_enough).await;
        self.look().await;
    }

    async fn look(&mut self) {
        self.oracle.look(&self.site, &mut self.random).await;
        let history = self.history.lock();
        assert!(history.violations.is_empty(), "{:#?}", history.violations);
    }

    /// Something that can be asked for.
    fn choose(&mut self, name: String) -> Begun {
        let history = self.history.lock();
        let things = history.things.iter().enumerate();
        let free = things.filter(|(_, thing)| !thing.has_ended && !thing.is_busy);
        let free: Vec<usize> = free.map(|(place, _)| place).collect();
        let chosen = self.random.one_of(&free);
        let thing = chosen.filter(|_| self.random.below(3) > 0);
        let operation = match thing.map(|place| &history.things[place]) {
            None => Operation::CreateKey,
            // A token is no change.
            Some(thing) if thing.kind == Kind::Client => {
                operation_on(thing, 70 + self.random.below(30), false)
            }
            Some(thing) => operation_on(thing, self.random.below(100), false),
        };
        Begun {
            operation,
            thing,
            name,
        }
    }

    /// Every key and token of which no change is on its way is decided as before.
    async fn decisions_go_on(&self, at_least: usize) {
        let mut decided = 0;
        while decided < at_least {
            let known: Vec<(String, Expected)> = {
                let history = self.history.lock();
                let free = history.things.iter().filter(|thing| !thing.is_busy);
                let held = free.flat_map(|thing| {
                    let held = thing.held.iter().filter(|held| held.form != Form::Secret);
                    held.map(|held| (held.text.clone(), thing.expected(held)))
                });
                held.take(100).collect()
            };
            assert!(!known.is_empty());
            let texts: Vec<&str> = known.iter().map(|(text, _)| &**text).collect();
            for (found, (_, expected)) in self.site.decide(&texts).await.unwrap().iter().zip(&known)
            {
                let is_right = is_as(found, *expected);
                assert!(is_right, "{found:?}, not {expected:?}");
            }
            decided += known.len();
        }
    }

    async fn storage(&self) -> String {
        let ready = self.site.internal("/readyz").await.unwrap();
        assert_eq!(ready.status, 200, "{ready:?}");
        ready.json()["storage"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_disk_that_fails_has_nothing_acknowledged() {
    let seed = seed();
    eprintln!("disk: CLAVIGER_TEST_SEED={seed}");
    let mut scene = Scene::new(seed).await;
    let mut refused = 0;
    for round in 0..ROUNDS {
        scene.load(round).await;
        scene.machine.set_disk(Disk::Failing);
        for change in 0..CHANGES {
            let begun = scene.choose(format!("failing {round} {change}"));
            let answered = carry_out(&scene.site, &scene.history, &begun).await;
            let (answer, _) = answered.unwrap();
            assert_eq!(answer.status, 503, "{begun:?}: {answer:?}");
            assert_eq!(answer.reason(), "storage", "{answer:?}");
            assert!(answer.header("retry-after").is_some(), "{answer:?}");
            refused += 1;
        }
        assert!(scene.machine.failed() > 0);
        scene.decisions_go_on(DECISIONS).await;
        assert_eq!(scene.storage().await, "failing");
        let log = scene.server.stderr();
        assert!(log.contains("the disk does not keep"), "{log}");
        let metrics = scene.site.internal("/metrics").await.unwrap().body;
        assert!(metrics.contains("claviger_storage_unsound 1"), "{metrics}");
        if round % 2 == 0 {
            scene.server.signal(rustix::process::Signal::KILL);
            scene.server.ended().await;
            scene.machine.set_disk(Disk::Sound);
            let at = ["--listen", scene.site.listen()];
            let entry = scene.machine.entry();
            scene.server = Server::dev_inside(&scene.directory, &entry, &at).await;
            scene.site.follow(&scene.server);
        } else {
            scene.machine.set_disk(Disk::Sound);
        }
        scene.look().await;
    }
    scene.load(ROUNDS).await;
    assert_eq!(scene.storage().await, "sound");
    scene.oracle.look_at_everything(&scene.site).await;
    scene.look().await;
    eprintln!("disk: failed {ROUNDS} times, {refused} changes refused");
}

#[tokio::test]
async fn a_disk_that_hangs_holds_no_decision_up() {
    let seed = seed();
    eprintln!("disk: CLAVIGER_TEST_SEED={seed}");
    let mut scene = Scene::new(seed).await;
    scene.load(0).await;
    scene.machine.set_disk(Disk::Hanging);
    let ask = |number: usize| {
        let (site, history) = (scene.site.clone(), scene.history.clone());
        tokio::spawn(async move {
            let begun = Begun {
                operation: Operation::CreateKey,
                thing: None,
                name: format!("hanging {number}"),
            };
            let (answer, _) = carry_out(&site, &history, &begun).await.unwrap();
            (answer.status, answer.body)
        })
    };
    let mut asked = vec![ask(0)];
    until(async || (scene.machine.held() > 0).then_some(())).await;
    scene.decisions_go_on(DECISIONS).await;
    assert!(!asked[0].is_finished(), "the change waits for the disk");

    asked.extend((1..WAITING).map(ask));
    until(async || asked.iter().any(JoinHandle::is_finished).then_some(())).await;
    scene.decisions_go_on(DECISIONS).await;
    assert!(!asked[0].is_finished(), "the change still waits");
    assert!(scene.machine.held() > 0);
    scene.machine.set_disk(Disk::Sound);
    let (mut made, mut refused) = (0, 0);
    for one in asked {
        match one.await.unwrap() {
            (201, _) => made += 1,
            (503, body) => {
                assert!(body.contains("storage"), "{body}");
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(made > 0 && refused > 0, "{made} made, {refused} refused");
    scene.load(1).await;
    eprintln!("disk: it hung; {made} changes made afterwards, {refused} refused with 503");
}
