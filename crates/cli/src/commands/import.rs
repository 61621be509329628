//! `claviger import`: keys that were made elsewhere, by their hashes.

use std::fs::File;
use std::io::{self, BufReader, Seek, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_service::imports::{self, ImportOptions, Outcome, Refused, Told};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::bar::Bar;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::screen::Screen;
use crate::store::{Store, StoreArguments};

/// How many bad lines are shown.
const SHOWN: usize = 20;
/// Bytes that a pepper may have.
const PEPPER_BYTES_MAX: usize = 4_096;

/// Take over what was made elsewhere
#[derive(clap::Args, Debug)]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(subcommand)]
    command: ImportCommand,
}

#[derive(clap::Subcommand, Debug)]
enum ImportCommand {
    /// Take over API keys by their hashes
    ///
    /// FILE has one JSON object a line. Without --skip-invalid nothing is taken over when a line is
    /// bad. A run that was cut off is repeated: keys that were taken over are recognised.
    Keys(KeysArguments),
}

#[derive(clap::Args, Debug)]
struct KeysArguments {
    /// JSON lines; - is standard input
    file: PathBuf,
    /// Id or exact name of the account of lines without `account_id`; the only one when left out
    #[arg(long)]
    account: Option<String>,
    /// Only check, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Take over the good lines even if others are bad
    #[arg(long)]
    skip_invalid: bool,
    /// The pepper of hashes by hmac-sha256: the file's text without the end of its line
    #[arg(long, value_name = "FILE")]
    pepper_file: Option<PathBuf>,
    /// What the pepper's file holds: text, hex or base64
    #[arg(
        long,
        value_name = "ENCODING",
        default_value = "text",
        requires = "pepper_file"
    )]
    pepper_encoding: String,
    /// Write all bad lines to this file, as JSON lines with `line` and `reason`
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(arguments: ImportArguments, screen: Screen) -> Result<Exit, Failure> {
    let ImportArguments { store, command } = arguments;
    let ImportCommand::Keys(arguments) = command;
    store
        .with(async |store| keys(store, &arguments, screen).await)
        .await
}

async fn keys(store: &Store, arguments: &KeysArguments, screen: Screen) -> Result<Exit, Failure> {
    let options = options(store, arguments).await?;
    let mut source = BufReader::new(source(&arguments.file)?);
    let mut report = match &arguments.report {
        Some(file) => Some(report_file(file)?),
        None => None,
    };
    store.load_apis().await?;
    let access = store.caller.operator()?;
    let now = || store.app.sources().both().boot_nanos;
    let mut bar = Bar::start(now());
    let mut bad: Vec<Refused> = Vec::new();
    let mut was_writing = false;
    let mut unwritten: Option<io::Error> = None;
    let mut told = |told: Told| match told {
        Told::Refused(refused) => {
            let line = json!({ "line": refused.line, "reason": refused.reason });
            if let Some(Err(error)) = report.as_mut().map(|file| writeln!(file, "{line}")) {
                unwritten = Some(error);
            }
            if bad.len() < SHOWN {
                bad.push(refused);
            }
        }
        Told::Progress(progress) => {
            if progress.is_writing && !std::mem::replace(&mut was_writing, true) {
                bar.restart(now());
            }
            let what = if progress.is_writing {
                "importing"
            } else {
                "checking"
            };
            bar.show(what, progress.done, progress.total, now());
        }
    };
    let outcome = imports::import_keys(&store.app, &access, &mut source, &options, &mut told).await;
    bar.clear();
    let outcome = outcome?;
    if let Some(error) = unwritten {
        screen.note(&format!("the report is not complete: {error}"));
    }
    show(&outcome, &bad, arguments, screen)
}

async fn options(store: &Store, arguments: &KeysArguments) -> Result<ImportOptions, Failure> {
    let account_id = match &arguments.account {
        Some(text) => Some(store.account(Some(text)).await?.id),
        // The lines say whose they are, where there are several.
        None => store.account(None).await.ok().map(|account| account.id),
    };
    let pepper = match &arguments.pepper_file {
        Some(file) => Some(pepper(file, &arguments.pepper_encoding)?),
        None => None,
    };
    Ok(ImportOptions {
        account_id,
        skip_invalid: arguments.skip_invalid,
        dry_run: arguments.dry_run,
        pepper,
    })
}

fn pepper(file: &Path, encoding: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    let text = Zeroizing::new(read);
    let text = text.trim_end_matches(['\n', '\r']);
    let bytes = match encoding {
        "text" => Some(text.as_bytes().to_vec()),
        "hex" => hex(text.trim()),
        "base64" => STANDARD.decode(text.trim()).ok(),
        _ => {
            let message = "the pepper's encoding is text, hex or base64";
            return Err(Failure::new(Exit::Usage, message));
        }
    };
    let bytes = bytes.map(Zeroizing::new);
    let bytes = bytes.filter(|bytes| (1..=PEPPER_BYTES_MAX).contains(&bytes.len()));
    bytes.ok_or_else(|| {
        let message = format!("{} holds no pepper in {encoding}", file.display());
        Failure::new(Exit::Usage, message).hint("say how it is written with --pepper-encoding")
    })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

/// The file; standard input is put by, because it is read twice.
fn source(file: &Path) -> Result<File, Failure> {
    if file != Path::new("-") {
        return File::open(file).map_err(|error| unreadable(file, &error));
    }
    let put_by = files::nameless().and_then(|mut put_by| {
        io::copy(&mut io::stdin().lock(), &mut put_by)?;
        put_by.rewind()?;
        Ok(put_by)
    });
    put_by.map_err(|error| Failure::new(Exit::Failed, format!("standard input: {error}")))
}

fn report_file(file: &Path) -> Result<File, Failure> {
    File::create(file).map_err(|error| {
        let message = format!("{} cannot be written: {error}", file.display());
        Failure::new(Exit::Permission, message)
    })
}

fn unreadable(file: &Path, error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::NotFound => Exit::NotFound,
        io::ErrorKind::PermissionDenied => Exit::Permission,
        _ => Exit::Usage,
    };
    Failure::new(exit, format!("{} cannot be read: {error}", file.display()))
}

fn show(
    outcome: &Outcome,
    bad: &[Refused],
    arguments: &KeysArguments,
    screen: Screen,
) -> Result<Exit, Failure> {
    let nothing = outcome.refused > 0 && !arguments.skip_invalid;
    let imported = if outcome.is_written { outcome.fresh } else { 0 };
    for refused in bad.iter().filter(|_| !screen.is_json) {
        screen.note(&format!("line {}: {}", refused.line, refused.reason));
    }
    let more = outcome.refused.saturating_sub(bad.len() as u64);
    if more > 0 && !screen.is_json {
        screen.note(&format!("and {more} more; --report FILE has them all"));
    }
    if screen.is_json {
        let problems = bad
            .iter()
            .map(|one| json!({ "line": one.line, "reason": one.reason }));
        let summary = json!({
            "lines": outcome.lines,
            "imported": imported,
            "importable": outcome.fresh,
            "known": outcome.known,
            "refused": outcome.refused,
            "dry_run": arguments.dry_run,
            "problems": problems.collect::<Vec<Value>>(),
        });
        screen.data(&summary.to_string())?;
    } else if outcome.is_written || outcome.fresh == 0 && !nothing {
        screen.data(&format!(
            "imported {imported} keys; {} were there already, {} lines were refused",
            outcome.known, outcome.refused
        ))?;
    } else {
        screen.data(&format!(
            "imported nothing; {} keys could be, {} are there already, {} lines are refused",
            outcome.fresh, outcome.known, outcome.refused
        ))?;
    }
    if nothing {
        if !screen.is_json && !arguments.dry_run {
            screen.note("hint: mend the lines, or take over the good ones with --skip-invalid");
        }
        return Ok(Exit::Usage);
    }
    Ok(Exit::Done)
}
