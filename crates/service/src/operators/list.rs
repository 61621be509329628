//! Looking at operators.

use claviger_model::ids::UserId;
use claviger_store::{operators, users};

use super::NamedOperator;
use crate::access::OperatorAccess;
use crate::app::App;
use crate::error::Error;

/// Every operator, the first one first.
pub async fn list(app: &App, _access: &OperatorAccess) -> Result<Vec<NamedOperator>, Error> {
    let mut reader = app.read().await?;
    let mut found = operators::list(&mut reader).await?;
    found.sort_by_key(|operator| (operator.created_at, operator.user_id));
    let ids: Vec<UserId> = found.iter().map(|operator| operator.user_id).collect();
    let users = users::by_ids(&mut reader, &ids).await?;
    let named = found.iter().filter_map(|operator| {
        let user = users.iter().find(|user| user.id == operator.user_id)?;
        Some(NamedOperator {
            user_id: user.id,
            email: user.email.clone(),
            suspended_at: user.suspended_at,
            created_at: operator.created_at,
        })
    });
    Ok(named.collect())
}
