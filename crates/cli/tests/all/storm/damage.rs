//! Bytes of the database file that flip: the server refuses to start and says how to restore, or it
//! refuses the rows; it never accepts what was not issued, and nothing may do more than before.

use std::collections::HashSet;

use claviger_service::sources::Sources;
use serde_json::json;

use super::history::{Begun, Expected, Form, Operation, Shared};
use super::load::{Load, carry_out};
use super::random::{Random, number, seed};
use super::site::{Call, Decided, Site};
use crate::directory::Directory;
use crate::program::Server;

/// Says how many files are damaged: `cargo xtask faults` does it 500 times.
const FLIPS_VARIABLE: &str = "CLAVIGER_TEST_FLIPS";
const FLIPS_SHORT: u64 = 8;
/// Bytes that flip in one file, at most.
const BYTES_MOST: u64 = 8;
/// Changes before that.
const LOADED: u64 = 300;
const PAGE_BYTES: usize = 4_096;
/// What a server needs of its data directory.
const FILES: [&str; 6] = [
    "claviger.db",
    "claviger.db-wal",
    "master.key",
    "dev.json",
    "revocations.journal",
    "audit-checkpoints.jsonl",
];

/// What became of damaged files.
#[derive(Default, Debug)]
struct Figures {
    refused: u64,
    sealed: u64,
    started: u64,
    /// Credentials that were refused although they were issued.
    lost: u64,
    /// Changes that were refused afterwards because of the damage.
    changes_refused: u64,
}

/// A data directory with a history, whose server was killed or stopped.
struct Scene {
    directory: Directory,
    site: Site,
    history: Shared,
    /// Texts that nobody issued.
    foreign: Vec<String>,
}

/// A copy of a data directory whose server does not run.
pub(super) fn copy_of(directory: &Directory) -> Directory {
    let copy = Directory::new();
    std::fs::create_dir(copy.path("data")).unwrap();
    for name in FILES {
        let at = format!("data/{name}");
        if std::fs::exists(directory.path(&at)).unwrap() {
            std::fs::copy(directory.path(&at), copy.path(&at)).unwrap();
        }
    }
    copy
}

impl Scene {
    async fn new(random: &mut Random, is_killed: bool) -> Self {
        let directory = Directory::new();
        let server = Server::dev(&directory).await;
        let site = Site::of(&server);
        let history = Shared::default();
        let load = Load::start(&site, &history, random, 0);
        load.goes_until(&history, |history| history.count_acknowledged >= LOADED)
            .await;
        if is_killed {
            server.kill().await;
        } else {
            server.stop().await;
        }
        let sources = Sources::system().unwrap();
        let foreign = (0..20).map(|_| sources.mint("ck_live_").unwrap().expose().to_owned());
        Self {
            directory,
            site,
            history,
            foreign: foreign.collect(),
        }
    }

    /// A copy of which some bytes are flipped; where.
    fn damaged(&self, random: &mut Random) -> (Directory, Vec<String>) {
        let copy = copy_of(&self.directory);
        let present = FILES.map(|name| (name, copy.path(&format!("data/{name}"))));
        let present = present.into_iter().filter(|(name, path)| {
            name.starts_with("claviger.db") && std::fs::exists(path).unwrap()
        });
        let present: Vec<&str> = present.map(|(name, _)| name).collect();
        let name = random.one_of(&present).unwrap();
        let path = copy.path(&format!("data/{name}"));
        let mut bytes = std::fs::read(&path).unwrap();
        let mut places = Vec::new();
        for _ in 0..=random.below(BYTES_MOST) {
            // Some in the heads of pages, where the structure is; most where something stands.
            let mut place = usize::try_from(random.below(bytes.len().max(1) as u64)).unwrap();
            if random.below(4) == 0 {
                place = place / PAGE_BYTES * PAGE_BYTES + place % 16;
            }
            for _ in 0..100 {
                if bytes[place] != 0 {
                    break;
                }
                place = usize::try_from(random.below(bytes.len() as u64)).unwrap();
            }
            bytes[place] ^= 1 << random.below(8);
            places.push(format!("{name}:{place}"));
        }
        std::fs::write(path, bytes).unwrap();
        (copy, places)
    }

    /// What the laws of a damaged file are broken by; how many good credentials were lost.
    async fn broken(&self, site: &Site) -> (Vec<String>, u64) {
        let (mut broken, mut lost) = (Vec::new(), 0);
        let mut asked: Vec<(String, Expected)> = Vec::new();
        for thing in &self.history.lock().things {
            let held = thing.held.iter().filter(|held| held.form != Form::Secret);
            asked.extend(held.map(|held| (held.text.clone(), thing.expected(held))));
        }
        let foreign = self.foreign.iter().cloned();
        asked.extend(foreign.map(|text| (text, Expected::Refused(None))));
        for some in asked.chunks(100) {
            let texts: Vec<&str> = some.iter().map(|(text, _)| &**text).collect();
            let decisions = site.decide(&texts).await.unwrap();
            for (decided, (text, expected)) in decisions.iter().zip(some) {
                match (decided, expected) {
                    (Decided::Allowed, Expected::Refused(why)) => {
                        broken.push(format!("{}… ({why:?}) is allowed", &text[..20]));
                    }
                    (Decided::Refused(_), Expected::Allowed) => lost += 1,
                    _ => {}
                }
            }
        }
        let secrets: Vec<(String, String)> = {
            let history = self.history.lock();
            let ended = history.things.iter().flat_map(|thing| {
                let held = thing.held.iter().filter(|held| held.form == Form::Secret);
                let held = held.filter(|held| thing.expected(held) != Expected::Allowed);
                held.map(|held| (thing.id.clone(), held.text.clone()))
            });
            ended.take(30).collect()
        };
        for (id, secret) in secrets {
            if site.token(&id, &secret).await.unwrap().status == 200 {
                broken.push(format!("an ended secret of {id} gets a token"));
            }
        }
        (broken, lost)
    }
}

#[tokio::test]
async fn a_damaged_file_gives_nobody_anything() {
    let flips = number(FLIPS_VARIABLE).unwrap_or(FLIPS_SHORT);
    let seed = seed();
    eprintln!("damage: {flips} files from CLAVIGER_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let scenes = [
        Scene::new(&mut random, false).await,
        Scene::new(&mut random, true).await,
    ];
    let mut figures = Figures::default();
    let mut violations = Vec::new();
    let mut said = HashSet::new();
    for flip in 0..flips {
        let scene = &scenes[usize::try_from(flip % 2).unwrap()];
        let (copy, places) = scene.damaged(&mut random);
        let found = try_start(scene, &copy, &mut figures, &mut said).await;
        violations.extend(found.into_iter().map(|what| format!("{places:?}: {what}")));
    }
    eprintln!(
        "damage: {flips} files, {figures:?}, {} violations",
        violations.len()
    );
    for line in said {
        eprintln!("damage: refused with: {line}");
    }
    let shown = &violations[..violations.len().min(20)];
    assert!(violations.is_empty(), "seed {seed}: {shown:#?}");
}

/// Starts a server on a damaged copy; what is wrong with how it behaves.
async fn try_start(
    scene: &Scene,
    copy: &Directory,
    figures: &mut Figures,
    said: &mut HashSet<String>,
) -> Vec<String> {
    let data = copy.path("data");
    let more = [
        "--listen",
        scene.site.listen(),
        "--internal-listen",
        "127.0.0.1:0",
    ];
    let arguments = [&["dev", "--json", "--data", &data], &more[..]].concat();
    let mut server = Server::spawn(copy, &arguments);
    if !server.is_ready().await {
        let told = server.stderr();
        server.ended().await;
        figures.refused += 1;
        if told.contains("panicked") || !told.contains("claviger restore") {
            return vec![format!("it does not start, and says: {told}")];
        }
        said.extend(
            told.lines()
                .find(|line| line.starts_with("error:"))
                .map(str::to_owned),
        );
        return Vec::new();
    }
    let mut site = scene.site.clone();
    site.follow(&server);
    let is_sealed = site.internal("/readyz").await.unwrap().status != 200;
    let (mut broken, lost) = scene.broken(&site).await;
    if is_sealed {
        figures.sealed += 1;
    } else {
        figures.started += 1;
        figures.lost += lost;
        broken.extend(changes(&site, scene, figures).await);
    }
    let told = server.stderr();
    if told.contains("panicked") {
        broken.push(format!("it panicked: {told}"));
    }
    server.kill().await;
    broken
}

/// Reads and changes something; what of it is answered as it must not be.
async fn changes(site: &Site, scene: &Scene, figures: &mut Figures) -> Vec<String> {
    let mut wrong = Vec::new();
    let keys: Vec<String> = {
        let history = scene.history.lock();
        let ids = history.things.iter().map(|thing| thing.id.clone());
        ids.filter(|id| id.starts_with("key_")).take(4).collect()
    };
    let mut calls = vec![
        Call::get("/api/keys?status=all&limit=1000".to_owned()),
        Call::get("/v1/audit?limit=1000".to_owned()),
        Call::get("/v1/clients".to_owned()),
    ];
    for id in keys {
        calls.push(Call {
            method: "PATCH",
            path: format!("/api/keys/{id}"),
            body: Some(json!({"description": "damaged"})),
            repeatable: None,
        });
    }
    for call in calls {
        let answer = site.call(&call).await.unwrap();
        let path = &call.path;
        // A session may be among what is damaged; a change may be refused, and says why.
        if answer.status >= 500 {
            figures.changes_refused += 1;
            let message = answer.json()["error"]["message"].clone();
            if message.as_str().is_none_or(str::is_empty) {
                wrong.push(format!("{path} was answered {}", answer.body));
            }
        }
    }
    let history = Shared::default();
    let begun = Begun {
        operation: Operation::CreateKey,
        thing: None,
        name: "damage".to_owned(),
    };
    let (answer, _) = carry_out(site, &history, &begun).await.unwrap();
    if answer.status == 201 {
        let key = answer.json()["key"].as_str().unwrap().to_owned();
        let decided = site.decide(&[&key]).await.unwrap();
        if decided != [Decided::Allowed] {
            wrong.push(format!("a new key is {decided:?}"));
        }
    }
    wrong
}
