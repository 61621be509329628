//! What is wrong with a configuration file, and where.

use std::fmt;

/// Everything that is wrong with a configuration file; at least one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    origin: String,
    problems: Vec<ConfigProblem>,
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigProblem {
    /// Line and column, counted from one, in characters; none when it is about what is missing.
    pub place: Option<(usize, usize)>,
    /// The key, such as `server.public_listen`; none when the file cannot be read as TOML.
    pub key: Option<String>,
    /// What is wrong. Never quotes a value: it might be a secret.
    pub sentence: String,
    /// What to do, where there is a next step.
    pub hint: Option<String>,
}

impl ConfigError {
    pub(super) fn new(origin: &str, problems: Vec<ConfigProblem>) -> Self {
        Self {
            origin: origin.to_owned(),
            problems,
        }
    }

    /// One problem of one key, outside the text of the file.
    pub(super) fn of(origin: &str, key: &str, sentence: String) -> Self {
        let problem = ConfigProblem {
            place: None,
            key: Some(key.to_owned()),
            sentence,
            hint: None,
        };
        Self::new(origin, vec![problem])
    }

    /// The name of the file.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The problems, in the order of the file.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&self.origin)?;
            if let Some((line, column)) = problem.place {
                write!(f, ":{line}:{column}")?;
            }
            f.write_str(": ")?;
            if let Some(key) = &problem.key {
                write!(f, "{key} ")?;
            }
            f.write_str(&problem.sentence)?;
            if let Some(hint) = &problem.hint {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Line and column of a byte offset, counted from one, in characters.
pub(super) fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}
