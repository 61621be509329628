//! The sandbox: the test environment of an account, which is put back to its start every week and
//! whenever somebody asks for it.
//!
//! A reset ends what apps may do with test data and every token of the account's test clients, and
//! forgets what is known of test requests. Credentials stay as they are. Whoever offers an API
//! resets its own test data by the event `sandbox.reset`; the demo API's is reset here.

mod reset;
mod schedule;

use claviger_model::UnixMillis;
use claviger_model::ids::AccountId;
use claviger_store::sandbox_resets::{self, SandboxReset};

use crate::actor::Place;
use crate::app::App;
use crate::error::Error;
use crate::{decisions, usage};

pub use reset::{ResetDone, reset};
pub use schedule::{next_appointed, reset_appointed};

/// The row that stands for the demo API's records.
const DEMO: &str = "demo";
/// The row that stands for all accounts.
const EVERYBODY: &str = "everybody";

/// When an account's test environment was reset, and will be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SandboxFacts {
    /// The last time.
    pub last: Option<SandboxReset>,
    /// The next appointed time; none when resets are on demand only.
    pub next: Option<UnixMillis>,
    /// Whether the demo API's records are put back with it.
    pub has_demo: bool,
}

/// The facts for a member of the account.
///
/// # Errors
/// The store's.
pub async fn facts(app: &App, place: &Place) -> Result<SandboxFacts, Error> {
    let mut reader = app.read().await?;
    let scope = place.account_id.to_string();
    Ok(SandboxFacts {
        last: sandbox_resets::last(&mut reader, &scope).await?,
        next: next_appointed(app),
        has_demo: crate::demo::is_on(&mut reader).await?,
    })
}

/// Forgets the test requests of an account.
async fn forget_requests(app: &App, account_id: AccountId) -> Result<(), Error> {
    decisions::forget_test(app, account_id).await?;
    usage::forget_test(app, account_id).await
}
