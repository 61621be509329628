//! Place on the disk that is given up when the disk is full, so that power can still be taken away.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// Into how many parts it is given up: what else writes to the disk takes one of them, not all.
const PARTS: u64 = 16;
/// A part is at least this large: one commit with what SQLite writes beside it fits.
const PART_BYTES_LEAST: u64 = 512 * 1024;
/// How often is looked whether there is place again.
const HEAL_PERIOD: Duration = Duration::from_secs(2);

/// A file that does nothing but take place beside a SQLite database.
///
/// On a full disk a part of it is given up for each removal that does not fit, and everything else
/// is refused at once, so that nothing else takes that place. When there is place for all of it
/// again it is made again and everything goes on.
#[derive(Clone, Debug)]
pub struct Ballast {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    bytes: u64,
    is_full: AtomicBool,
}

impl Ballast {
    /// The ballast of `bytes` in `file`. Nothing is made yet.
    pub fn new(file: PathBuf, bytes: u64) -> Self {
        let inner = Inner {
            file,
            bytes,
            is_full: AtomicBool::new(false),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Makes the file, or brings it to its size; of a size of zero there is none.
    ///
    /// # Errors
    /// There is no place for it. What there was is as before or larger.
    pub fn fill(&self) -> io::Result<()> {
        let Inner { file, bytes, .. } = &*self.inner;
        if *bytes == 0 {
            return match std::fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(file)?;
        let present = file.metadata()?.len();
        if present > *bytes {
            file.set_len(*bytes)?;
        }
        if present >= *bytes {
            return Ok(());
        }
        let filled = extend(&mut file, present, *bytes).and_then(|()| file.sync_all());
        if filled.is_err() {
            // The rest of the disk is for whoever was there before.
            file.set_len(present)?;
        }
        filled
    }

    /// Whether the disk was full a moment ago.
    pub(super) fn is_full(&self) -> bool {
        self.inner.is_full.load(Ordering::Acquire)
    }

    /// Notes that the disk is full, and looks from now on whether it still is.
    pub(super) fn note_full(&self) {
        // Without one there would be nothing to keep place for.
        if self.inner.bytes == 0 || self.inner.is_full.swap(true, Ordering::AcqRel) {
            return;
        }
        tracing::error!("the disk is full: nothing is written but what takes power away");
        let ballast = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(HEAL_PERIOD).await;
                // Nobody else holds it: the database was closed.
                if Arc::strong_count(&ballast.inner) == 1 {
                    return;
                }
                let filling = ballast.clone();
                let filled = tokio::task::spawn_blocking(move || filling.fill()).await;
                if matches!(filled, Ok(Ok(()))) {
                    ballast.inner.is_full.store(false, Ordering::Release);
                    tracing::info!("there is place on the disk again");
                    return;
                }
            }
        });
    }

    /// Gives a part of it up; whether there was anything to give up.
    pub(super) fn give_up_part(&self) -> bool {
        let Ok(file) = OpenOptions::new().write(true).open(&self.inner.file) else {
            return false;
        };
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let part = (self.inner.bytes / PARTS).max(PART_BYTES_LEAST);
        let given = length > 0 && file.set_len(length.saturating_sub(part)).is_ok();
        if given {
            // Some file systems free the place only with this.
            let _ = file.sync_all();
            tracing::warn!(
                left_bytes = length.saturating_sub(part),
                "a part of the ballast was given up for what takes power away"
            );
        }
        given
    }
}

/// Takes the place between two lengths of a file.
fn extend(file: &mut File, from: u64, to: u64) -> io::Result<()> {
    match fallocate(&*file, FallocateFlags::empty(), from, to - from) {
        // Not every file system can: then it is written.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
        outcome => return outcome.map_err(io::Error::from),
    }
    io::Seek::seek(file, io::SeekFrom::Start(from))?;
    let zeros = vec![0; 64 * 1024];
    let mut left = to - from;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(&zeros[..now])?;
        left -= now as u64;
    }
    Ok(())
}
