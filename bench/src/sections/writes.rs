//! Durable creation of keys, many at once, against commits one after the other on the same disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use claviger_model::Environment;
use claviger_model::ids::AccountId;
use claviger_model::keyring::Keyring;
use claviger_model::keys::KeyDraft;
use claviger_service::app::Storage;
use claviger_service::keys::{self, IssueInput};
use claviger_service::propagation::Role;
use claviger_service::settings::Settings;
use claviger_service::sources::Sources;
use claviger_service::{Actor, App, Caller, accounts, apis};
use claviger_store::{Db, Location, StoreError, Tx};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::Section;
use crate::bars::{Bar, Figure, Unit};
use crate::plan::Plan;
use crate::report::{Bench, median};
use crate::server::{Claviger, Scratch};
use crate::{load, population, resident};

pub(crate) const SECTION: Section = Section {
    name: "writes",
    measures: "durable creation of keys, 64 at once, against commits one by one on the same disk",
    bars: &[SQLITE, POSTGRES],
    run,
};

const SQLITE: Bar = Bar::at_least("keys created, SQLite, against one by one", Unit::Times, 8.0);
const POSTGRES: Bar = Bar::at_least(
    "keys created, PostgreSQL, against one by one",
    Unit::Times,
    8.0,
);

/// Names a server of PostgreSQL on which databases can be made.
const POSTGRES_VARIABLE: &str = "CLAVIGER_TEST_POSTGRES";

fn run(bench: &mut Bench) -> Result<()> {
    sqlite(bench)?;
    if let Ok(server) = std::env::var(POSTGRES_VARIABLE) {
        return postgres(bench, &server);
    }
    println!("{POSTGRES_VARIABLE} names no server: nothing is measured on PostgreSQL");
    Ok(())
}

/// Over HTTP.
fn sqlite(bench: &mut Bench) -> Result<()> {
    let claviger = Claviger::start()?;
    let session = bench.wait(claviger.sign_in())?;
    let work = Claviger::key_work(&session);
    let scratch = Scratch::new()?;
    std::fs::create_dir_all(scratch.path())?;
    let file = scratch.path().join("claviger.db");
    let mut floor = bench.wait(OneByOne::open(&Location::Sqlite { file }))?;
    let plan = Plan {
        connections: bench.plan.writers,
        ..bench.plan
    };
    let (mut own, mut bare, mut waits) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.runs {
        let reading = load::run(&claviger.process, claviger.public, &work, plan);
        let reading = bench.wait(reading)?;
        own.push(reading.rate);
        waits.push(reading.latencies.micros(990) / 1_000.0);
        bare.push(bench.wait(floor.rate(plan.run))?);
    }
    bench.wait(floor.db.close());
    let detail = format!("over HTTP; p99 {:.1} ms", median(waits));
    bench.add(figure(&SQLITE, plan, (own, bare), &detail));
    Ok(())
}

/// In this process: the server is the database.
fn postgres(bench: &mut Bench, server: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let plan = bench.plan;
    let measured = runtime.block_on(async {
        let names = ["own", "floor"].map(|name| format!("bench_{name}_{}", std::process::id()));
        for name in &names {
            administer(server, &format!("CREATE DATABASE {name}")).await?;
        }
        let measured = on_postgres(server, &names, plan).await;
        for name in &names {
            administer(server, &format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        measured
    })?;
    bench.add(figure(&POSTGRES, plan, measured, "in process"));
    Ok(())
}

async fn on_postgres(
    server: &str,
    [own, floor]: &[String; 2],
    plan: Plan,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let location = |name: &str| Location::Postgres {
        url: url(server, name),
    };
    let issuer = Issuer::open(location(own)).await?;
    let mut floor = OneByOne::open(&location(floor)).await?;
    let mut rates = (Vec::new(), Vec::new());
    for _ in 0..plan.runs {
        rates.0.push(issuer.rate(plan.writers, plan.run).await?);
        rates.1.push(floor.rate(plan.run).await?);
    }
    floor.db.close().await;
    issuer.app.close().await;
    Ok(rates)
}

fn figure(bar: &Bar, plan: Plan, (own, floor): (Vec<f64>, Vec<f64>), detail: &str) -> Figure {
    let (own, floor) = (median(own), median(floor));
    let detail = format!(
        "{own:.0}/s with {} at once against {floor:.0}/s one by one; {detail}",
        plan.writers
    );
    bar.figure(own / floor, detail)
}

/// The floor: rows of keys, each in a durable commit of its own, and nothing else.
struct OneByOne {
    db: Db,
    keyring: Arc<Keyring>,
    next: u64,
}

impl OneByOne {
    async fn open(location: &Location) -> Result<Self> {
        let keyring = resident::keyring()?;
        let db = Db::open(location, Arc::clone(&keyring)).await?;
        let account = db.write(|tx: &mut Tx| {
            Box::pin(async move {
                let account = resident::account(AccountId(1));
                claviger_store::accounts::insert(tx, &account).await?;
                Ok::<_, StoreError>(())
            })
        });
        account.await?;
        Ok(Self {
            db,
            keyring,
            next: 1,
        })
    }

    /// Keys a second.
    async fn rate(&mut self, time: Duration) -> Result<f64> {
        let begun = Instant::now();
        let first = self.next;
        while begun.elapsed() < time {
            let at = (resident::NOW.wall, u128::from(self.next));
            let row = resident::row(self.next, at, AccountId(1), &self.keyring)?;
            population::insert_keys(&self.db, [row].into()).await?;
            self.next += 1;
        }
        Ok(rate(self.next - first, begun))
    }
}

/// Somebody at the machine who issues keys.
struct Issuer {
    app: App,
    account_id: AccountId,
}

impl Issuer {
    async fn open(location: Location) -> Result<Self> {
        let storage = Storage {
            main: location.clone(),
            usage: location,
            lock_file: None,
            ballast_bytes: 0,
        };
        let keyring = Keyring::parse(&claviger_model::keyring::master_key_line(1, &[7; 32]))?;
        let sources = Sources::system()?;
        let app = App::open(
            &storage,
            keyring,
            Settings::default(),
            sources,
            Role::Server,
        )
        .await?;
        let operator = caller().operator()?;
        apis::create(&app, &operator, resident::api_draft(), None).await?;
        let account = accounts::create(&app, &operator, "Acme", None).await?;
        Ok(Self {
            app,
            account_id: account.id,
        })
    }

    /// Keys a second, so many at once.
    async fn rate(&self, writers: usize, time: Duration) -> Result<f64> {
        let begun = Instant::now();
        let tasks: Vec<_> = (0..writers)
            .map(|_| {
                let (app, account_id) = (self.app.clone(), self.account_id);
                tokio::spawn(async move {
                    let mut count = 0;
                    while begun.elapsed() < time {
                        issue(&app, account_id).await?;
                        count += 1;
                    }
                    Ok::<u64, anyhow::Error>(count)
                })
            })
            .collect();
        let mut count = 0;
        for task in tasks {
            count += task.await??;
        }
        Ok(rate(count, begun))
    }
}

async fn issue(app: &App, account_id: AccountId) -> Result<()> {
    let draft = KeyDraft {
        name: Some("Reporting Script".to_owned()),
        scopes: Some(vec!["read:leads".to_owned()]),
        ..KeyDraft::default()
    };
    let input = IssueInput {
        draft,
        environment: Environment::Live,
    };
    let access = caller().key_access_to(account_id)?;
    keys::issue(app, &access, input, None).await?;
    Ok(())
}

fn caller() -> Caller {
    Caller {
        actor: Actor::CommandLine {
            user: "bench".to_owned(),
        },
        ip: None,
        request_id: None,
    }
}

/// A statement on the server itself.
async fn administer(server: &str, sql: &str) -> Result<()> {
    let mut admin = PgConnection::connect(&url(server, "postgres")).await?;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut admin)
        .await
        .context("PostgreSQL")?;
    admin.close().await?;
    Ok(())
}

fn url(server: &str, database: &str) -> String {
    format!("{}/{database}", server.trim_end_matches('/'))
}

fn rate(count: u64, begun: Instant) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let count = count as f64;
    count / begun.elapsed().as_secs_f64()
}
