//! A small disk: a file system in memory, mounted where only this test and its server see it.

use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::directory::Directory;
use crate::program::until;

/// A directory `data` that is a disk of its own.
pub(crate) struct SmallDisk {
    path: String,
    /// The process whose view of the mounts has it.
    holder: Child,
}

impl SmallDisk {
    /// Mounts it on `data` in the directory; none where this machine does not let anybody mount
    /// anything, not even in a namespace of one's own.
    pub(crate) async fn mount(directory: &Directory, megabytes: u32) -> Option<Self> {
        let path = directory.path("data");
        std::fs::create_dir(&path).unwrap();
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m,mode=0700 none '{path}' && touch '{path}.mounted' \
             && exec sleep 600"
        );
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let mounted = format!("{path}.mounted");
        let is_mounted = until(async || match holder.try_wait().unwrap() {
            Some(_) => Some(false),
            None => std::fs::exists(&mounted).unwrap().then_some(true),
        });
        is_mounted.await.then_some(Self { path, holder })
    }

    /// What starts a program that sees the disk.
    pub(crate) fn entry(&self) -> Vec<String> {
        let pid = self.holder.id().unwrap().to_string();
        let words = ["nsenter", "--target", &pid, "--user", "--mount"];
        let words = words.into_iter().chain(["--preserve-credentials", "--"]);
        words.map(str::to_owned).collect()
    }

    /// Runs a line of shell in the directory; what it printed.
    pub(crate) async fn shell(&self, line: &str) -> String {
        let entry = self.entry();
        let script = format!("cd '{}' && {line}", self.path);
        let output = Command::new(&entry[0])
            .args(&entry[1..])
            .args(["sh", "-c", &script])
            .output();
        String::from_utf8(output.await.unwrap().stdout).unwrap()
    }
}
