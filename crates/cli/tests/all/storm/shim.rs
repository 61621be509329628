//! The machine below a server: its disk can fail or hang, and its clock can be set.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::Command;
use std::sync::OnceLock;

use crate::directory::Directory;

/// The size of what server and test share: four numbers of eight bytes.
const CONTROL_BYTES: u64 = 32;

/// What becomes of a write that has to reach the disk.
#[derive(Clone, Copy)]
pub(super) enum Disk {
    /// It reaches it.
    Sound = 0,
    /// It fails.
    Failing = 1,
    /// It waits for as long as this lasts.
    Hanging = 2,
}

/// The machine of one test.
pub(super) struct Machine {
    control: File,
    path: String,
}

impl Machine {
    /// A sound one with the right time.
    pub(super) fn new(directory: &Directory) -> Self {
        let path = directory.path("control");
        let mut options = std::fs::OpenOptions::new();
        options.create(true).truncate(true).read(true).write(true);
        let control = options.open(&path).unwrap();
        control.set_len(CONTROL_BYTES).unwrap();
        Self { control, path }
    }

    /// What starts a program on it.
    pub(super) fn entry(&self) -> Vec<String> {
        let preload = format!("LD_PRELOAD={}", library());
        let control = format!("CLAVIGER_TEST_CONTROL={}", self.path);
        vec!["env".to_owned(), preload, control]
    }

    /// Sets how far the wall clock is off, in milliseconds.
    pub(super) fn set_clock(&self, off_millis: i64) {
        self.write(0, off_millis);
    }

    pub(super) fn set_disk(&self, disk: Disk) {
        self.write(1, disk as i64);
    }

    /// How many writes failed so far.
    pub(super) fn failed(&self) -> i64 {
        self.read(2)
    }

    /// How many writes wait now.
    pub(super) fn held(&self) -> i64 {
        self.read(3)
    }

    fn write(&self, place: u64, value: i64) {
        let bytes = value.to_ne_bytes();
        self.control.write_all_at(&bytes, place * 8).unwrap();
    }

    fn read(&self, place: u64) -> i64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, place * 8).unwrap();
        i64::from_ne_bytes(bytes)
    }
}

/// The library that stands before the C library, compiled once a process.
fn library() -> &'static str {
    static LIBRARY: OnceLock<String> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/storm/shim.c");
        let directory = env!("CARGO_TARGET_TMPDIR");
        let library = format!("{directory}/shim-{}.so", std::process::id());
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([&library, source])
            .status();
        assert!(compiled.expect("a C compiler").success(), "shim.c");
        library
    })
}
