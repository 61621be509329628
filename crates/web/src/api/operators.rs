//! `/v1/operators`: the users who run the instance.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_model::UnixMillis;
use claviger_model::ids::UserId;
use claviger_service::operators::{self, NamedOperator, NewOperator};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::Page;
use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Idempotent, Json, Session};
use crate::state::Web;

/// A user who runs the instance.
#[derive(Serialize, ToSchema)]
pub struct Operator {
    /// The user.
    #[schema(value_type = String, example = "usr_01jnwz3c8k0000000000000000")]
    user_id: UserId,
    /// The user's address.
    #[schema(example = "root@example.com")]
    email: String,
    /// `active` or `suspended`.
    status: &'static str,
    /// Since when, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
}

/// Who is to run the instance.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorBody {
    /// The address.
    #[schema(example = "root@example.com")]
    email: String,
    /// A password, for an address that is new, and only then.
    password: Option<String>,
}

/// List operators
#[utoipa::path(get, path = "/v1/operators", operation_id = "list_operators",
    tag = "operator", security(("session" = [])),
    responses((status = 200, body = Page<Operator>), (status = 403, body = Envelope)))]
pub async fn list(
    State(web): State<Web>,
    Session(caller): Session,
) -> Result<axum::Json<Page<Operator>>, Failure> {
    let access = caller.operator()?;
    let found = operators::list(web.app(), &access).await?;
    Ok(axum::Json(Page::new(
        found.into_iter().map(Operator::from).collect(),
        None,
    )))
}

/// Make a user an operator
#[utoipa::path(post, path = "/v1/operators", operation_id = "add_operator",
    tag = "operator", request_body = OperatorBody,
    security(("session" = [])),
    responses((status = 201, body = Operator), (status = 403, body = Envelope),
        (status = 409, body = Envelope), (status = 422, body = Envelope)))]
pub async fn create(
    State(web): State<Web>,
    Session(caller): Session,
    idempotent: Idempotent,
    Json { value, bytes }: Json<OperatorBody>,
) -> Result<Response, Failure> {
    let access = caller.operator()?;
    let password = value.password.map(Zeroizing::new);
    let input = NewOperator {
        email: value.email,
        password,
    };
    let replay = idempotent.key(&caller, &bytes)?;
    let operator = operators::add(web.app(), &access, input, replay.as_ref()).await?;
    Ok((StatusCode::CREATED, axum::Json(Operator::from(operator))).into_response())
}

impl From<NamedOperator> for Operator {
    fn from(operator: NamedOperator) -> Self {
        Self {
            user_id: operator.user_id,
            email: operator.email,
            status: if operator.suspended_at.is_some() {
                "suspended"
            } else {
                "active"
            },
            created_at: operator.created_at,
        }
    }
}
