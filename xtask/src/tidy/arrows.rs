//! Which crate may use which: read from the manifests and from the sources.

use super::Violation;
use super::layers::{LAYERS, Layer, layer_of};
use super::manifest;
use super::rust_text::has_word;
use super::tree::{File, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &tree.files {
        if file.name() == "Cargo.toml" && file.path.starts_with("crates/") {
            match layer_of(&file.path) {
                Some(layer) => check_manifest(file, layer, &mut found),
                None => found.push(Violation::new(
                    &file.path,
                    1,
                    "a crate that is none of the six layers; make it a module of one of them",
                )),
            }
        }
    }
    for (file, rust) in tree.rust() {
        let Some(layer) = layer_of(&file.path) else {
            continue;
        };
        for (line, code) in rust.code_lines() {
            for other in forbidden(layer).filter(|other| has_word(code, &other.crate_name())) {
                found.push(Violation::new(&file.path, line, wrong_way(layer, other)));
            }
        }
    }
    found
}

fn check_manifest(file: &File, layer: &Layer, found: &mut Vec<Violation>) {
    for dependency in manifest::dependencies(&file.text) {
        if let Some(other) = forbidden(layer).find(|other| other.package() == dependency.package) {
            found.push(Violation::new(
                &file.path,
                dependency.line,
                wrong_way(layer, other),
            ));
        }
    }
    let inherits = file.text.contains("[lints]\nworkspace = true");
    if !inherits {
        let what = "the crate does not take the workspace's lints; add [lints] workspace = true";
        found.push(Violation::new(&file.path, 1, what));
    }
}

fn forbidden(layer: &Layer) -> impl Iterator<Item = &'static Layer> {
    LAYERS
        .iter()
        .filter(move |other| other.name != layer.name && !layer.may_use.contains(&other.name))
}

fn wrong_way(layer: &Layer, other: &Layer) -> String {
    let allowed = match layer.may_use {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
    format!("{} uses {}; it may use {allowed}", layer.name, other.name)
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::places;
    use crate::tidy::tree::Tree;

    const LINTS: &str = "[lints]\nworkspace = true\n";

    #[test]
    fn manifests_point_down() {
        let check_one = |layer: &str, dependency: &str, expected: &[&str]| {
            let path = format!("crates/{layer}/Cargo.toml");
            let text = format!("{LINTS}[dependencies]\n{dependency}.workspace = true\n");
            assert_eq!(
                places(&check(&Tree::of(&[(&path, &text)]))),
                expected,
                "{layer}"
            );
        };
        check_one("model", "claviger-verify", &["crates/model/Cargo.toml:4"]);
        check_one("store", "claviger-verify", &["crates/store/Cargo.toml:4"]);
        check_one("web", "claviger-store", &["crates/web/Cargo.toml:4"]);
        check_one("service", "claviger-web", &["crates/service/Cargo.toml:4"]);
        check_one("cli", "claviger-verify", &["crates/cli/Cargo.toml:4"]);
        check_one("web", "claviger-verify", &[]);
        check_one("service", "claviger-store", &[]);
    }

    #[test]
    fn sources_point_down() {
        let check_one = |path: &str, text: &str, expected: &[&str]| {
            assert_eq!(
                places(&check(&Tree::of(&[(path, text)]))),
                expected,
                "{path}"
            );
        };
        check_one(
            "crates/web/src/a.rs",
            "\nuse claviger_store::Db;\n",
            &["crates/web/src/a.rs:2"],
        );
        check_one(
            "crates/verify/tests/a.rs",
            "fn a(x: claviger_service::App) {}",
            &["crates/verify/tests/a.rs:1"],
        );
        check_one(
            "crates/web/src/a.rs",
            "use claviger_service::App; // claviger_store",
            &[],
        );
        check_one("bench/src/main.rs", "use claviger_store::Db;", &[]);
    }

    #[test]
    fn a_crate_takes_the_lints_and_is_a_layer() {
        let tree = Tree::of(&[
            ("crates/web/Cargo.toml", ""),
            ("crates/more/Cargo.toml", LINTS),
        ]);
        assert_eq!(
            places(&check(&tree)),
            ["crates/web/Cargo.toml:1", "crates/more/Cargo.toml:1"]
        );
    }
}
