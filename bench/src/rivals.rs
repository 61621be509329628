//! Starting what others made, in Node.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::load::Client;
use crate::server::{Process, first_line, text};

/// Another server of tokens.
pub(crate) struct OidcProvider {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
}

/// Another verification of API keys.
pub(crate) struct BetterAuth {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    /// A key that it takes.
    pub(crate) key: String,
}

impl OidcProvider {
    /// Starts it in this Node, beside whose packages its program is.
    pub(crate) fn start(node: &OsStr) -> Result<Self> {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/rivals/oidc_provider.mjs");
        let (process, ready) = start(node, program, &[])?;
        Ok(Self {
            process,
            address: text(&ready, "/address")?.parse()?,
            client: Client {
                id: text(&ready, "/client_id")?,
                secret: text(&ready, "/client_secret")?,
            },
        })
    }
}

impl BetterAuth {
    /// The same, as its documentation sets it up: with keys in a database, which is this file.
    pub(crate) fn in_database(node: &OsStr, file: &Path) -> Result<Self> {
        Self::start(node, &["database".as_ref(), file.as_os_str()])
    }

    /// The same, at its fastest: with keys in memory and without limits.
    pub(crate) fn in_memory(node: &OsStr) -> Result<Self> {
        Self::start(node, &["memory".as_ref()])
    }

    fn start(node: &OsStr, way: &[&OsStr]) -> Result<Self> {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/rivals/better_auth.mjs");
        let (process, ready) = start(node, program, way)?;
        Ok(Self {
            process,
            address: text(&ready, "/address")?.parse()?,
            key: text(&ready, "/key")?,
        })
    }
}

fn start(node: &OsStr, program: &str, args: &[&OsStr]) -> Result<(Process, Value)> {
    let mut child = Command::new(node)
        .arg(program)
        .args(args)
        .env("NODE_ENV", "production")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let line = first_line(&mut child, "{")?;
    let ready = serde_json::from_str(&line).context("the rival's line")?;
    Ok((Process::new(child), ready))
}
