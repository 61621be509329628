//! Forgetting decisions about test data.

use claviger_model::ids::AccountId;
use claviger_store::{Tx, sandbox_resets};

use crate::app::App;
use crate::error::Error;

/// Rows deleted in one transaction.
const ROWS_AT_ONCE: u32 = 500;

/// Forgets the decisions about an account's test data that are kept.
pub(crate) async fn forget_test(app: &App, account_id: AccountId) -> Result<(), Error> {
    loop {
        let forgotten = app.usage_db().write(move |tx: &mut Tx| {
            Box::pin(sandbox_resets::forget_decisions(
                tx,
                account_id,
                ROWS_AT_ONCE,
            ))
        });
        if forgotten.await?.value < u64::from(ROWS_AT_ONCE) {
            return Ok(());
        }
    }
}
