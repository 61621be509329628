//! Marks of unfinished work: notes to oneself, unwritten functions, tests that never run.

use super::Violation;
use super::rust_text::has_word;
use super::tree::{File, Tree};

/// Words in comments, and anywhere in files that are not Rust.
const NOTES: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

/// Code that does nothing, says nothing or hides something.
const CODE: &[(&str, &str)] = &[
    ("todo!", "write it"),
    ("unimplemented!", "write it"),
    ("dbg!", "a trace of a search; log a message or remove it"),
    ("allow(dead_code", "remove the code that nobody calls"),
    ("expect(dead_code", "remove the code that nobody calls"),
    ("allow(unused", "remove what nobody uses"),
    (
        "#[ignore",
        "a test that never runs guards nothing; make it run or remove it",
    ),
];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &tree.files {
        match &file.rust {
            Some(rust) => {
                for (line, text) in rust.comment_lines() {
                    check_notes(file, line, text, &mut found);
                }
                for (line, code) in rust.code_lines() {
                    for (word, why) in CODE.iter().filter(|(word, _)| has_word(code, word)) {
                        let what = format!("`{word}`: {why}");
                        found.push(Violation::new(&file.path, line, what));
                    }
                }
            }
            // Prose may speak about these words; a lock file has hashes.
            None if matches!(file.extension(), "md" | "lock") || file.name() == "LICENSE" => {}
            None => {
                for (line, text) in file.lines() {
                    check_notes(file, line, text, &mut found);
                }
            }
        }
    }
    found
}

fn check_notes(file: &File, line: usize, text: &str, found: &mut Vec<Violation>) {
    for word in NOTES.iter().filter(|word| has_word(text, word)) {
        let what = format!("`{word}`: do it now or write an issue");
        found.push(Violation::new(&file.path, line, what));
    }
}

#[cfg(test)]
mod tests {
    use super::{CODE, NOTES, check};
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
    fn every_note_is_found() {
        for word in NOTES {
            check_one("a.rs", &format!("f();\n/// {word}: later"), &["a.rs:2"]);
            check_one("a.css", &format!("/* {word} */"), &["a.css:1"]);
            check_one("a.rs", &format!("let a = \"{word}\"; // {word}S"), &[]);
            check_one("a.md", word, &[]);
        }
    }

    #[test]
    fn unfinished_code_is_found() {
        for (word, _) in CODE {
            check_one("a.rs", &format!("\n    {word}()"), &["a.rs:2"]);
            check_one("a.rs", &format!("// {word}()"), &[]);
        }
    }
}
