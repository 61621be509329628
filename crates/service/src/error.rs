//! What can go wrong in a use case: one enum, without HTTP. Its renderings are in `web`.

use claviger_model::{Problems, Reason};
use claviger_store::StoreError;
use claviger_verify::possession::{Nonce, Unproven};

use crate::sources::{CannotMint, NoRandom};

/// What is said when the disk is full.
const FULL: &str = "The disk of the server is full: nothing new can be kept until its operator makes \
                    place. Revoking still works.";

/// What is said when the disk failed.
const DISK_FAILED: &str = "The disk of the server failed, so the change was not acknowledged. Look \
                           whether it was made before you try again.";

/// What is said when the file of the database is damaged.
const DAMAGED: &str = "The database of the server is damaged: until its operator has brought a \
                       backup back, this cannot be read or changed.";

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Members of the request are not acceptable; nothing was done.
    #[error("{0}")]
    Invalid(Problems),
    /// Refused for a reason of the table, with a sentence for the caller.
    #[error("{message}")]
    Refused {
        /// The row of the table.
        reason: Reason,
        /// What to tell the caller.
        message: String,
        /// The scopes that would be needed, where scopes are the reason.
        required_scopes: Vec<String>,
    },
    /// A good access token, but nobody knows that its sender holds the key that it is bound to
    /// (RFC 9449 section 7.1).
    #[error("{unproven}")]
    Unproven {
        /// What is against it.
        unproven: Unproven,
        /// What the next proof has to carry, where that is what is missing.
        nonce: Option<Nonce>,
    },
    /// Try again later.
    #[error("{message}")]
    Later {
        /// `rate_limited`, `stale`, `storage`, `sealed` or `clock`.
        reason: Reason,
        /// What to tell the caller.
        message: String,
        /// When, in seconds.
        retry_after_seconds: u32,
        /// What happened inside, for the log.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A fault of ours. The cause is for the log, never for the caller.
    #[error("{}", Reason::Internal.refusal().message)]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Refused, with the table's own sentence.
    pub fn refused(reason: Reason) -> Self {
        Self::because(reason, reason.refusal().message)
    }

    /// Refused, with a more exact sentence.
    pub fn because(reason: Reason, message: impl Into<String>) -> Self {
        Self::Refused {
            reason,
            message: message.into(),
            required_scopes: Vec::new(),
        }
    }

    /// There is no such thing, or not for this caller.
    pub fn not_found(what: &str) -> Self {
        Self::because(Reason::NotFound, format!("There is no such {what}."))
    }

    /// Against the present state.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::because(Reason::Conflict, message)
    }

    /// One member is not acceptable.
    pub fn invalid(member: &str, sentence: impl Into<String>) -> Self {
        Self::Invalid(Problems::of(member, sentence))
    }

    /// Too many at once.
    pub fn too_many(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        Self::Later {
            reason: Reason::RateLimited,
            message: message.into(),
            retry_after_seconds,
            source: None,
        }
    }

    /// A fault of ours.
    pub(crate) fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(cause))
    }

    /// Not decidable now.
    pub fn stale() -> Self {
        Self::Later {
            reason: Reason::Stale,
            message: Reason::Stale.refusal().message.to_owned(),
            retry_after_seconds: 1,
            source: None,
        }
    }

    /// Not before an operator has looked at what came back from a backup.
    pub fn sealed() -> Self {
        Self::Later {
            reason: Reason::Sealed,
            message: Reason::Sealed.refusal().message.to_owned(),
            retry_after_seconds: 30,
            source: None,
        }
    }

    /// Not before it is certain what time it is.
    pub fn clock() -> Self {
        Self::Later {
            reason: Reason::Clock,
            message: Reason::Clock.refusal().message.to_owned(),
            retry_after_seconds: 30,
            source: None,
        }
    }

    fn storage(message: &str, retry_after_seconds: u32, source: StoreError) -> Self {
        Self::Later {
            reason: Reason::Storage,
            message: message.to_owned(),
            retry_after_seconds,
            source: Some(Box::new(source)),
        }
    }

    /// The row of the table.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Invalid(_) => Reason::Validation,
            Self::Refused { reason, .. } | Self::Later { reason, .. } => *reason,
            Self::Unproven { .. } => Reason::InvalidCredential,
            Self::Internal(_) => Reason::Internal,
        }
    }

    /// The problems by member, when that is what is wrong.
    pub fn problems(&self) -> Option<&Problems> {
        match self {
            Self::Invalid(problems) => Some(problems),
            _ => None,
        }
    }

    /// When to try again, in seconds.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Self::Later {
                retry_after_seconds,
                ..
            } => Some(*retry_after_seconds),
            _ => None,
        }
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

impl From<NoRandom> for Error {
    fn from(error: NoRandom) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl From<CannotMint> for Error {
    fn from(error: CannotMint) -> Self {
        match error {
            CannotMint::Clock => Self::clock(),
            CannotMint::NoRandom(error) => error.into(),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Busy => {
                Self::storage(Reason::Storage.refusal().message, 2, error)
            }
            StoreError::Sealed => Self::sealed(),
            StoreError::Full(_) => Self::storage(FULL, 10, error),
            StoreError::DiskError(_) => Self::storage(DISK_FAILED, 10, error),
            StoreError::Damaged(_) => Self::storage(DAMAGED, 60, error),
            StoreError::Conflict { .. } => Self::Refused {
                reason: Reason::Conflict,
                message: "It was changed or made by somebody else at the same time.".to_owned(),
                required_scopes: Vec::new(),
            },
            other => Self::Internal(Box::new(other)),
        }
    }
}
