//! The audit log: events, the chain of hashes that holds them together, and the tree over them
//! whose head is signed from time to time.

pub mod checkpoint;
pub mod evidence;
pub mod tree;

use aws_lc_rs::digest;
use serde_json::Value;

use crate::ids::{AccountId, EventId};
use crate::seal::Columns;
use crate::time::UnixMillis;

/// A hash of the log: SHA-256.
pub type ChainHash = [u8; 32];

/// Random bytes in an event, so that from its hash alone nobody can guess what it says.
pub type Salt = [u8; 16];

/// What the first event is chained to.
pub const CHAIN_START: ChainHash = [0; 32];

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Action { $($(#[$doc])* $name,)* }

        impl Action {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in JSON and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

actions! {
    /// An account was made.
    AccountCreated = "account.created";
    /// An account was renamed.
    AccountRenamed = "account.renamed";
    /// An account was suspended.
    AccountSuspended = "account.suspended";
    /// An account was made active again.
    AccountActivated = "account.activated";
    /// An API was made.
    ApiCreated = "api.created";
    /// An API was changed.
    ApiChanged = "api.changed";
    /// An API was deleted.
    ApiDeleted = "api.deleted";
    /// A backup was made.
    BackupMade = "backup.made";
    /// What a backup had was taken into service.
    BackupRestored = "backup.restored";
    /// A client was made.
    ClientCreated = "client.created";
    /// A client was changed.
    ClientChanged = "client.changed";
    /// A client was deleted.
    ClientDeleted = "client.deleted";
    /// A client got a further secret.
    ClientSecretAdded = "client.secret_added";
    /// A secret of a client was revoked.
    ClientSecretRevoked = "client.secret_revoked";
    /// A client got a new secret, and its older ones an end.
    ClientRotationStarted = "client.rotation_started";
    /// The older secrets of a client end at another time than was planned.
    ClientRotationChanged = "client.rotation_changed";
    /// The new secret was used, so that the older ones have their end.
    ClientRotationFirstUse = "client.rotation_first_use";
    /// A rotation was taken back: the older secrets stay.
    ClientRotationCancelled = "client.rotation_cancelled";
    /// The clock of the server jumped, and nothing is issued any more.
    ClockJumped = "clock.jumped";
    /// It is certain again what time it is.
    ClockSettled = "clock.settled";
    /// Somebody reported that a credential can be read by others.
    CredentialLeaked = "credential.leaked";
    /// A user allowed an app to act.
    GrantCreated = "grant.created";
    /// A user allowed an app more than before.
    GrantExtended = "grant.extended";
    /// What a user had allowed an app was ended.
    GrantEnded = "grant.ended";
    /// An invitation was made.
    InvitationCreated = "invitation.created";
    /// An invitation was accepted.
    InvitationAccepted = "invitation.accepted";
    /// An invitation was withdrawn.
    InvitationWithdrawn = "invitation.withdrawn";
    /// A key was made.
    KeyCreated = "key.created";
    /// A key was changed.
    KeyChanged = "key.changed";
    /// A key that was made elsewhere was taken over.
    KeyImported = "key.imported";
    /// A key that was made elsewhere was used for the first time, and the hash that was brought
    /// along for it replaced by one of our own.
    KeyUpgraded = "key.upgraded";
    /// A key was revoked.
    KeyRevoked = "key.revoked";
    /// A legacy key was generated.
    LegacyKeyCreated = "legacy_key.created";
    /// A legacy key was reverted.
    LegacyKeyRevoked = "legacy_key.revoked";
    /// A user became a member.
    MemberAdded = "member.added";
    /// A member got another role.
    MemberChanged = "member.changed";
    /// A member was removed.
    MemberRemoved = "member.removed";
    /// A user became an operator.
    OperatorAdded = "operator.added";
    /// An operator signed in to a customer's account.
    OperatorEntered = "operator.entered";
    /// A role was made.
    RoleCreated = "role.created";
    /// A role was changed.
    RoleChanged = "role.changed";
    /// A role was deleted.
    RoleDeleted = "role.deleted";
    /// The test environment of an account was put back to its start.
    SandboxReset = "sandbox.reset";
    /// A signing key was made.
    SigningKeyCreated = "signing_key.created";
    /// A signing key was withdrawn before its time.
    SigningKeyWithdrawn = "signing_key.withdrawn";
    /// Somebody signed in.
    SessionStarted = "session.started";
    /// Somebody signed out.
    SessionEnded = "session.ended";
    /// An access token was revoked.
    TokenRevoked = "token.revoked";
    /// The refresh tokens of one authorization, and their access tokens, were ended.
    TokenFamilyEnded = "token.family_ended";
    /// All access tokens of a client or an account were ended.
    TokensEnded = "token.all_ended";
    /// A user was made.
    UserCreated = "user.created";
    /// A user is to be called something else.
    UserRenamed = "user.renamed";
    /// A user got another password.
    UserPasswordChanged = "user.password_changed";
    /// A user was suspended.
    UserSuspended = "user.suspended";
    /// A user was made active again.
    UserActivated = "user.activated";
    /// A webhook was made.
    WebhookCreated = "webhook.created";
    /// A webhook was changed.
    WebhookChanged = "webhook.changed";
    /// A webhook was deleted.
    WebhookDeleted = "webhook.deleted";
    /// A webhook was switched off because nothing reached it for long.
    WebhookDisabled = "webhook.disabled";
    /// A webhook got a new signing secret.
    WebhookSecretRotated = "webhook.secret_rotated";
}

/// One event, as it is written in the transaction of the change that it tells of. Never carries a
/// secret.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When the change was made.
    pub at: UnixMillis,
    /// Whose matter it is; none for the instance's.
    pub account_id: Option<AccountId>,
    /// Who did it: an id, `cli:<user>` or `system`.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what: an id.
    pub target: String,
    /// The members that changed, before.
    pub before: Option<Value>,
    /// The same members, after.
    pub after: Option<Value>,
    /// From which address.
    pub ip: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// What makes its hash unguessable.
    pub salt: Salt,
}

/// An event in its place in the chain.
#[derive(Clone, PartialEq, Debug)]
pub struct ChainedEvent {
    /// Its place, from one, without gaps.
    pub seq: i64,
    /// The event.
    pub event: Event,
    /// The hash over it and all before it.
    pub hash: ChainHash,
}

/// The hash of `event` at place `seq`, over all its columns: a leaf of the tree (RFC 9162
/// section 2.1.1).
pub fn leaf_hash(seq: i64, event: &Event) -> ChainHash {
    let mut columns = Columns::of("audit");
    columns
        .int(seq)
        .shown(event.id)
        .time(event.at)
        .optional(event.account_id, Columns::shown)
        .text(&event.actor)
        .text(&event.action)
        .text(&event.target)
        .optional(told(event.before.as_ref()), Columns::shown)
        .optional(told(event.after.as_ref()), Columns::shown)
        .optional(event.ip.as_deref(), Columns::text)
        .optional(event.request_id.as_deref(), Columns::text)
        .bytes(&event.salt);
    sha256(&[&[LEAF], &columns.into_bytes()])
}

/// A value, unless it is JSON's nothing, which is nothing too.
fn told(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

/// The hash of the event with this leaf after an event with the hash `previous`.
pub fn chain_hash(previous: &ChainHash, leaf: &ChainHash) -> ChainHash {
    sha256(&[&[LINK], previous, leaf])
}

/// What a hash is of; no two kinds can be taken for each other.
const LEAF: u8 = 0;
const NODE: u8 = 1;
const LINK: u8 = 2;

fn sha256(parts: &[&[u8]]) -> ChainHash {
    let mut context = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = CHAIN_START;
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The first event that does not fit the chain, and how.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BrokenChain {
    /// Events are missing.
    #[error("event {expected} is missing: {found} follows {previous}", previous = expected - 1)]
    Gap {
        /// The place that should follow.
        expected: i64,
        /// The place that follows.
        found: i64,
    },
    /// The content does not match the hash.
    #[error("event {seq} was changed after it was written, or one before it was")]
    Changed {
        /// Its place.
        seq: i64,
    },
}

/// Follows a chain, event by event.
#[derive(Clone, Debug)]
pub struct ChainVerifier {
    seq: i64,
    hash: ChainHash,
}

impl Default for ChainVerifier {
    fn default() -> Self {
        Self {
            seq: 0,
            hash: CHAIN_START,
        }
    }
}

impl ChainVerifier {
    /// Takes the next event; its leaf.
    pub fn follow(&mut self, next: &ChainedEvent) -> Result<ChainHash, BrokenChain> {
        let expected = self.seq + 1;
        if next.seq != expected {
            return Err(BrokenChain::Gap {
                expected,
                found: next.seq,
            });
        }
        let leaf = leaf_hash(next.seq, &next.event);
        if chain_hash(&self.hash, &leaf) != next.hash {
            return Err(BrokenChain::Changed { seq: next.seq });
        }
        self.seq = next.seq;
        self.hash = next.hash;
        Ok(leaf)
    }

    /// Goes on after the event at place `seq` with this hash.
    pub fn after(seq: i64, hash: ChainHash) -> Self {
        Self { seq, hash }
    }

    /// How many events fitted, and the hash of the last one.
    pub fn head(&self) -> (i64, ChainHash) {
        (self.seq, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(target: &str) -> Event {
        Event {
            id: EventId::new(UnixMillis(5), &[1; 10]),
            at: UnixMillis(5),
            account_id: None,
            actor: "system".into(),
            action: Action::KeyCreated.as_str().into(),
            target: target.into(),
            before: None,
            after: Some(serde_json::json!({"name": "x"})),
            ip: None,
            request_id: None,
            salt: [7; 16],
        }
    }

    fn chain(targets: &[&str]) -> Vec<ChainedEvent> {
        let mut previous = CHAIN_START;
        let mut seq = 0;
        let link = |target: &&str| {
            seq += 1;
            let event = event(target);
            previous = chain_hash(&previous, &leaf_hash(seq, &event));
            ChainedEvent {
                seq,
                event,
                hash: previous,
            }
        };
        targets.iter().map(link).collect()
    }

    fn verify(events: &[ChainedEvent]) -> Result<i64, BrokenChain> {
        let mut verifier = ChainVerifier::default();
        events
            .iter()
            .try_for_each(|event| verifier.follow(event).map(drop))?;
        Ok(verifier.head().0)
    }

    #[test]
    fn an_untouched_chain_holds_and_every_change_is_named() {
        let events = chain(&["a", "b", "c"]);
        assert_eq!(verify(&events), Ok(3));
        let mut edited = events.clone();
        edited[1].event.actor = "usr_other".into();
        assert_eq!(verify(&edited), Err(BrokenChain::Changed { seq: 2 }));
        let mut cut = events.clone();
        cut.remove(1);
        assert_eq!(
            verify(&cut),
            Err(BrokenChain::Gap {
                expected: 2,
                found: 3
            })
        );
        let mut swapped = events;
        swapped[0].event.target = "z".into();
        assert_eq!(verify(&swapped), Err(BrokenChain::Changed { seq: 1 }));
    }
}
