//! What the foreign OAuth clients of the tests run in: Node and Python, with their libraries; and
//! the browser of the people for whom they act.
//!
//! What cannot be had is said at once and fails only the tests that need it: the others have
//! something to say as well.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::node::Node;
use super::python::Python;
use super::{account, apt};
use crate::workspace;

/// Names a Node beside whose packages `e2e/node_modules` was installed. When it is set already,
/// nothing is installed for it; so with the other.
const NODE_VARIABLE: &str = "CLAVIGER_TEST_NODE";

/// What the packages in `e2e/package.json` need.
const NODE_MAJOR_MIN: u32 = 20;

/// Names a Python that has the packages of `e2e/requirements.txt`.
const PYTHON_VARIABLE: &str = "CLAVIGER_TEST_PYTHON";

/// Names the browser.
const CHROMIUM_VARIABLE: &str = "CLAVIGER_TEST_CHROMIUM";

/// What Debian calls the browser: its package and its program.
const CHROMIUM: &str = "chromium";

/// Installs what is missing; the programs by the variables that the tests read.
pub(crate) fn prepare() -> Vec<(&'static str, PathBuf)> {
    let node = prepare_one(NODE_VARIABLE, node);
    let python = prepare_one(PYTHON_VARIABLE, python);
    let chromium = prepare_one(CHROMIUM_VARIABLE, chromium);
    node.into_iter().chain(python).chain(chromium).collect()
}

/// A browser, and the Node whose packages drive it.
pub(crate) struct Browser {
    pub(crate) node: PathBuf,
    pub(crate) chromium: PathBuf,
}

/// The browser and its Node for a command that does nothing without them.
pub(crate) fn browser() -> Result<Browser> {
    let find = |variable, install: fn(&Path) -> Result<PathBuf>| match std::env::var_os(variable) {
        Some(named) => Ok(PathBuf::from(named)),
        None => install_one(install),
    };
    Ok(Browser {
        node: find(NODE_VARIABLE, node)?,
        chromium: find(CHROMIUM_VARIABLE, chromium)?,
    })
}

fn prepare_one(
    variable: &'static str,
    install: fn(&Path) -> Result<PathBuf>,
) -> Option<(&'static str, PathBuf)> {
    if std::env::var_os(variable).is_some() {
        return None;
    }
    match install_one(install) {
        Ok(program) => Some((variable, program)),
        Err(error) => {
            eprintln!("xtask: the tests go without {variable}: {error:#}");
            None
        }
    }
}

fn install_one(install: fn(&Path) -> Result<PathBuf>) -> Result<PathBuf> {
    let tools = workspace::tools()?;
    // Two runs at a time would install into the same directories.
    let _lock = lock(&tools)?;
    install(&tools)
}

fn lock(tools: &Path) -> Result<File> {
    fs::create_dir_all(tools).with_context(|| format!("cannot make {}", tools.display()))?;
    let lock = File::create(tools.join("lock")).context("cannot make a lock file")?;
    lock.lock().context("cannot lock the directory of tools")?;
    Ok(lock)
}

fn node(tools: &Path) -> Result<PathBuf> {
    let node = Node::find_or_install(tools, NODE_MAJOR_MIN)?;
    node.packages(&workspace::root().join("e2e"))?;
    Ok(node.program)
}

fn python(tools: &Path) -> Result<PathBuf> {
    let requirements = workspace::root().join("e2e/requirements.txt");
    let requirements = fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let programs = Python::find_or_install()?.environment(&tools.join("python"), &requirements)?;
    Ok(programs.join("python"))
}

fn chromium(_tools: &Path) -> Result<PathBuf> {
    if account::find(CHROMIUM).is_none() {
        apt::install(&[CHROMIUM])?;
    }
    account::find(CHROMIUM).context("Chromium was installed, but is not in PATH")
}
