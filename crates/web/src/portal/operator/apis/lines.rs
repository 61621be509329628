//! Scopes and routes as lines of text, so that a form without a script can hold hundreds of them.
//!
//! ```text
//! read:leads | See leads.
//! admin | Everything. | sensitive, implies all, live
//!
//! GET /v1/leads read:leads
//! * /v1/leads/{id} read:leads write:leads
//! ```

use claviger_model::apis::{RouteDraft, ScopeDraft};
use claviger_model::routes::Route;
use claviger_model::scopes::Scope;
use claviger_model::{Environment, Problems};
use claviger_service::Error;

/// What stands between the parts of a scope's line.
const BETWEEN: char = '|';
/// How many wrong lines are told of at once.
const TOLD_MAX: usize = 5;

/// Drafts, and the lines on which they stand, counted from one.
pub(super) struct Lines<T> {
    /// The drafts.
    pub drafts: Vec<T>,
    lines: Vec<usize>,
}

impl<T> Lines<T> {
    /// Reads every line that is not empty.
    ///
    /// # Errors
    /// What `read` says of a line; the problem is of the field `name`.
    fn read(
        text: &str,
        name: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Self, Problems> {
        let (mut drafts, mut lines, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            match read(line.trim()) {
                Ok(draft) => {
                    drafts.push(draft);
                    lines.push(index + 1);
                }
                Err(sentence) => wrong.push(format!("line {}: {sentence}", index + 1)),
            }
        }
        if wrong.is_empty() {
            return Ok(Self { drafts, lines });
        }
        Err(Problems::of(name, told(&wrong)))
    }

    /// What a use case says of the drafts, told of their lines.
    pub(super) fn refused(lines: &[usize], name: &'static str, error: Error) -> Error {
        let Error::Invalid(problems) = &error else {
            return error;
        };
        let mut wrong: Vec<(usize, String)> = Vec::new();
        for (member, sentence) in problems.members() {
            let Some((line, part)) = place(member, name, lines) else {
                return error;
            };
            wrong.push((line, format!("line {line}: {part}{sentence}")));
        }
        wrong.sort();
        let wrong: Vec<String> = wrong.into_iter().map(|(_, told)| told).collect();
        Error::invalid(name, told(&wrong))
    }

    /// The lines of the drafts.
    pub(super) fn places(&self) -> &[usize] {
        &self.lines
    }
}

/// The line of `scopes[2].name`, and `name `.
fn place(member: &str, name: &str, lines: &[usize]) -> Option<(usize, String)> {
    let rest = member.strip_prefix(name)?.strip_prefix('[')?;
    let (index, rest) = rest.split_once(']')?;
    let line = lines.get(index.parse::<usize>().ok()?)?;
    let part = rest.trim_start_matches('.').split('[').next();
    let part = part.filter(|part| !part.is_empty());
    Some((
        *line,
        part.map(|part| format!("{part} ")).unwrap_or_default(),
    ))
}

fn told(wrong: &[String]) -> String {
    let told = wrong[..wrong.len().min(TOLD_MAX)].join("; ");
    match wrong.len().checked_sub(TOLD_MAX) {
        None | Some(0) => told,
        Some(more) => format!("{told}; and {more} more"),
    }
}

/// The scopes of a text.
pub(super) fn scopes(text: &str) -> Result<Lines<ScopeDraft>, Problems> {
    Lines::read(text, "scopes", |line| {
        let (name, rest) = match line.split_once(BETWEEN) {
            Some((name, rest)) => (name, rest),
            None => (line, ""),
        };
        let (description, words) = match rest.rsplit_once(BETWEEN) {
            Some((description, words)) => (description, words),
            None => (rest, ""),
        };
        let mut scope = ScopeDraft {
            name: name.trim().to_owned(),
            description: description.trim().replace("\\n", "\n"),
            implies_all: Some(false),
            ..ScopeDraft::default()
        };
        let mut environments = Vec::new();
        for word in words.split(',').map(str::trim) {
            match word {
                "" => {}
                "sensitive" => scope.sensitive = true,
                "implies all" => scope.implies_all = Some(true),
                word => {
                    if let Some(environment) = Environment::parse(word) {
                        environments.push(environment);
                    } else {
                        let known = "sensitive, implies all, live or test";
                        return Err(format!("{word} is none of {known}"));
                    }
                }
            }
        }
        if environments.is_empty() {
            environments = Environment::ALL.to_vec();
        }
        environments.dedup();
        scope.environments = Some(environments);
        Ok(scope)
    })
}

/// The text of scopes.
pub(super) fn scopes_text(scopes: &[Scope]) -> String {
    let line = |scope: &Scope| {
        let words = words(scope).join(", ");
        let description = scope.description.replace('\n', "\\n");
        let is_plain = !description.contains(BETWEEN);
        match (description.is_empty(), words.is_empty()) {
            (true, true) => scope.name.to_string(),
            (false, true) if is_plain => format!("{} | {description}", scope.name),
            _ => format!("{} | {description} | {words}", scope.name),
        }
    };
    scopes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What is special about a scope, in the words of its line.
pub(super) fn words(scope: &Scope) -> Vec<&'static str> {
    let mut words = Vec::new();
    if scope.sensitive {
        words.push("sensitive");
    }
    if scope.implies_all {
        words.push("implies all");
    }
    if scope.environments.len() == 1 {
        words.extend(
            scope
                .environments
                .iter()
                .map(|environment| environment.as_str()),
        );
    }
    words
}

/// The routes of a text.
pub(super) fn routes(text: &str) -> Result<Lines<RouteDraft>, Problems> {
    Lines::read(text, "routes", |line| {
        let mut parts = line.split_whitespace().map(str::to_owned);
        let method = parts.next().unwrap_or_default();
        let Some(path) = parts.next() else {
            return Err("a method and a path are needed, such as GET /v1/leads".to_owned());
        };
        Ok(RouteDraft {
            method,
            path,
            scopes: parts.collect(),
        })
    })
}

/// The text of routes.
pub(super) fn routes_text(routes: &[Route]) -> String {
    let lines: Vec<String> = routes.iter().map(route_line).collect();
    lines.join("\n")
}

/// The line of a route.
pub(super) fn route_line(route: &Route) -> String {
    let scopes = route.scopes.iter().map(|scope| format!(" {scope}"));
    format!(
        "{} {}{}",
        route.method,
        route.path,
        scopes.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use claviger_model::apis::{ApiDraft, ApiSpec};

    use super::*;

    fn spec(scopes: Vec<ScopeDraft>, routes: Vec<RouteDraft>) -> Result<ApiSpec, Problems> {
        ApiSpec::create(ApiDraft {
            name: Some("Leads".to_owned()),
            audience: Some("https://api.acme.test".to_owned()),
            scopes: Some(scopes),
            routes: Some(routes),
            ..ApiDraft::default()
        })
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "read:leads | See leads.\nplain\nodd | a | b | \n\
                    admin | One\\nTwo | sensitive, implies all, live\ntrial |  | test";
        let scopes = scopes(text).expect("scopes").drafts;
        assert_eq!(scopes[3].description, "One\nTwo");
        let routes = routes("GET /v1/leads read:leads\n\n  * /v1/{id}/* \n").expect("routes");
        assert_eq!(routes.places(), [1, 3]);
        let spec = spec(scopes, routes.drafts).expect("valid");
        assert_eq!(scopes_text(&spec.scopes), text);
        let text = routes_text(&spec.routes);
        assert_eq!(text, "GET /v1/leads read:leads\n* /v1/{id}/*");
    }

    #[test]
    fn problems_name_the_line() {
        let told = |problems: Problems| problems.members().values().next().cloned();
        let wrong = scopes("a | b | secret\nb").err().and_then(told);
        let sentence = "line 1: secret is none of sensitive, implies all, live or test";
        assert_eq!(wrong.as_deref(), Some(sentence));
        let lines = routes("GET /a\n\nget /b\nGET c x\"y").expect("lines");
        let places = lines.places().to_vec();
        let refused = spec(Vec::new(), lines.drafts).expect_err("refused");
        let refused = Lines::<RouteDraft>::refused(&places, "routes", Error::from(refused));
        let Error::Invalid(problems) = refused else {
            panic!("{refused:?}");
        };
        let told = told(problems).unwrap_or_default();
        assert!(told.starts_with("line 3: method "), "{told}");
        assert!(
            told.contains("line 4: path ") && told.contains("line 4: scopes "),
            "{told}"
        );
    }

    #[test]
    fn only_some_wrong_lines_are_told() {
        let text = "GET\n".repeat(7);
        let problems = routes(&text).err().expect("problems");
        assert!(problems.members()["routes"].ends_with("; and 2 more"));
    }
}
