//! What a crate says about itself, and names that say nothing.

use super::Violation;
use super::layers::LAYERS;
use super::rust_text::words;
use super::tree::Tree;

/// Modules of such a name gather what belongs to a noun.
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "common", "helpers", "helper", "prelude", "data", "misc",
];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    check_crate_docs(tree, &mut found);
    check_module_names(tree, &mut found);
    found
}

fn check_crate_docs(tree: &Tree, found: &mut Vec<Violation>) {
    for (file, _) in tree.rust() {
        let is_root = ["src/lib.rs", "src/main.rs"].iter().any(|end| {
            file.path
                .strip_suffix(end)
                .is_some_and(|start| start.is_empty() || start.ends_with('/'))
        });
        if !is_root {
            continue;
        }
        let docs: Vec<&str> = file
            .text
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .collect();
        if docs.iter().all(|line| line.trim().is_empty()) {
            let what = "a crate without a `//!` text; its first lines say what it is for";
            found.push(Violation::new(&file.path, 1, what));
        }
        let is_layer = LAYERS.iter().any(|layer| layer.root == file.path);
        if is_layer && !docs.iter().any(|line| line.contains("Law:")) {
            let what = "a layer without its law; its `//!` text has a sentence after `Law:`";
            found.push(Violation::new(&file.path, 1, what));
        }
    }
}

fn check_module_names(tree: &Tree, found: &mut Vec<Violation>) {
    for (file, rust) in tree.rust() {
        let parts = file.path.trim_end_matches(".rs").split('/');
        for name in parts.filter(|part| EMPTY_NAMES.contains(part)) {
            found.push(Violation::new(&file.path, 1, empty_name(name)));
        }
        for (line, code) in rust.code_lines() {
            for name in words(code, "mod").filter_map(|at| code[at + 3..].split_whitespace().next())
            {
                let name = name.trim_end_matches([';', '{']);
                if EMPTY_NAMES.contains(&name) {
                    found.push(Violation::new(&file.path, line, empty_name(name)));
                }
            }
        }
    }
}

fn empty_name(name: &str) -> String {
    format!("a module called `{name}`; call it by the noun that it holds")
}

#[cfg(test)]
mod tests {
    use super::{EMPTY_NAMES, check};
    use crate::tidy::places;
    use crate::tidy::tree::Tree;

    fn check_one(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(
            places(&check(&Tree::of(&[(path, text)]))),
            expected,
            "{path}: {text}"
        );
    }

    #[test]
    fn a_crate_says_what_it_is() {
        check_one(
            "xtask/src/main.rs",
            "fn main() {}",
            &["xtask/src/main.rs:1"],
        );
        check_one("xtask/src/main.rs", "//! Tools.\nfn main() {}", &[]);
        check_one("xtask/src/tidy.rs", "fn f() {}", &[]);
    }

    #[test]
    fn a_layer_states_its_law() {
        let path = "crates/model/src/lib.rs";
        check_one(path, "//! Nouns.\n", &["crates/model/src/lib.rs:1"]);
        check_one(path, "//! Nouns.\n//!\n//! Law: no SQL.\n", &[]);
        check_one(
            path,
            "//! Nouns.\nfn f() {} // Law: no SQL.\n",
            &["crates/model/src/lib.rs:1"],
        );
    }

    #[test]
    fn modules_have_nouns_for_names() {
        for name in EMPTY_NAMES {
            check_one(&format!("a/{name}.rs"), "", &[&format!("a/{name}.rs:1")]);
            check_one(
                &format!("a/{name}/b.rs"),
                "",
                &[&format!("a/{name}/b.rs:1")],
            );
            check_one("a.rs", &format!("\npub mod {name};"), &["a.rs:2"]);
            check_one("a.rs", &format!("mod {name} {{"), &["a.rs:1"]);
        }
        check_one("a/database.rs", "mod database;", &[]);
    }
}
