//! Looking at APIs.

use claviger_model::apis::Api;
use claviger_model::ids::ApiId;
use claviger_store::apis;

use super::find;
use crate::access::OperatorAccess;
use crate::app::App;
use crate::error::Error;

/// Every API, the oldest first.
pub async fn list(app: &App, _access: &OperatorAccess) -> Result<Vec<Api>, Error> {
    Ok(apis::list(&mut *app.read().await?).await?)
}

/// One API.
pub async fn show(app: &App, _access: &OperatorAccess, id: ApiId) -> Result<Api, Error> {
    find(&mut *app.read().await?, id).await
}
