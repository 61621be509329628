//! Keys that were made elsewhere: taking them over by their hashes, and knowing them from then on.

mod check;
mod import;
mod line;
mod lines;
mod slow;
mod upgrade;

pub use import::{ImportOptions, Outcome, Progress, Refused, Told, import_keys};
pub use line::LINE_BYTES_MAX;
pub(crate) use slow::SlowPool;
pub use slow::{Tried, try_slow};
pub(crate) use upgrade::Upgrader;

use claviger_verify::entries::Credential;

use crate::app::App;

/// Notes that `credential` was recognised as `entry`: of a key that was made elsewhere the first
/// use counts, of everything else nothing.
pub fn note_use(app: &App, entry: &Credential, credential: &str) {
    if entry.is_unseen() {
        app.upgrader().note(entry, credential);
    }
}

/// Writes the first uses down that were noted by now, which a server does every second.
///
/// # Errors
/// The store's.
#[cfg(feature = "testing")]
pub async fn write_uses(app: &App) -> Result<(), crate::Error> {
    app.upgrader().flush().await
}

/// Reads every line of a file and keeps nothing; how many describe a key.
#[cfg(feature = "testing")]
pub fn readable_lines(mut file: &[u8], pepper: Option<u8>) -> usize {
    let now = claviger_model::UnixMillis(0);
    let mut lines = lines::Lines::of(&mut file);
    let page = lines.page(usize::MAX).unwrap_or_default();
    let texts = page.into_iter().filter_map(|line| line.text.ok());
    texts
        .filter(|text| line::read(text, pepper, now).is_ok())
        .count()
}
