//! Threads that serve connections and do nothing else.
//!
//! A connection stays on the thread that it was given to, so that none of its requests wakes or
//! waits for another one, and nothing that the rest of the process does stands in its way.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Some threads of their own for a listener. They end when it is dropped.
#[derive(Debug)]
pub struct Lanes(Vec<Lane>);

#[derive(Debug)]
struct Lane {
    handle: Handle,
    open: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A connection's place on a thread, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat(Arc<AtomicUsize>);

impl Lanes {
    /// A thread for each core.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(name: &str) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        (0..cores)
            .map(|at| Lane::start(&format!("{name}-{at}")))
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// The thread with the fewest connections, and a place on it.
    pub(super) fn seat(&self) -> Option<(&Handle, Seat)> {
        let least = |lane: &&Lane| lane.open.load(Ordering::Relaxed);
        let lane = self.0.iter().min_by_key(least)?;
        lane.open.fetch_add(1, Ordering::Relaxed);
        Some((&lane.handle, Seat(Arc::clone(&lane.open))))
    }
}

impl Lane {
    fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            // Also when its sender is gone.
            let _ = runtime.block_on(stopped);
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)?;
        Ok(Self {
            handle,
            open: Arc::default(),
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
