//! Permissions as values: a use case takes one, and only the checks here make one.

mod keys;
mod webhooks;

use claviger_model::Reason;
use claviger_model::clients::ClientScopes;
use claviger_model::grants::Grant;
use claviger_model::ids::{AccountId, UserId};
use claviger_model::management::ManagementScope;
use claviger_model::roles::{Permission, Powers};
use claviger_model::scopes::ScopeName;
use claviger_store::grants::Whose;

use crate::actor::{Actor, Caller};
use crate::error::Error;
pub use crate::signature::Signature;
pub use webhooks::WebhookAccess;

/// May manage the credentials of one account.
#[derive(Clone, Debug)]
pub struct KeyAccess {
    account_id: AccountId,
    handout: Handout,
    may_write: bool,
    is_operator: bool,
    /// What a client that may only look would need.
    writing: ManagementScope,
    signature: Signature,
}

/// Which scopes somebody may give to a credential.
#[derive(Clone, Debug)]
enum Handout {
    /// Every scope that the instance offers.
    Enabled,
    /// Only what the client that acts holds itself.
    Held(Vec<ScopeName>),
}

/// May manage members, roles and invitations of one account.
#[derive(Clone, Debug)]
pub struct TeamAccess {
    account_id: AccountId,
    powers: Powers,
    signature: Signature,
}

/// May rename one account.
#[derive(Clone, Debug)]
pub struct AccountAccess {
    account_id: AccountId,
    signature: Signature,
}

/// May look at what users allowed apps to do, or end it.
#[derive(Clone, Debug)]
pub struct GrantAccess {
    /// The user whose own grants they are.
    user_id: Option<UserId>,
    /// The account of which all grants are.
    account_id: Option<AccountId>,
    /// Whether it is every grant of the instance.
    is_everywhere: bool,
    signature: Signature,
}

/// May read the evidence of one account, or of all of them.
#[derive(Clone, Debug)]
pub struct EvidenceAccess {
    account_id: Option<AccountId>,
}

/// May run the instance.
#[derive(Clone, Debug)]
pub struct OperatorAccess {
    signature: Signature,
}

impl Caller {
    /// The permission to look at the keys of the caller's account.
    pub fn key_reading(&self) -> Result<KeyAccess, Error> {
        self.credentials(ManagementScope::KeysRead, ManagementScope::KeysWrite)
    }

    /// The permission to change the keys of the caller's account.
    pub fn key_writing(&self) -> Result<KeyAccess, Error> {
        self.credentials(ManagementScope::KeysWrite, ManagementScope::KeysWrite)
    }

    /// The permission to look at the clients of the caller's account.
    pub fn client_reading(&self) -> Result<KeyAccess, Error> {
        self.credentials(ManagementScope::ClientsRead, ManagementScope::ClientsWrite)
    }

    /// The permission to change the clients of the caller's account.
    pub fn client_writing(&self) -> Result<KeyAccess, Error> {
        self.credentials(ManagementScope::ClientsWrite, ManagementScope::ClientsWrite)
    }

    /// The permission to manage credentials of any account, for operators.
    pub fn key_access_to(&self, account_id: AccountId) -> Result<KeyAccess, Error> {
        let OperatorAccess { signature } = self.operator()?;
        Ok(KeyAccess {
            account_id,
            handout: Handout::Enabled,
            may_write: true,
            is_operator: true,
            writing: ManagementScope::KeysWrite,
            signature,
        })
    }

    /// The permission to end all tokens of an account: an operator's, or that of somebody who
    /// manages the account's own clients.
    pub fn token_ending(&self, account_id: AccountId) -> Result<KeyAccess, Error> {
        if let Ok(access) = self.key_access_to(account_id) {
            return Ok(access);
        }
        let access = self.client_writing()?;
        if access.account_id != account_id {
            return Err(Error::not_found("account"));
        }
        Ok(access)
    }

    /// The permission to look at what the caller allowed apps to do, and to end it.
    pub fn own_grants(&self) -> Result<GrantAccess, Error> {
        let user_id = self.user_id();
        if user_id.is_none() {
            return Err(Error::refused(Reason::SessionRequired));
        }
        Ok(GrantAccess {
            user_id,
            account_id: None,
            is_everywhere: false,
            signature: self.signature(),
        })
    }

    /// The permission to look at what apps may do in the caller's account, whoever allowed it.
    pub fn account_grants(&self) -> Result<GrantAccess, Error> {
        let access = self.client_reading()?;
        Ok(GrantAccess {
            user_id: None,
            account_id: Some(access.account_id),
            is_everywhere: false,
            signature: access.signature,
        })
    }

    /// The permission to look at what apps may do anywhere, for operators.
    pub fn all_grants(&self) -> Result<GrantAccess, Error> {
        let OperatorAccess { signature } = self.operator()?;
        Ok(GrantAccess {
            user_id: None,
            account_id: None,
            is_everywhere: true,
            signature,
        })
    }

    /// The permission to look at single grants: the caller's own, those of an account whose clients
    /// the caller may see, and all for an operator.
    pub fn grant_reading(&self) -> Result<GrantAccess, Error> {
        self.single_grants(self.client_reading())
    }

    /// The permission to end single grants: the caller's own, those of an account whose clients the
    /// caller manages, and all for an operator.
    pub fn grant_ending(&self) -> Result<GrantAccess, Error> {
        self.single_grants(self.client_writing())
    }

    fn single_grants(&self, managed: Result<KeyAccess, Error>) -> Result<GrantAccess, Error> {
        let user_id = self.user_id();
        let is_everywhere = self.operator().is_ok();
        let account_id = match managed {
            Ok(access) => Some(access.account_id),
            Err(_) if user_id.is_some() || is_everywhere => None,
            Err(error) => return Err(error),
        };
        Ok(GrantAccess {
            user_id,
            account_id,
            is_everywhere,
            signature: self.signature(),
        })
    }

    fn user_id(&self) -> Option<UserId> {
        match &self.actor {
            Actor::User(user) => Some(user.user_id),
            Actor::Client { .. } | Actor::CommandLine { .. } | Actor::Configuration => None,
        }
    }

    /// The permission to manage the caller's team.
    pub fn team(&self) -> Result<TeamAccess, Error> {
        let (account_id, powers) = self.place(Permission::Team)?;
        Ok(TeamAccess {
            account_id,
            powers,
            signature: self.signature(),
        })
    }

    /// The permission to rename the caller's account.
    pub fn account_managing(&self) -> Result<AccountAccess, Error> {
        let (account_id, _) = self.place(Permission::Account)?;
        Ok(AccountAccess {
            account_id,
            signature: self.signature(),
        })
    }

    /// The permission to manage the team of any account, for operators.
    pub fn team_of(&self, account_id: AccountId) -> Result<TeamAccess, Error> {
        let OperatorAccess { signature } = self.operator()?;
        let powers = claviger_model::roles::BuiltInRole::Owner.powers();
        Ok(TeamAccess {
            account_id,
            powers,
            signature,
        })
    }

    /// The permission to read evidence: the account's, or everything for an operator who is in no
    /// account.
    pub fn evidence(&self) -> Result<EvidenceAccess, Error> {
        if self.actor.account_id().is_none() {
            self.operator()?;
            return Ok(EvidenceAccess { account_id: None });
        }
        let (account_id, _) = self.place(Permission::Evidence)?;
        Ok(EvidenceAccess {
            account_id: Some(account_id),
        })
    }

    /// The permission to read the evidence of any account, for operators.
    pub fn evidence_of(&self, account_id: AccountId) -> Result<EvidenceAccess, Error> {
        self.operator()?;
        Ok(EvidenceAccess {
            account_id: Some(account_id),
        })
    }

    /// The permission to run the instance.
    pub fn operator(&self) -> Result<OperatorAccess, Error> {
        let is_operator = match &self.actor {
            Actor::User(user) => user.is_operator,
            Actor::CommandLine { .. } | Actor::Configuration => true,
            Actor::Client { .. } => false,
        };
        if !is_operator {
            let message = "This is for operators of the instance only.";
            return Err(Error::because(Reason::PermissionRequired, message));
        }
        Ok(OperatorAccess {
            signature: self.signature(),
        })
    }

    fn credentials(
        &self,
        needed: ManagementScope,
        writing: ManagementScope,
    ) -> Result<KeyAccess, Error> {
        let may_write = needed == writing;
        let signature = self.signature();
        if let Actor::Client {
            account_id,
            scopes,
            holds,
            ..
        } = &self.actor
        {
            // What the token says, and what its client may do now: the least of the two.
            let is_among = |names: &[ScopeName]| {
                let has =
                    |scope: ManagementScope| names.iter().any(|s| s.as_str() == scope.as_str());
                has(needed) || needed.implied_by().is_some_and(has)
            };
            let may_client = match holds {
                ClientScopes::All => true,
                ClientScopes::Named(names) => is_among(names),
            };
            if !may_client || !is_among(scopes) {
                return Err(lacking(vec![needed.to_string()]));
            }
            return Ok(KeyAccess {
                account_id: *account_id,
                handout: match holds {
                    ClientScopes::All => Handout::Enabled,
                    ClientScopes::Named(names) => Handout::Held(names.clone()),
                },
                may_write,
                is_operator: false,
                writing,
                signature,
            });
        }
        let (account_id, _) = self.place(Permission::Settings)?;
        Ok(KeyAccess {
            account_id,
            handout: Handout::Enabled,
            may_write,
            is_operator: self.operator().is_ok(),
            writing,
            signature,
        })
    }

    fn place(&self, needed: Permission) -> Result<(AccountId, Powers), Error> {
        let Actor::User(user) = &self.actor else {
            return Err(Error::refused(Reason::SessionRequired));
        };
        let Some(place) = &user.place else {
            let message = "You are signed in to no account. Sign in with its account_id.";
            return Err(Error::because(Reason::PermissionRequired, message));
        };
        if !place.powers.may(needed) {
            let who = match needed {
                Permission::Account => "An owner",
                _ => "An owner or admin",
            };
            let message = format!(
                "Your role does not have the permission {needed}. {who} of the account has it \
                 and can give it to a role."
            );
            return Err(Error::because(Reason::PermissionRequired, message));
        }
        Ok((place.account_id, place.powers.clone()))
    }
}

impl TeamAccess {
    /// Whose team.
    pub fn account_id(&self) -> AccountId {
        self.account_id
    }

    /// Who acts.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Whether the caller has all of these powers, and so may give, change and take them away.
    pub fn may_give(&self, powers: &Powers) -> bool {
        self.powers.cover(powers)
    }

    /// Refuses to give, change or take away more than the caller has.
    pub(crate) fn covers(&self, powers: &Powers) -> Result<(), Error> {
        if self.may_give(powers) {
            return Ok(());
        }
        let message = "This role holds more than your own; ask somebody who has it.";
        Err(Error::because(Reason::PermissionRequired, message))
    }
}

impl AccountAccess {
    /// Which account.
    pub fn account_id(&self) -> AccountId {
        self.account_id
    }

    /// Who acts.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }
}

impl GrantAccess {
    /// Who acts.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The user whose own grants it reaches.
    pub(crate) fn user_id(&self) -> Option<UserId> {
        self.user_id
    }

    /// Whether it may be looked at, or ended.
    pub(crate) fn reaches(&self, grant: &Grant) -> bool {
        self.is_everywhere
            || self.user_id == Some(grant.user_id)
            || self.account_id == Some(grant.account_id)
    }

    /// The widest of what it reaches, for lists.
    pub(crate) fn whose(&self) -> Option<Whose> {
        let everybody = self.is_everywhere.then_some(Whose::Everybody);
        let account = self.account_id.map(Whose::Account);
        everybody.or(account).or(self.user_id.map(Whose::User))
    }
}

impl EvidenceAccess {
    /// Whose evidence; none is everybody's.
    pub fn account_id(&self) -> Option<AccountId> {
        self.account_id
    }
}

impl OperatorAccess {
    /// Who acts.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }
}

fn lacking(required_scopes: Vec<String>) -> Error {
    Error::Refused {
        reason: Reason::InsufficientScope,
        message: format!("This access token lacks {}.", required_scopes.join(", ")),
        required_scopes,
    }
}
