//! What concerns a user in every account alike: `/v1/users/{id}` and `/v1/password`.

use axum::extract::State;
use claviger_model::UnixMillis;
use claviger_model::ids::UserId;
use claviger_model::members::User as Person;
use claviger_service::users;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::error::api::Envelope;
use crate::extract::{Id, Json, Session};
use crate::state::Web;

/// A person who signs in.
#[derive(Serialize, ToSchema)]
pub struct User {
    /// Its id.
    #[schema(value_type = String, example = "usr_01jnwz3c8k0000000000000000")]
    id: UserId,
    /// The address.
    #[schema(example = "ana@acme.test")]
    email: String,
    /// `active` or `suspended`.
    #[schema(example = "suspended")]
    status: &'static str,
    /// Since when the user may not sign in, in Unix milliseconds.
    #[schema(value_type = Option<i64>)]
    suspended_at: Option<UnixMillis>,
    /// When the user was made, in Unix milliseconds.
    #[schema(value_type = i64)]
    created_at: UnixMillis,
}

/// What is to change about a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// `active` or `suspended`.
    status: UserStatus,
}

/// Whether a user may sign in.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum UserStatus {
    /// Yes.
    Active,
    /// Nowhere, and the sessions have ended.
    Suspended,
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The present one.
    old_password: String,
    /// The new one: 12 to 256 characters.
    new_password: String,
}

/// The password was changed.
#[derive(Serialize, ToSchema)]
pub struct PasswordChanged {
    /// Always true.
    ok: bool,
}

/// Suspend or activate a user
///
/// For operators. When a suspension answers, the user's sessions have ended on every node.
#[utoipa::path(patch, path = "/v1/users/{id}", operation_id = "edit_user",
    tag = "operator", request_body = UserPatch,
    security(("session" = [])), params(("id" = String, Path)),
    responses((status = 200, body = User), (status = 403, body = Envelope),
        (status = 404, body = Envelope), (status = 422, body = Envelope)))]
pub async fn edit(
    State(web): State<Web>,
    Session(caller): Session,
    Id(id): Id<UserId>,
    Json { value, .. }: Json<UserPatch>,
) -> Result<axum::Json<User>, Failure> {
    let access = caller.operator()?;
    let user = match value.status {
        UserStatus::Active => users::activate(web.app(), &access, id).await?,
        UserStatus::Suspended => users::suspend(web.app(), &access, id).await?,
    };
    Ok(axum::Json(user.into()))
}

/// Change one's password
///
/// Every other session of the user ends.
#[utoipa::path(post, path = "/v1/password", operation_id = "change_password",
    tag = "sessions", request_body = PasswordChange,
    security(("session" = [])),
    responses((status = 200, body = PasswordChanged), (status = 422, body = Envelope),
        (status = 429, body = Envelope)))]
pub async fn change_password(
    State(web): State<Web>,
    Session(caller): Session,
    Json { value, .. }: Json<PasswordChange>,
) -> Result<axum::Json<PasswordChanged>, Failure> {
    let (old, new) = (
        Zeroizing::new(value.old_password),
        Zeroizing::new(value.new_password),
    );
    users::change_password(web.app(), &caller, old, new).await?;
    Ok(axum::Json(PasswordChanged { ok: true }))
}

impl From<Person> for User {
    fn from(user: Person) -> Self {
        Self {
            id: user.id,
            email: user.email,
            status: if user.suspended_at.is_some() {
                "suspended"
            } else {
                "active"
            },
            suspended_at: user.suspended_at,
            created_at: user.created_at,
        }
    }
}
