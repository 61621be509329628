//! What is installed in a directory already: a file in it says so with the versions themselves.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Its text is what was installed, so that any change of that installs again.
const MARK: &str = ".claviger-installed";

/// Whether exactly this was installed in the directory.
pub(crate) fn is(directory: &Path, what: &str) -> bool {
    fs::read_to_string(directory.join(MARK)).is_ok_and(|found| found == what)
}

/// Says that this is installed in the directory, after it is.
pub(crate) fn mark(directory: &Path, what: &str) -> Result<()> {
    let path = directory.join(MARK);
    fs::write(&path, what).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{is, mark};
    use std::fs;

    #[test]
    fn any_change_installs_again() {
        let name = format!("xtask-installed-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        assert!(!is(&directory, "a==1"));
        fs::create_dir(&directory).unwrap();
        assert!(!is(&directory, "a==1"));
        mark(&directory, "a==1").unwrap();
        assert!(is(&directory, "a==1"));
        assert!(!is(&directory, "a==2"));
        fs::remove_dir_all(&directory).unwrap();
    }
}
