//! Instructions of small works: what a change of the code does to them can be seen on a noisy
//! machine too.
//!
//! Each work runs in this program once more, under a counter, with few and with many rounds: the
//! difference is what a round costs, without what comes before it.

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use claviger_model::apis::SigningAlgorithm;
use claviger_model::ids::{AccountId, SigningKeyId};
use claviger_model::signing_keys::SigningKey;
use claviger_model::tokens::ACCESS_TOKEN_TYPE;
use claviger_service::signing_keys::Signer;
use claviger_service::sources::Sources;
use claviger_verify::Index;
use claviger_web::gateway::verify::Question;

use super::Section;
use crate::bars::{Figure, Unit};
use crate::load::question;
use crate::report::Bench;
use crate::{issued, resident};

pub(crate) const SECTION: Section = Section {
    name: "instructions",
    measures: "instructions of one decision, of reading one request and of signing one token",
    bars: &[],
    run,
};

const WORKS: &[(&str, &str)] = &[
    ("key", "decide, API key, 200 keys"),
    ("token", "decide, access token seen before"),
    ("parse", "read the body of POST /v1/verify"),
    ("sign", "sign an access token, ES256"),
];
const KEYS: u64 = 200;
/// Rounds that both counts have.
const ROUNDS_BEFORE: u64 = 50;

/// What counts instructions.
#[derive(Clone, Copy)]
enum Counter {
    Callgrind,
    Perf,
}

fn run(bench: &mut Bench) -> Result<()> {
    let Some(counter) = [Counter::Callgrind, Counter::Perf]
        .into_iter()
        .find(|counter| counter.is_here())
    else {
        println!("neither valgrind nor perf counts here");
        return Ok(());
    };
    let rounds = bench.plan.counted_rounds;
    for (at, &(work, name)) in WORKS.iter().enumerate() {
        // A counter reads all symbols of this program before it begins, and of a debug build that
        // takes seconds.
        if bench.plan.is_short && at > 0 {
            self::work(work, rounds)?;
            continue;
        }
        let few = counter.count(work, ROUNDS_BEFORE)?;
        let many = counter.count(work, ROUNDS_BEFORE + rounds)?;
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let each = many.saturating_sub(few) as f64 / rounds as f64;
        let detail = format!("instructions, by {}", counter.name());
        bench.add(Figure::of(name, Unit::Count, each, detail));
    }
    Ok(())
}

impl Counter {
    const fn name(self) -> &'static str {
        match self {
            Self::Callgrind => "callgrind",
            Self::Perf => "perf",
        }
    }

    fn command(self) -> Command {
        match self {
            Self::Callgrind => {
                let mut command = Command::new("valgrind");
                command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
                command
            }
            Self::Perf => {
                let mut command = Command::new("perf");
                command.args(["stat", "-x,", "-e", "instructions:u", "--"]);
                command
            }
        }
    }

    /// Whether it runs and counts.
    fn is_here(self) -> bool {
        let output = self.command().arg("true").stdin(Stdio::null()).output();
        output.is_ok_and(|output| self.read(&String::from_utf8_lossy(&output.stderr)).is_ok())
    }

    /// The instructions of so many rounds, with what comes before them.
    fn count(self, work: &str, rounds: u64) -> Result<u64> {
        let output = self
            .command()
            .arg(std::env::current_exe()?)
            .args(["count", work, &rounds.to_string()])
            .stdin(Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{work}: {said}");
        self.read(&said)
    }

    fn read(self, said: &str) -> Result<u64> {
        let number = match self {
            Self::Callgrind => said
                .lines()
                .find_map(|line| line.split_once("Collected : "))
                .map(|(_, number)| number),
            Self::Perf => said
                .lines()
                .find(|line| line.contains("instructions"))
                .and_then(|line| line.split(',').next()),
        };
        let number = number.context("no count")?.trim();
        number.parse().context("a count")
    }
}

/// Does so many rounds of a work in this process.
pub(crate) fn work(name: &str, rounds: u64) -> Result<()> {
    match name {
        "key" => decide_key(rounds),
        "token" => decide_token(rounds),
        "parse" => parse(rounds),
        "sign" => sign(rounds),
        _ => bail!("no work `{name}`"),
    }
}

fn decide_key(rounds: u64) -> Result<()> {
    let keyring = resident::keyring()?;
    let verifier = resident::started(Arc::clone(&keyring), resident::filled(KEYS, 10, &keyring)?);
    let secrets = resident::spread(KEYS, KEYS)?;
    for secret in secrets.iter().cycle().take(usize::try_from(rounds)?) {
        let request = resident::request(secret.expose());
        let decision = verifier.decide(&request, resident::NOW);
        ensure!(black_box(decision).is_allowed(), "refused");
    }
    Ok(())
}

fn decide_token(rounds: u64) -> Result<()> {
    let keyring = resident::keyring()?;
    let index = Index::default();
    index.put_account(&resident::account(AccountId(1)));
    index.set_apis(&[resident::api()?]);
    let tokens = issued::tokens(&index, &keyring, 1)?;
    let verifier = resident::started(keyring, index);
    for token in tokens.iter().cycle().take(usize::try_from(rounds)?) {
        let decision = verifier.decide(&resident::request(token), resident::NOW);
        ensure!(black_box(decision).is_allowed(), "refused");
    }
    Ok(())
}

fn parse(rounds: u64) -> Result<()> {
    let secret = resident::minted(1).context("enough digits")?;
    let body = question(secret.expose());
    for _ in 0..rounds {
        let question: Question<'_> = serde_json::from_slice(black_box(body.as_bytes()))?;
        black_box(question);
    }
    Ok(())
}

fn sign(rounds: u64) -> Result<()> {
    let keyring = resident::keyring()?;
    let sources = Sources::system()?;
    let algorithm = SigningAlgorithm::Es256;
    let id = SigningKeyId(1);
    let private = sources.signing_key(algorithm)?;
    let row = SigningKey {
        id,
        algorithm,
        generation: 1,
        public_jwk: "{}".to_owned(),
        sealed_private: keyring.encrypt(&SigningKey::context(id), sources.nonce()?, &private)?,
        created_at: resident::NOW.wall,
        signs_from: resident::NOW.wall,
        published_until: None,
        version: 1,
    };
    let signer = Signer::new(Arc::clone(&keyring), &sources);
    let now = resident::NOW.wall;
    signer.hold(vec![row], &Index::default(), now);
    for number in 0..rounds {
        let claims = issued::claims(number);
        let token = signer.sign(algorithm, &claims, ACCESS_TOKEN_TYPE, now)?;
        black_box(token);
    }
    Ok(())
}
