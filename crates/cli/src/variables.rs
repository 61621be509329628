//! The environment of the process: variables, and who runs it.
#![expect(
    clippy::disallowed_methods,
    reason = "the environment is read here, and given to everything else as values"
)]

/// The environment variable of this name; none when it is empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The name of the user whose process this is, for the audit log. From the system's list of users:
/// a variable could claim anything.
pub(crate) fn user_name() -> String {
    let id = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    name.unwrap_or(id)
}
