//! Reading counts.

use claviger_model::Environment;
use claviger_model::credentials::CredentialKind;
use claviger_model::ids::AccountId;
use claviger_model::usage::{Outcome, Series, Step, Steps, UsedCredential};

use crate::db::{Conn, Row};
use crate::error::StoreError;
use crate::rows::{Fields, json_text};

/// Which series are read.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Of {
    /// Of this account; of every one, and of requests without a known credential, when absent.
    pub account_id: Option<AccountId>,
    /// Of these credentials; none reads all of them.
    pub credentials: Option<Vec<String>>,
    /// Whether each credential by itself is read. Else their sums are, which are few.
    pub each: bool,
    /// In this environment.
    pub environment: Option<Environment>,
}

/// How many requests a step had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepCount {
    /// The number of the step.
    pub number: i64,
    /// Whose; only where it was asked for by credential.
    pub credential_id: Option<String>,
    /// What became of them.
    pub outcome: Option<Outcome>,
    /// How many.
    pub count: i64,
}

/// A statement about one step and some series. The first condition leads the planner to an index:
/// behind `IS NULL OR` SQLite does not look for one.
macro_rules! read_sql {
    ($select:literal, $table:literal, $step:literal, $group:literal, $of:expr) => {
        match ($of.credentials.is_some(), $of.account_id.is_some(), $of.each) {
            (true, _, _) => (
                concat!(
                    $select, " FROM usage_series s JOIN ", $table, " c ON c.series = s.number
                     WHERE s.credential_id IN (SELECT value FROM json_each($5))
                         AND ($4 IS NULL OR s.account_id = $4)
                         AND c.", $step, " >= $1 AND c.", $step, " < $2
                         AND ($3 IS NULL OR s.environment = $3) ", $group,
                ),
                concat!(
                    $select, " FROM usage_series s JOIN ", $table, " c ON c.series = s.number
                     WHERE s.credential_id IN
                             (SELECT jsonb_array_elements_text(CAST($5 AS jsonb)))
                         AND ($4 IS NULL OR s.account_id = $4)
                         AND c.", $step, " >= $1 AND c.", $step, " < $2
                         AND ($3 IS NULL OR s.environment = $3) ", $group,
                ),
            ),
            (false, true, true) => read_sql!(
                @ $select, $table, $step, $group,
                "s.account_id = $4 AND s.credential_id IS NOT NULL"
            ),
            (false, true, false) => read_sql!(
                @ $select, $table, $step, $group,
                "s.account_id = $4 AND s.credential_id IS NULL"
            ),
            (false, false, true) => read_sql!(
                @ $select, $table, $step, $group,
                "s.credential_id IS NOT NULL AND ($4 IS NULL OR s.account_id = $4)"
            ),
            (false, false, false) => read_sql!(
                @ $select, $table, $step, $group,
                "s.credential_id IS NULL AND ($4 IS NULL OR s.account_id = $4)"
            ),
        }
    };
    (@ $select:literal, $table:literal, $step:literal, $group:literal, $lead:literal) => {
        (
            concat!(
                $select, " FROM usage_series s JOIN ", $table, " c ON c.series = s.number
                 WHERE ", $lead, " AND c.", $step, " >= $1 AND c.", $step, " < $2
                     AND ($3 IS NULL OR s.environment = $3) AND $5 IS NOT NULL ", $group,
            ),
            concat!(
                $select, " FROM usage_series s JOIN ", $table, " c ON c.series = s.number
                 WHERE ", $lead, " AND c.", $step, " >= $1 AND c.", $step, " < $2
                     AND ($3 IS NULL OR s.environment = $3)
                     AND CAST($5 AS TEXT) IS NOT NULL ", $group,
            ),
        )
    };
}

macro_rules! series_sql {
    ($table:literal, $step:literal, $of:expr) => {
        read_sql!(
            "SELECT s.account_id, s.kind, s.credential_id, s.secret_id, s.api_id, s.route,
                 s.scopes, s.environment, s.outcome, CAST(SUM(c.count) AS BIGINT)",
            $table,
            $step,
            "GROUP BY s.number",
            $of
        )
    };
}

/// How many requests each series had in these steps.
pub async fn by_series(
    conn: &mut Conn,
    of: &Of,
    steps: Steps,
) -> Result<Vec<(Series, i64)>, StoreError> {
    let sql = match steps.step {
        Step::Minute => series_sql!("usage_minutes", "minute", of),
        Step::Hour => series_sql!("usage_hours", "hour", of),
        Step::Day => series_sql!("usage_days", "day", of),
    };
    let rows = rows(conn, sql, of, steps).await?;
    let read = rows.iter().map(series);
    // What a later version counts and this one does not know is left out.
    Ok(read
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// How many requests each of the steps had, by what became of them.
pub async fn by_step(conn: &mut Conn, of: &Of, steps: Steps) -> Result<Vec<StepCount>, StoreError> {
    let sql = match steps.step {
        Step::Minute => read_sql!(
            "SELECT c.minute, NULL, s.outcome, CAST(SUM(c.count) AS BIGINT)",
            "usage_minutes",
            "minute",
            "GROUP BY c.minute, s.outcome",
            of
        ),
        Step::Hour => read_sql!(
            "SELECT c.hour, NULL, s.outcome, CAST(SUM(c.count) AS BIGINT)",
            "usage_hours",
            "hour",
            "GROUP BY c.hour, s.outcome",
            of
        ),
        Step::Day => read_sql!(
            "SELECT c.day, NULL, s.outcome, CAST(SUM(c.count) AS BIGINT)",
            "usage_days",
            "day",
            "GROUP BY c.day, s.outcome",
            of
        ),
    };
    rows(conn, sql, of, steps)
        .await?
        .iter()
        .map(step_count)
        .collect()
}

/// How many requests each credential had on each of some days, allowed and refused.
pub async fn credential_days(
    conn: &mut Conn,
    of: &Of,
    (from, to): (i64, i64),
) -> Result<Vec<StepCount>, StoreError> {
    let steps = Steps {
        step: Step::Day,
        from,
        to,
    };
    let sql = read_sql!(
        "SELECT c.day, s.credential_id, NULL, CAST(SUM(c.count) AS BIGINT)",
        "usage_days",
        "day",
        "AND s.outcome <> 'token_issued' GROUP BY c.day, s.credential_id",
        of
    );
    rows(conn, sql, of, steps)
        .await?
        .iter()
        .map(step_count)
        .collect()
}

async fn rows(
    conn: &mut Conn,
    (sqlite, postgres): (&'static str, &'static str),
    of: &Of,
    steps: Steps,
) -> Result<Vec<Row>, StoreError> {
    let credentials = of.credentials.as_deref().unwrap_or_default();
    conn.query2(sqlite, postgres)
        .bind(steps.from)
        .bind(steps.to)
        .bind(of.environment.map(Environment::as_str))
        .shown_option(of.account_id)
        .bind(json_text(credentials)?)
        .fetch_all()
        .await
}

/// A series and its count; none when its outcome is a later version's.
fn series(row: &Row) -> Result<Option<(Series, i64)>, StoreError> {
    let mut fields = Fields::of("usage_series", row);
    let account_id = fields.optional_parsed()?;
    let kind = fields
        .optional_text()?
        .as_deref()
        .and_then(CredentialKind::parse);
    let id = fields.optional_text()?;
    let secret_id = fields.optional_parsed()?;
    let credential = kind.zip(id).map(|(kind, id)| UsedCredential {
        kind,
        id,
        secret_id,
    });
    let api_id = fields.optional_parsed()?;
    let route = fields.optional_text()?;
    let scopes = fields.text()?;
    let environment = fields.word(Environment::parse)?;
    let Some(outcome) = Outcome::parse(&fields.text()?) else {
        return Ok(None);
    };
    let series = Series {
        account_id,
        credential,
        api_id,
        route,
        scopes,
        environment,
        outcome,
    };
    Ok(Some((series, fields.int()?)))
}

fn step_count(row: &Row) -> Result<StepCount, StoreError> {
    let mut fields = Fields::of("usage_series", row);
    Ok(StepCount {
        number: fields.int()?,
        credential_id: fields.optional_text()?,
        outcome: fields.optional_text()?.as_deref().and_then(Outcome::parse),
        count: fields.int()?,
    })
}
