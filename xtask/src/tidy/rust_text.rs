//! Rust source taken apart into code, comments and literals, line for line and column for column.
//!
//! Enough of the language's lexical rules that a word in a comment or in a string is not taken for
//! code: nested comments, escapes, raw strings, characters beside lifetimes.

use super::tree::numbered;

/// Stands for one character inside a string or character literal.
const LITERAL: char = '\u{1}';

/// A string literal and the line on which it begins.
pub(crate) struct Literal {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// The parts of a Rust file. `code` and `comments` have the same lines and columns as the file.
#[derive(Default)]
pub(crate) struct RustText {
    /// The code, with blanks for comments and placeholders for what is inside literals.
    pub(crate) code: String,
    /// The comments, with blanks for everything else.
    pub(crate) comments: String,
    pub(crate) literals: Vec<Literal>,
}

impl RustText {
    pub(crate) fn parse(text: &str) -> Self {
        let mut scanner = Scanner {
            chars: text.chars().collect(),
            at: 0,
            line: 1,
            parts: Self::default(),
        };
        while scanner.at < scanner.chars.len() {
            scanner.step();
        }
        scanner.parts
    }

    /// The lines of the code with their numbers.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.code)
    }

    /// The lines of the comments with their numbers.
    pub(crate) fn comment_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.comments)
    }
}

/// How many columns of a line of code are inside literals.
pub(crate) fn literal_columns(code_line: &str) -> usize {
    code_line
        .chars()
        .filter(|letter| *letter == LITERAL)
        .count()
}

/// The byte positions at which the text contains the needle as a whole word. Where the needle
/// begins or ends with punctuation, nothing is asked of the neighbour on that side.
pub(crate) fn words<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    let open_start = needle.starts_with(|letter| !is_name(letter));
    let open_end = needle.ends_with(|letter| !is_name(letter));
    text.match_indices(needle)
        .map(|(at, _)| at)
        .filter(move |at| {
            let before = text[..*at].chars().next_back();
            let after = text[at + needle.len()..].chars().next();
            (open_start || !before.is_some_and(is_name))
                && (open_end || !after.is_some_and(is_name))
        })
}

/// Whether the text contains the needle as a whole word.
pub(crate) fn has_word(text: &str, needle: &str) -> bool {
    words(text, needle).next().is_some()
}

/// Whether the character can be part of a name.
pub(crate) fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

enum Part {
    Code,
    Comment,
    Literal,
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
    parts: RustText,
}

impl Scanner {
    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            (Some('/'), Some('/')) => self.line_comment(),
            (Some('/'), Some('*')) => self.block_comment(),
            (Some('"'), _) => self.string(),
            (Some('r' | 'b' | 'c'), _) if !self.inside_name() && self.raw_hashes().is_some() => {
                self.raw_string();
            }
            (Some('\''), Some('\\')) => self.character(),
            (Some('\''), _) if self.peek(2) == Some('\'') => self.character(),
            _ => self.take(&Part::Code),
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Whether the character before this one belongs to a name, so that this one does as well.
    fn inside_name(&self) -> bool {
        self.at
            .checked_sub(1)
            .is_some_and(|before| is_name(self.chars[before]))
    }

    /// Moves one character into the part that it belongs to.
    fn take(&mut self, part: &Part) {
        let Some(letter) = self.peek(0) else {
            return;
        };
        self.at += 1;
        if letter == '\n' {
            self.line += 1;
            self.parts.code.push('\n');
            self.parts.comments.push('\n');
            return;
        }
        let (code, comment) = match part {
            Part::Code => (letter, ' '),
            Part::Comment => (' ', letter),
            Part::Literal => (LITERAL, ' '),
        };
        self.parts.code.push(code);
        self.parts.comments.push(comment);
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|letter| letter != '\n') {
            self.take(&Part::Comment);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (None, _) => return,
                _ => {
                    self.take(&Part::Comment);
                    continue;
                }
            }
            self.take(&Part::Comment);
            self.take(&Part::Comment);
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        let (line, start) = (self.line, self.at + 1);
        self.take(&Part::Code);
        while let Some(letter) = self.peek(0) {
            if letter == '"' {
                break;
            }
            if letter == '\\' {
                self.take(&Part::Literal);
            }
            self.take(&Part::Literal);
        }
        self.close(line, start, self.at);
        self.take(&Part::Code);
    }

    /// How many `#` a raw string that begins here has; nothing when none begins here.
    fn raw_hashes(&self) -> Option<usize> {
        let prefix = match (self.peek(0)?, self.peek(1)?) {
            ('r', _) => 1,
            ('b' | 'c', 'r') => 2,
            _ => return None,
        };
        let rest = self.chars.get(self.at + prefix..)?;
        let hashes = rest.iter().take_while(|letter| **letter == '#').count();
        (rest.get(hashes) == Some(&'"')).then_some(hashes)
    }

    fn raw_string(&mut self) {
        let hashes = self.raw_hashes().unwrap_or_default();
        while self.peek(0).is_some_and(|letter| letter != '"') {
            self.take(&Part::Code);
        }
        let (line, start) = (self.line, self.at + 1);
        self.take(&Part::Code);
        while self.peek(0).is_some() && !self.raw_string_ends(hashes) {
            self.take(&Part::Literal);
        }
        self.close(line, start, self.at);
        for _ in 0..=hashes {
            self.take(&Part::Code);
        }
    }

    fn raw_string_ends(&self, hashes: usize) -> bool {
        self.peek(0) == Some('"') && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#'))
    }

    fn close(&mut self, line: usize, start: usize, end: usize) {
        let text = self
            .chars
            .get(start..end)
            .unwrap_or_default()
            .iter()
            .collect();
        self.parts.literals.push(Literal { line, text });
    }

    fn character(&mut self) {
        self.take(&Part::Code);
        while let Some(letter) = self.peek(0) {
            if letter == '\\' {
                self.take(&Part::Literal);
            } else if letter == '\'' {
                break;
            }
            self.take(&Part::Literal);
        }
        self.take(&Part::Code);
    }
}

#[cfg(test)]
mod tests {
    use super::{LITERAL, RustText, has_word, literal_columns};

    fn check(text: &str, code: &str, comments: &str, literals: &[&str]) {
        let parts = RustText::parse(text);
        assert_eq!(parts.code.replace(LITERAL, "_"), code);
        assert_eq!(parts.comments, comments);
        let found: Vec<_> = parts
            .literals
            .iter()
            .map(|literal| literal.text.as_str())
            .collect();
        assert_eq!(found, literals);
    }

    #[test]
    fn tells_comments_from_code() {
        check("a // b\nc", "a     \nc", "  // b\n ", &[]);
        check(
            "a /* b /* c */ d */ e",
            "a                   e",
            "  /* b /* c */ d */  ",
            &[],
        );
    }

    #[test]
    fn tells_strings_from_code() {
        check(
            r#"a("b\"// c")"#,
            r#"a("_______")"#,
            "            ",
            &[r#"b\"// c"#],
        );
        check(
            r##"r#"a"b"# c"##,
            r##"r#"___"# c"##,
            "          ",
            &["a\"b"],
        );
        check(
            r#"br"a" bar"x" r#type"#,
            r#"br"_" bar"_" r#type"#,
            &" ".repeat(19),
            &["a", "x"],
        );
    }

    #[test]
    fn tells_characters_from_lifetimes() {
        check(
            "'a' '\\'' '\"' &'a str",
            "'_' '__' '_' &'a str",
            &" ".repeat(20),
            &[],
        );
    }

    #[test]
    fn keeps_the_line_of_a_literal() {
        let parts = RustText::parse("a\n\"b\nc\"\n\"d\"");
        let lines: Vec<_> = parts.literals.iter().map(|literal| literal.line).collect();
        assert_eq!(lines, [2, 4]);
        assert_eq!(parts.code.lines().count(), 4);
    }

    #[test]
    fn counts_the_columns_of_literals() {
        let parts = RustText::parse("let a = (\"12345\", 'b'); // \"c\"");
        assert_eq!(literal_columns(&parts.code), 6);
    }

    #[test]
    fn finds_whole_words_only() {
        assert!(has_word("use sqlx::Row", "sqlx"));
        assert!(!has_word("use my_sqlx::Row", "sqlx"));
        assert!(has_word("x.await?", ".await"));
        assert!(!has_word("x.awaited()", ".await"));
        assert!(has_word("http::Method", "http::"));
        assert!(!has_word("jhttp::Method", "http::"));
    }
}
