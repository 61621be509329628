//! What is wrong with a request's members, one sentence a member.

use std::collections::BTreeMap;
use std::fmt;

/// Problems by member name, such as `name` or `scopes[1]`; empty means valid.
///
/// Validation collects all of them, so that a caller mends a form in one go.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Problems {
    by_member: BTreeMap<String, String>,
}

impl Problems {
    /// One problem of one member.
    pub fn of(member: impl Into<String>, sentence: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(member, sentence);
        problems
    }

    /// Notes a problem; the first sentence about a member stays.
    pub fn add(&mut self, member: impl Into<String>, sentence: impl Into<String>) {
        self.by_member
            .entry(member.into())
            .or_insert_with(|| sentence.into());
    }

    /// Takes the value out of `result`, or notes its error under `member`.
    pub fn check<T, E: fmt::Display>(&mut self, member: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(member, error.to_string());
                None
            }
        }
    }

    /// Notes the problems of another check too.
    pub fn merge(&mut self, others: Self) {
        for (member, sentence) in others.by_member {
            self.add(member, sentence);
        }
    }

    /// `Ok` when there is no problem.
    pub fn into_result(self) -> Result<(), Self> {
        if self.by_member.is_empty() {
            Ok(())
        } else {
            Err(self)
        }
    }

    /// The problems, by member name.
    pub fn members(&self) -> &BTreeMap<String, String> {
        &self.by_member
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (member, sentence)) in self.by_member.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{member} {sentence}.")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
