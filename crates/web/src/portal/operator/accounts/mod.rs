//! Accounts: the list, a new one, one of them, and what an operator does to it.

pub mod end_tokens;
pub mod list;
pub mod members;
pub mod name;
pub mod show;
pub mod status;

use claviger_model::accounts::{Account, AccountStatus};
use claviger_model::ids::AccountId;

use crate::portal::Portal;
use crate::portal::parts::Status;

/// The path of the list, without the issuer's.
const PATH: &str = "/operator/accounts";

/// The list: where the page of an account leads back to.
fn back(portal: &Portal) -> (String, String) {
    (portal.at(PATH), "Accounts".to_owned())
}

/// An account's own page, and what it is called.
fn own_page(portal: &Portal, account: &Account) -> (String, String) {
    (href(portal, account.id), account.name.clone())
}

fn href(portal: &Portal, id: AccountId) -> String {
    portal.at(format!("{PATH}/{id}"))
}

fn status(account: &Account) -> Status {
    match account.status {
        AccountStatus::Active => Status::ACTIVE,
        AccountStatus::Suspended { .. } => Status::SUSPENDED,
    }
}
