//! From where sessions were started. The rows give no power and carry no seal; they go with their
//! sessions.

use claviger_model::ids::{SessionId, UserId};
use claviger_model::sessions::SessionOrigin;

use crate::db::{Conn, Row, Tx};
use crate::error::StoreError;
use crate::rows::Fields;

const TABLE: &str = "session_origins";

/// Writes from where a session was started.
pub async fn insert(
    tx: &mut Tx,
    session: SessionId,
    origin: &SessionOrigin,
) -> Result<(), StoreError> {
    tx.query("INSERT INTO session_origins (session_id, ip, user_agent) VALUES ($1, $2, $3)")
        .shown(session)
        .bind(origin.ip.as_deref())
        .bind(origin.user_agent.as_deref())
        .execute()
        .await
        .map(drop)
}

/// From where a session was started, where that is known.
pub async fn get(conn: &mut Conn, session: SessionId) -> Result<Option<SessionOrigin>, StoreError> {
    let row = conn
        .query("SELECT session_id, ip, user_agent FROM session_origins WHERE session_id = $1")
        .shown(session)
        .fetch_optional()
        .await?;
    row.map(|row| take(&row).map(|(_, origin)| origin))
        .transpose()
}

/// From where the sessions of a user were started, as far as that is known.
pub async fn of_user(
    conn: &mut Conn,
    user: UserId,
) -> Result<Vec<(SessionId, SessionOrigin)>, StoreError> {
    let rows = conn
        .query(
            "SELECT o.session_id, o.ip, o.user_agent FROM sessions s
             JOIN session_origins o ON o.session_id = s.id WHERE s.user_id = $1",
        )
        .shown(user)
        .fetch_all()
        .await?;
    rows.iter().map(take).collect()
}

fn take(row: &Row) -> Result<(SessionId, SessionOrigin), StoreError> {
    let mut fields = Fields::of(TABLE, row);
    let id = fields.parsed()?;
    let origin = SessionOrigin {
        ip: fields.optional_text()?,
        user_agent: fields.optional_text()?,
    };
    Ok((id, origin))
}
