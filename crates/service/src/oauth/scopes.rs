//! The scopes of a token (RFC 6749 section 3.3): what was asked for, if the client holds it, or
//! all that it holds.

use claviger_model::scopes::{SCOPES_MAX, ScopeName};
use claviger_verify::entries::{ClientEntry, Grant};

use super::targets::{Target, management_scopes};
use super::{ErrorCode, Refusal};

/// The scopes of a token.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Granted {
    /// These.
    Named(Vec<ScopeName>),
    /// Whatever its client may do, which is everything.
    All,
}

impl Granted {
    /// As `scope` lists them.
    pub(super) fn text(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Named(names) => {
                let names: Vec<&str> = names.iter().map(ScopeName::as_str).collect();
                names.join(" ")
            }
        }
    }
}

/// The scopes of a token for `target`; `asked` is the parameter as it was sent.
pub(super) fn granted(
    client: &ClientEntry,
    target: &Target,
    asked: Option<&str>,
) -> Result<Granted, Refusal> {
    let Some(asked) = asked else {
        return Ok(held(client, target));
    };
    let names = parse(asked)?;
    let beyond: Vec<&str> = names
        .iter()
        .filter(|name| !holds(client, target, name))
        .map(ScopeName::as_str)
        .collect();
    if beyond.is_empty() {
        return Ok(Granted::Named(names));
    }
    let told = format!(
        "This client does not hold {} for what the token is to be for. Ask for scopes that it \
         holds, or leave scope out to get all of them.",
        beyond.join(" ")
    );
    Err(Refusal::because(ErrorCode::InvalidScope, told))
}

/// The names in a `scope` parameter: tokens with one space between, each once.
pub(super) fn parse(text: &str) -> Result<Vec<ScopeName>, Refusal> {
    let mut names = Vec::new();
    for word in text.split(' ') {
        let name = ScopeName::new(word).ok();
        let name = name.filter(|_| names.len() < SCOPES_MAX).ok_or_else(|| {
            let told = format!(
                "The parameter scope is malformed. Send at most {SCOPES_MAX} scopes such as \
                 read:leads, with one space between."
            );
            Refusal::because(ErrorCode::InvalidScope, told)
        })?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn holds(client: &ClientEntry, target: &Target, name: &ScopeName) -> bool {
    match target {
        Target::Issuer => management_scopes(client).any(|held| held.as_str() == name.as_str()),
        Target::Apis(apis) => apis
            .iter()
            .any(|api| client.grant.may_hand_on(name, api, client.environment)),
    }
}

fn held(client: &ClientEntry, target: &Target) -> Granted {
    let mut names: Vec<ScopeName> = Vec::new();
    match target {
        Target::Issuer => {
            names.extend(management_scopes(client).filter_map(|s| ScopeName::new(s.as_str()).ok()));
        }
        Target::Apis(_) if matches!(client.grant, Grant::All) => return Granted::All,
        Target::Apis(apis) => {
            for name in apis
                .iter()
                .flat_map(|api| client.grant.names_of(api, client.environment))
            {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
    }
    Granted::Named(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_parameter_is_tokens_with_one_space_between() {
        let names = parse("read:leads write:leads read:leads").unwrap();
        assert_eq!(Granted::Named(names).text(), "read:leads write:leads");
        for malformed in ["", " a", "a ", "a  b", "a\tb", "a\"b", "é"] {
            assert_eq!(
                parse(malformed).unwrap_err().code,
                ErrorCode::InvalidScope,
                "{malformed}"
            );
        }
        assert_eq!(Granted::All.text(), "");
    }
}
