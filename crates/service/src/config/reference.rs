//! What is written from the table: the page of the guide and the example file.

use std::fmt::Write as _;

use super::keys::{APIS, Default, Key, Kind, SECTIONS};

const INTRODUCTION: &str = "# Configuration

`claviger serve --config FILE` reads one TOML file. Every key may be left out; unknown keys and
values out of range are errors that name the key and its line. Relative paths start at the
directory of the file. `claviger check --config FILE` says what is wrong without starting.

This page is written by `claviger config reference --markdown`.
";

const EXAMPLE_HEAD: &str = "\
# The configuration of Claviger. Every key stands here with its default, or with an example where
# it has none. Remove the # in front of a key to set it.
";

/// The page of the guide that lists every key.
pub fn reference_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in SECTIONS {
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n## `[{}]`\n\n{}\n\n",
            section.name, section.sentence
        );
        rows(&mut page, section.keys);
    }
    let _ = write!(page, "\n## `[[{}]]`\n\n{}\n\n", APIS.name, APIS.sentence);
    rows(&mut page, APIS.keys);
    for key in APIS.keys {
        if let Kind::Tables(keys) = key.kind {
            let _ = write!(page, "\n### `[[{}.{}]]`\n\n", APIS.name, key.name);
            rows(&mut page, keys);
        }
    }
    page
}

fn rows(page: &mut String, keys: &[Key]) {
    page.push_str("| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
    for key in keys {
        let default = match key.default {
            Default::Value(value) => format!("`{value}`"),
            Default::Unset { meaning, .. } => meaning.to_owned(),
        };
        let kind = key.kind.words();
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {kind} | {default} | {} |",
            key.name, key.sentence
        );
    }
}

/// The file that `claviger init` writes: nothing in it is in force until its `#` is removed.
pub fn example() -> String {
    let mut text = EXAMPLE_HEAD.to_owned();
    for section in SECTIONS {
        text.push('\n');
        comment(&mut text, section.sentence);
        let _ = writeln!(text, "[{}]", section.name);
        members(&mut text, section.keys);
    }
    text.push('\n');
    comment(&mut text, APIS.sentence);
    // An empty section would be an API without a name.
    let _ = writeln!(text, "# [[{}]]", APIS.name);
    members(&mut text, APIS.keys);
    text
}

fn members(text: &mut String, keys: &[Key]) {
    for key in keys {
        text.push('\n');
        comment(text, &sentence(key));
        let _ = writeln!(text, "# {} = {}", key.name, key.default.shown());
    }
}

fn sentence(key: &Key) -> String {
    match key.default {
        Default::Value(_) => key.sentence.to_owned(),
        Default::Unset { meaning, .. } => {
            format!("{} When it is not set: {meaning}.", key.sentence)
        }
    }
}

/// Writes `sentence` as comment lines of at most 98 characters.
fn comment(text: &mut String, sentence: &str) {
    let mut column = usize::MAX;
    for word in sentence.split_whitespace() {
        if column.saturating_add(word.len() + 1) > 98 {
            if column != usize::MAX {
                text.push('\n');
            }
            text.push('#');
            column = 1;
        }
        text.push(' ');
        text.push_str(word);
        column += word.len() + 1;
    }
    text.push('\n');
}
