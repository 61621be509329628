//! Every package of the lock files comes from crates.io, and none is one that `deny.toml` bans.

use super::Violation;
use super::licences::names_in;
use super::tree::{Tree, numbered};

pub(super) const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let banned = tree
        .file("deny.toml")
        .map(|file| names_in(&file.text, "bans"))
        .unwrap_or_default();
    let locks = ["Cargo.lock", "fuzz/Cargo.lock"];
    let files = locks
        .into_iter()
        .filter_map(|path| Some((path, tree.file(path)?)));
    files
        .flat_map(|(path, file)| judge(path, &file.text, &banned))
        .collect()
}

fn judge(path: &str, lock: &str, banned: &[String]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut package = "";
    for (line, text) in numbered(lock) {
        if let Some(name) = value(text, "name") {
            package = name;
            if banned.iter().any(|banned| banned == name) {
                let what = format!("`{name}` is banned; deny.toml says why");
                found.push(Violation::new(path, line, what));
            }
        } else if let Some(source) = value(text, "source").filter(|source| *source != CRATES_IO) {
            let what = format!("`{package}` comes from `{source}`, not from crates.io");
            found.push(Violation::new(path, line, what));
        }
    }
    found
}

/// The text of `key = "text"`.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?
        .strip_prefix(" = \"")?
        .strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::places;
    use crate::tidy::tree::Tree;

    const DENY: &str = "[bans]\ndeny = [\n    { name = \"rsa\", reason = \"x\" },\n]\n";

    #[test]
    fn packages_come_from_one_registry() {
        let lock = "[[package]]\nname = \"own\"\n\n\
                    [[package]]\nname = \"a\"\n\
                    source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n\
                    [[package]]\nname = \"b\"\nsource = \"git+https://github.com/x/b#1234\"\n";
        assert_eq!(
            places(&check(&Tree::of(&[("Cargo.lock", lock)]))),
            ["Cargo.lock:10"]
        );
    }

    #[test]
    fn banned_packages_are_found() {
        let lock = "[[package]]\nname = \"rsa\"\n\n[[package]]\nname = \"rsactftool\"\n";
        let tree = Tree::of(&[("Cargo.lock", lock), ("deny.toml", DENY)]);
        assert_eq!(places(&check(&tree)), ["Cargo.lock:2"]);
    }
}
