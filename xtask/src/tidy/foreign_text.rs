//! Text that means something on one machine only: its paths, and where it downloads packages.

use super::Violation;
use super::rust_text::is_name;
use super::tree::Tree;

/// Beginnings of paths. Each is written in two parts, so that this file does not contain it.
const PATHS: &[&str] = &[
    concat!("..", "/shared"),
    concat!("/", "work/"),
    concat!("/", "root/"),
    concat!("/tmp", "/claviger-design"),
];

const HOSTS: &[&str] = &[
    concat!("index", ".crates.io"),
    concat!("static", ".crates.io"),
    concat!("pypi", ".org"),
    concat!("files.pythonhosted", ".org"),
    concat!("registry", ".npmjs.org"),
    concat!("registry", ".yarnpkg.com"),
    concat!("proxy", ".golang.org"),
    concat!("deb", ".debian.org"),
    concat!("security", ".debian.org"),
];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &tree.files {
        for (number, line) in file.lines() {
            for path in PATHS.iter().filter(|path| begins_path(line, path)) {
                let what = format!("`{path}` is a path of one machine; say it relative to a file");
                found.push(Violation::new(&file.path, number, what));
            }
            for host in HOSTS.iter().filter(|host| line.contains(*host)) {
                let what = format!("`{host}` is a package host; the tool's own settings name it");
                found.push(Violation::new(&file.path, number, what));
            }
        }
    }
    found
}

/// Whether the path stands in the line, and not as the end of a longer one.
fn begins_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default().chars().next_back();
        path.starts_with("..")
            || !before.is_some_and(|letter| is_name(letter) || ".-~/$}*".contains(letter))
    })
}

#[cfg(test)]
mod tests {
    use super::{HOSTS, PATHS, check};
    use crate::tidy::places;
    use crate::tidy::tree::Tree;

    fn check_one(text: &str, expected: &[&str]) {
        assert_eq!(
            places(&check(&Tree::of(&[("a.md", text)]))),
            expected,
            "{text}"
        );
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for path in PATHS {
            check_one(&format!("\nsee `{path}x`"), &["a.md:2"]);
        }
        let ours = ["~", "example.org", "$HOME"].map(|start| format!("{start}{}x", PATHS[1]));
        check_one(&ours.join(" "), &[]);
    }

    #[test]
    fn package_hosts_are_found() {
        for host in HOSTS {
            check_one(&format!("https://{host}/x"), &["a.md:1"]);
        }
        check_one("https://crates.io/crates/x", &[]);
    }
}
