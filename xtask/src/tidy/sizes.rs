//! Files to 500 lines, functions to 70, lines to 100 columns.

use super::Violation;
use super::rust_text::{RustText, is_name, literal_columns, words};
use super::tree::{File, Tree};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

/// Files that people read as source, so that their length is somebody's burden.
const SOURCE_EXTENSIONS: &[&str] = &["rs", "html", "css", "js", "mjs", "ts", "sql", "sh", "py"];

/// Files whose lines are kept short; rustfmt does not look into long comments.
const WIDTH_EXTENSIONS: &[&str] = &["rs", "js", "mjs", "ts", "css", "sh", "py"];

/// A function that is a flat list says so in the reason of this lint's `expect`.
const LENGTH_LINT: &str = "clippy::too_many_lines";
const FLAT_LIST: &str = "flat list";

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &tree.files {
        if SOURCE_EXTENSIONS.contains(&file.extension()) {
            check_length(file, &mut found);
        }
        if WIDTH_EXTENSIONS.contains(&file.extension()) || file.path == ".ci/run" {
            check_width(file, &mut found);
        }
        if let Some(rust) = &file.rust {
            check_functions(file, rust, &mut found);
        }
    }
    found
}

fn check_length(file: &File, found: &mut Vec<Violation>) {
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX {
        let what = format!("{lines} lines, at most {FILE_LINES_MAX}; split it by noun or by verb");
        found.push(Violation::new(&file.path, FILE_LINES_MAX + 1, what));
    }
}

fn check_width(file: &File, found: &mut Vec<Violation>) {
    let code: Vec<&str> = file
        .rust
        .as_ref()
        .map(|rust| rust.code.lines().collect())
        .unwrap_or_default();
    for (number, line) in file.lines() {
        let inside_literals = code.get(number - 1).copied().map_or(0, literal_columns);
        let columns = line.chars().count() - inside_literals;
        if columns > COLUMNS_MAX && !line.contains("://") {
            let what = format!("{columns} columns, at most {COLUMNS_MAX}");
            found.push(Violation::new(&file.path, number, what));
        }
    }
}

fn check_functions(file: &File, rust: &RustText, found: &mut Vec<Violation>) {
    for function in functions(&rust.code) {
        if function.lines > FUNCTION_LINES_MAX && !is_flat_list(file, function.line) {
            let what = format!(
                "`{}` has {} lines, at most {FUNCTION_LINES_MAX}; take a step out of it",
                function.name, function.lines
            );
            found.push(Violation::new(&file.path, function.line, what));
        }
    }
}

/// A function with a body.
struct Function {
    name: String,
    /// The line of its `fn`.
    line: usize,
    /// From its `fn` to its closing brace.
    lines: usize,
}

fn functions(code: &str) -> Vec<Function> {
    words(code, "fn")
        .filter_map(|at| function_at(code, at))
        .collect()
}

/// The function whose `fn` is at this byte; nothing for a type such as `fn(u8)` or a declaration.
fn function_at(code: &str, at: usize) -> Option<Function> {
    let rest = code.get(at + "fn".len()..)?;
    let name: String = rest
        .trim_start()
        .chars()
        .take_while(|letter| is_name(*letter))
        .collect();
    if name.is_empty() {
        return None;
    }
    let body = rest.get(body_start(rest)?..)?;
    let end = body_end(body)?;
    let until_body = rest.len() - body.len();
    let lines = rest.get(..until_body + end)?.matches('\n').count() + 1;
    Some(Function {
        name,
        line: code.get(..at)?.matches('\n').count() + 1,
        lines,
    })
}

/// Where the body's brace is; nothing for a declaration, which ends with a semicolon.
fn body_start(signature: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, letter) in signature.char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.checked_sub(1)?,
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Where the brace that closes the first one is.
fn body_end(body: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, letter) in body.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether the attributes above the function say that it is a flat list.
fn is_flat_list(file: &File, line: usize) -> bool {
    let lines: Vec<&str> = file.text.lines().collect();
    let above = lines.get(..line.saturating_sub(1)).unwrap_or_default();
    let attributes: Vec<&str> = above
        .iter()
        .rev()
        .take_while(|line| !line.trim().is_empty() && !line.trim_end().ends_with(['}', '{', ';']))
        .copied()
        .collect();
    let says = |word: &str| attributes.iter().any(|line| line.contains(word));
    says(LENGTH_LINT) && says(FLAT_LIST)
}

#[cfg(test)]
mod tests {
    use super::{check, functions};
    use crate::tidy::places;
    use crate::tidy::tree::Tree;
    use std::fmt::Write;

    fn check_one(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(
            places(&check(&Tree::of(&[(path, text)]))),
            expected,
            "{path}"
        );
    }

    #[test]
    fn files_have_500_lines() {
        check_one("a.rs", &"x\n".repeat(500), &[]);
        check_one("a.rs", &"x\n".repeat(501), &["a.rs:501"]);
        check_one("a.html", &"x\n".repeat(501), &["a.html:501"]);
        check_one("a.md", &"x\n".repeat(501), &[]);
    }

    #[test]
    fn lines_have_100_columns() {
        check_one("a.rs", &"ä".repeat(100), &[]);
        check_one("a.rs", &format!("a\n{}", "a".repeat(101)), &["a.rs:2"]);
        check_one("a.rs", &format!("// {}", "a".repeat(101)), &["a.rs:1"]);
        check_one("a.rs", &format!("f(\"{}\")", "a".repeat(101)), &[]);
        check_one(
            "a.rs",
            &format!("// see https://x/{}", "a".repeat(101)),
            &[],
        );
        check_one(".ci/run", &"a".repeat(101), &[".ci/run:1"]);
    }

    #[test]
    fn functions_have_70_lines() {
        let function = |lines: usize| format!("\nfn f() {{\n{}}}\n", "    x;\n".repeat(lines - 2));
        check_one("a.rs", &function(70), &[]);
        check_one("a.rs", &function(71), &["a.rs:2"]);
        check_one(
            "a.rs",
            &format!("#[cfg(test)]\nmod tests {{{}}}", function(71)),
            &["a.rs:3"],
        );
    }

    #[test]
    fn a_flat_list_may_be_longer_when_it_says_so() {
        let function = format!("fn f() {{\n{}}}\n", "    x;\n".repeat(100));
        let expect = "#[expect(clippy::too_many_lines, reason = \"a flat list of routes\")]\n";
        check_one("a.rs", &format!("{expect}{function}"), &[]);
        check_one(
            "a.rs",
            &format!("{expect}fn g() {{}}\n\n{function}"),
            &["a.rs:4"],
        );
        let other = "#[expect(clippy::too_many_lines, reason = \"no time\")]\n";
        check_one("a.rs", &format!("{other}{function}"), &["a.rs:2"]);
    }

    #[test]
    fn finds_functions_with_bodies() {
        let code = "trait T { fn a(&self) -> [u8; 4]; }\n\
                    type F = fn(u8);\n\
                    async fn b<T>(x: [u8; 2])\nwhere\n    T: Fn() -> u8,\n{\n    || {};\n}\n\
                    fn c() { fn d() {\n} }\n";
        let found = functions(code)
            .iter()
            .fold(String::new(), |mut text, function| {
                let _ = write!(
                    text,
                    "{}@{}:{} ",
                    function.name, function.line, function.lines
                );
                text
            });
        assert_eq!(found, "b@3:6 c@9:2 d@9:2 ");
    }
}
