//! What each layer's law keeps out, and SQL, which is written in `store` alone.

use super::Violation;
use super::layers::layer_of;
use super::manifest;
use super::rust_text::{has_word, words};
use super::tree::Tree;

/// Upper-case words that only SQL begins with.
const SQL_WORDS: &[&str] = &[
    "SELECT",
    "INSERT INTO",
    "DELETE FROM",
    "PRAGMA",
    "BEGIN IMMEDIATE",
];

/// Pairs of words that are SQL in this order, in either case.
const SQL_PAIRS: &[(&str, &str)] = &[
    ("select ", " from "),
    ("insert into ", " values"),
    ("update ", " set "),
    ("delete from ", " where "),
    ("create table ", "("),
    ("alter table ", " add "),
    ("drop table ", "if exists"),
];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        let Some(layer) = layer_of(&file.path) else {
            continue;
        };
        for (line, code) in rust.code_lines() {
            for word in layer.words.iter().filter(|word| has_word(code, word)) {
                let what = format!("`{word}` in {}: {}", layer.name, layer.reason);
                found.push(Violation::new(&file.path, line, what));
            }
        }
        for literal in rust
            .literals
            .iter()
            .filter(|literal| layer.name != "store" && is_sql(&literal.text))
        {
            let what = "SQL outside store; add a function to the table's file in store";
            found.push(Violation::new(&file.path, literal.line, what));
        }
    }
    for file in tree.files.iter().filter(|file| file.name() == "Cargo.toml") {
        let Some(layer) = layer_of(&file.path) else {
            continue;
        };
        for dependency in manifest::dependencies(&file.text) {
            if layer.packages.contains(&dependency.package.as_str()) {
                let what = format!("{} in {}: {}", dependency.package, layer.name, layer.reason);
                found.push(Violation::new(&file.path, dependency.line, what));
            }
        }
    }
    found
}

/// Whether a text is a statement, and not a sentence that has one of its words.
fn is_sql(text: &str) -> bool {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if SQL_WORDS
        .iter()
        .any(|word| words(&text, word).any(|at| begins_statement(&text, at)))
    {
        return true;
    }
    SQL_PAIRS.iter().any(|(first, second)| {
        let upper = text.contains(&first.to_uppercase()) && text.contains(&second.to_uppercase());
        upper || (text.starts_with(first) && text.contains(second) && !text.ends_with('.'))
    })
}

/// Whether what stands before can stand before a statement: nothing, a bracket, a clause's end.
fn begins_statement(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_end();
    before.is_empty() || before.ends_with(['(', ';', ')'])
}

#[cfg(test)]
mod tests {
    use super::{check, is_sql};
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
    fn model_and_verify_are_synchronous_and_pure() {
        for word in [
            "async fn f() {}",
            "f().await",
            "use sqlx::Row;",
            "http::Method",
            "axum::Json",
        ] {
            check_one("crates/model/src/a.rs", word, &["crates/model/src/a.rs:1"]);
            check_one(
                "crates/verify/src/a.rs",
                word,
                &["crates/verify/src/a.rs:1"],
            );
        }
        for word in ["tokio::spawn", "SystemTime", "Instant"] {
            check_one(
                "crates/verify/src/a.rs",
                word,
                &["crates/verify/src/a.rs:1"],
            );
            check_one("crates/service/src/a.rs", word, &[]);
        }
        check_one(
            "crates/model/src/a.rs",
            "// async http::Method\nlet http = \"http://x\";",
            &[],
        );
    }

    #[test]
    fn only_store_names_the_database_driver() {
        check_one("crates/store/src/a.rs", "use sqlx::Row;", &[]);
        for layer in ["service", "web", "cli"] {
            let path = format!("crates/{layer}/src/a.rs");
            check_one(&path, "use sqlx::Row;", &[&format!("{path}:1")]);
        }
    }

    #[test]
    fn service_knows_no_http() {
        for word in ["use http::Method;", "use axum::Json;", "use hyper::Body;"] {
            check_one(
                "crates/service/src/a.rs",
                word,
                &["crates/service/src/a.rs:1"],
            );
            check_one("crates/web/src/a.rs", word, &[]);
        }
    }

    #[test]
    fn manifests_keep_the_law_too() {
        let text = "[dependencies]\ntokio.workspace = true\n";
        check_one(
            "crates/model/Cargo.toml",
            text,
            &["crates/model/Cargo.toml:2"],
        );
        check_one("crates/service/Cargo.toml", text, &[]);
        let text = "[dependencies]\naxum.workspace = true\n";
        check_one(
            "crates/service/Cargo.toml",
            text,
            &["crates/service/Cargo.toml:2"],
        );
    }

    #[test]
    fn statements_stand_in_store_only() {
        let text = "\nlet q = \"SELECT id FROM keys\";";
        check_one(
            "crates/service/src/a.rs",
            text,
            &["crates/service/src/a.rs:2"],
        );
        check_one("crates/store/src/a.rs", text, &[]);
        check_one("xtask/src/a.rs", text, &[]);
    }

    #[test]
    fn tells_statements_from_sentences() {
        for text in [
            "SELECT 1",
            "WITH x AS (SELECT 1)",
            "update keys set state = $1",
            "UPDATE keys\n SET state = $1",
            "delete from keys where id = $1",
            "CREATE TABLE x (id TEXT)",
            "PRAGMA user_version",
        ] {
            assert!(is_sql(text), "{text}");
        }
        for text in [
            "Select the scopes from the list.",
            "update the key and set its state.",
            "the word SELECT",
            "<select name=\"scope\">",
            "",
        ] {
            assert!(!is_sql(text), "{text}");
        }
    }
}
