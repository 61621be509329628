//! Lines that wait for each other for a moment and are written together.
//!
//! Each request of the public listener is a line. Written one by one they cost a system call each,
//! and threads that answer requests wait for each other, and for whoever reads the log. What is
//! wrong is written at once, after what was gathered, so that it is there whatever ends the
//! program, and the lines keep their order. While something is being written it is gathered too:
//! of those who have something to say one at most waits for a log that nobody reads.

use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError, mpsc};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits for others, at most.
const GATHERING: Duration = Duration::from_millis(10);
/// Bytes of lines that wait, at most: whoever reads the log slower than it is written misses some.
const WAITING_BYTES_MAX: usize = 1 << 20;

/// A log whose lines are gathered on their way to `W`.
pub(super) struct Gathered<W>(Arc<Shared<W>>);

struct Shared<W> {
    waiting: Mutex<Vec<u8>>,
    /// Told when something waits.
    comes: Condvar,
    /// Held while something is written: what was gathered first is written first.
    out: Mutex<Out<W>>,
    /// Lines that found no room.
    lost: AtomicUsize,
    /// Whether a thread writes what waits; it is started with the first line, as most commands
    /// have none.
    has_writer: OnceLock<bool>,
}

struct Out<W> {
    to: W,
    /// What is being written, kept for its memory.
    lines: Vec<u8>,
}

/// One line on its way.
pub(super) struct Line<'a, W> {
    to: &'a Gathered<W>,
    is_urgent: bool,
}

impl<W: Write + Send + 'static> Gathered<W> {
    pub(super) fn of(to: W) -> Self {
        Self(Arc::new(Shared {
            waiting: Mutex::default(),
            comes: Condvar::new(),
            out: Mutex::new(Out {
                to,
                lines: Vec::new(),
            }),
            lost: AtomicUsize::new(0),
            has_writer: OnceLock::new(),
        }))
    }

    /// Writes what waits, for so long at most: the program ends.
    pub(super) fn finish_within(&self, time: Duration) {
        let (written, is_written) = mpsc::channel();
        let log = self.clone();
        let write = move || {
            log.0.write_waiting();
            written.send(())
        };
        if thread::Builder::new().spawn(write).is_ok() {
            // Whoever does not read it by then misses the rest.
            let _ = is_written.recv_timeout(time);
        }
    }

    /// Writes a line at once, or right after what is being written.
    fn write_at_once(&self, line: &[u8]) {
        match self.0.out.try_lock() {
            Ok(out) => self.0.write_to(out, line),
            Err(TryLockError::Poisoned(out)) => self.0.write_to(out.into_inner(), line),
            Err(TryLockError::WouldBlock) => self.gather(line),
        }
    }

    fn gather(&self, line: &[u8]) {
        let mut waiting = lock(&self.0.waiting);
        let is_first = waiting.is_empty();
        if !is_first && waiting.len() + line.len() > WAITING_BYTES_MAX {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.extend_from_slice(line);
        drop(waiting);
        if is_first {
            if *self.0.has_writer.get_or_init(|| self.start()) {
                self.0.comes.notify_one();
            } else {
                self.0.write_waiting();
            }
        }
    }

    /// Starts who writes; false where no thread can be started.
    fn start(&self) -> bool {
        let shared = Arc::clone(&self.0);
        let run = move || {
            crate::hardening::step_back();
            let mut told = 0;
            loop {
                let waiting = lock(&shared.waiting);
                let waiting = shared
                    .comes
                    .wait_while(waiting, |waiting| waiting.is_empty());
                drop(waiting);
                #[expect(clippy::disallowed_methods, reason = "time is what gathers lines")]
                thread::sleep(GATHERING);
                shared.write_waiting();
                let lost = shared.lost.load(Ordering::Relaxed);
                if lost > told {
                    let lines = lost - told;
                    tracing::warn!(lines, "the log is read too slowly, and misses some");
                    told = lost;
                }
            }
        };
        let log = thread::Builder::new().name("log".to_owned());
        log.spawn(run).is_ok()
    }
}

impl<W> Clone for Gathered<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Write> Shared<W> {
    /// Writes what waits.
    fn write_waiting(&self) {
        self.write_to(lock(&self.out), &[]);
    }

    /// Writes what waits, and `line` after it.
    fn write_to(&self, mut out: MutexGuard<'_, Out<W>>, line: &[u8]) {
        let Out { to, lines } = &mut *out;
        mem::swap(lines, &mut lock(&self.waiting));
        lines.extend_from_slice(line);
        // There is nobody to tell that the log cannot be written.
        let _ = to.write_all(lines).and_then(|()| to.flush());
        lines.clear();
    }
}

impl<'a, W: Write + Send + 'static> MakeWriter<'a> for Gathered<W> {
    type Writer = Line<'a, W>;

    fn make_writer(&'a self) -> Self::Writer {
        Line {
            to: self,
            is_urgent: true,
        }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Self::Writer {
        Line {
            to: self,
            is_urgent: *meta.level() <= Level::WARN,
        }
    }
}

impl<W: Write + Send + 'static> Write for Line<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.is_urgent {
            self.to.write_at_once(line);
        } else {
            self.to.gather(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Somebody who reads the log, one writing at a time.
    struct Reader(SyncSender<String>);

    impl Write for Reader {
        fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(lines.to_vec()).expect("text");
            let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
            self.0.send(text).map_err(gone)?;
            Ok(lines.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log() -> (Gathered<Reader>, Receiver<String>) {
        let (writes, read) = sync_channel(0);
        (Gathered::of(Reader(writes)), read)
    }

    #[test]
    fn gathered_lines_are_written_without_anybody_asking() {
        let (log, read) = log();
        for round in 0..3 {
            let line = format!("{round}\n");
            log.gather(line.as_bytes());
            assert_eq!(read.recv().expect("a line"), line);
        }
    }

    #[test]
    fn what_is_wrong_is_written_in_its_place() {
        let (log, read) = log();
        thread::scope(|scope| {
            scope.spawn(|| {
                for line in ["1\n", "2\n", "3\n"] {
                    log.gather(line.as_bytes());
                }
                log.write_at_once(b"wrong\n");
                log.gather(b"4\n");
            });
            let mut seen = String::new();
            while !seen.ends_with("4\n") {
                seen += &read.recv().expect("lines");
            }
            assert_eq!(seen, "1\n2\n3\nwrong\n4\n");
        });
    }

    #[test]
    fn what_is_wrong_is_written_before_its_sayer_goes_on() {
        let (writes, read) = sync_channel(1);
        let log = Gathered::of(Reader(writes));
        log.write_at_once(b"wrong\n");
        assert_eq!(read.try_recv().expect("a line"), "wrong\n");
    }

    #[test]
    fn nobody_waits_for_a_log_that_is_not_read() {
        let (log, read) = log();
        let line = [b'x'; 1_024];
        let lines = 4 * WAITING_BYTES_MAX / line.len();
        let writing = log.clone();
        thread::spawn(move || writing.write_at_once(&line));
        // From here on something is being written that nobody reads.
        while log.0.out.try_lock().is_ok() {
            thread::yield_now();
        }
        for _ in 1..lines / 2 {
            log.gather(&line);
        }
        for _ in lines / 2..lines {
            log.write_at_once(&line);
        }
        log.finish_within(Duration::ZERO);
        let mut seen = 0;
        while lines > seen / line.len() + log.0.lost.load(Ordering::Relaxed) {
            seen += read.recv().expect("lines").len();
        }
        assert!(seen >= WAITING_BYTES_MAX, "{seen}");
        assert!(log.0.lost.load(Ordering::Relaxed) > 0);
    }
}
