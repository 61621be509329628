//! How a command ends: the exit code, and what is said when it did not do what it was asked.

use std::fmt;
use std::process::ExitCode;

use claviger_model::Reason;
use claviger_service::app::OpenError;
use claviger_service::config::ConfigError;
use claviger_service::propagation::LockError;
use claviger_service::{Error, StoreError};
use claviger_web::server::BindError;

/// What is to be done about a sealed instance.
pub(crate) const UNSEAL: &str = "`claviger unseal` shows what came back and what to do";

/// What is to be done about a damaged database.
const RESTORE: &str = "if the disk or somebody damaged the file, `claviger restore FILE --replace` \
                       brings the last backup back";

/// The exit codes, which scripts rely on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done; of `verify`: allowed.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The arguments, a file or a value are not acceptable.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// The credential for the server is missing or not accepted.
    NotSignedIn = 4,
    /// Not allowed.
    Permission = 5,
    /// Against the present state.
    Conflict = 6,
    /// Too many requests.
    RateLimited = 7,
    /// The server or the database cannot be reached.
    Unreachable = 8,
    /// Of `verify`: refused.
    Refused = 10,
    /// Of `verify`: nobody can say at the moment.
    Undecidable = 11,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Reason> for Exit {
    fn from(reason: Reason) -> Self {
        match reason.refusal().status {
            200 => Self::Done,
            400 | 405 | 413 | 415 | 422 => Self::Usage,
            401 => Self::NotSignedIn,
            403 => Self::Permission,
            404 => Self::NotFound,
            409 | 412 => Self::Conflict,
            429 => Self::RateLimited,
            503 => Self::Unreachable,
            _ => Self::Failed,
        }
    }
}

/// Why a command did not do what it was asked, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What is wrong, as a sentence or phrase.
    pub(crate) message: String,
    /// The next step, where there is one.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure without a next step.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    /// The same with a next step.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = Exit::from(error.reason());
        let retry = error.retry_after_seconds();
        let is_sealed = error.reason() == Reason::Sealed;
        if let Some(damage) = damage(&error) {
            return damage.clone().into();
        }
        let message = match error {
            // Whoever is at the machine may know what happened inside.
            Error::Internal(source) => source.to_string(),
            error => error.to_string(),
        };
        let failure = Self::new(exit, message);
        match retry {
            _ if is_sealed => failure.hint(UNSEAL),
            Some(seconds) => failure.hint(format!("try again in {seconds} s")),
            None => failure,
        }
    }
}

/// What of an error tells that the database is not as it was written.
fn damage(error: &Error) -> Option<&StoreError> {
    let (Error::Internal(source)
    | Error::Later {
        source: Some(source),
        ..
    }) = error
    else {
        return None;
    };
    let found: &StoreError = source.downcast_ref()?;
    let is_damage = matches!(
        found,
        StoreError::Damaged(_)
            | StoreError::BrokenSeal { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Internal(_)
    );
    is_damage.then_some(found)
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let message = error.to_string();
        let (exit, hint) = match error {
            OpenError::Lock(LockError::Owned(_)) => (
                Exit::Conflict,
                "stop the other server, or name another directory",
            ),
            OpenError::Lock(LockError::Unusable { .. }) => (
                Exit::Permission,
                "give this user the right to write in the directory",
            ),
            OpenError::Store(error) => return error.into(),
            OpenError::Seal(error) if damage(&error).is_some() => (Exit::Failed, RESTORE),
            OpenError::Seal(_) => (
                Exit::Failed,
                "give this user the right to read the data directory",
            ),
        };
        Self::new(exit, message).hint(hint)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let (exit, hint) = match &error {
            StoreError::WrongMasterKey => (
                Exit::Failed,
                "put the right master key in place; nothing was changed",
            ),
            StoreError::Missing { .. } => (
                Exit::NotFound,
                "`claviger init` or `claviger dev` makes one",
            ),
            StoreError::NotWritable { .. } => (
                Exit::Permission,
                "give this user the right to write in the directory",
            ),
            StoreError::BadLocation(_) => (Exit::Usage, "mend the URL of the database"),
            StoreError::Unavailable(_) | StoreError::Busy => (
                Exit::Unreachable,
                "look whether the database runs and try again",
            ),
            StoreError::Sealed => (Exit::Conflict, UNSEAL),
            StoreError::Full(_) => (
                Exit::Unreachable,
                "make place on the disk; revoking works meanwhile",
            ),
            StoreError::NewerSchema { .. } => (
                Exit::Conflict,
                "use the version that migrated the database, or a newer one; if there never was one, the \
                 file is damaged: bring a backup back with `claviger restore`",
            ),
            StoreError::DiskError(_) => (
                Exit::Unreachable,
                "look at the disk and at the log of the kernel, then try again",
            ),
            StoreError::Damaged(_)
            | StoreError::BrokenSeal { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Internal(_) => (Exit::Failed, RESTORE),
            StoreError::Conflict { .. } => return Self::new(Exit::Failed, error.to_string()),
        };
        Self::new(exit, error.to_string()).hint(hint)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        // It carries a hint beside each problem.
        Self::new(Exit::Usage, error.to_string())
    }
}

impl From<BindError> for Failure {
    fn from(error: BindError) -> Self {
        let hint = error.hint();
        Self::new(Exit::Conflict, error.to_string()).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_end_with_the_codes_that_scripts_know() {
        for (reason, code) in [
            (Reason::Validation, 2),
            (Reason::NotFound, 3),
            (Reason::SessionRequired, 4),
            (Reason::PermissionRequired, 5),
            (Reason::Conflict, 6),
            (Reason::PreconditionFailed, 6),
            (Reason::RateLimited, 7),
            (Reason::Storage, 8),
            (Reason::Internal, 1),
        ] {
            assert_eq!(Exit::from(reason) as u8, code, "{reason:?}");
        }
    }

    #[test]
    fn a_failure_ends_with_its_hint() {
        let failure = Failure::new(Exit::Failed, "it is closed").hint("open it");
        assert_eq!(failure.to_string(), "error: it is closed\nhint: open it");
    }
}
