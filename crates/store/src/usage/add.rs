//! Adding counts.

use claviger_model::usage::Series;
use claviger_model::{UnixMillis, usage::Step};
use serde_json::json;

use crate::db::Tx;
use crate::error::StoreError;
use crate::rows::json_text;

/// So many requests more of a series in a minute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    /// The number of the series.
    pub series: i64,
    /// The minute, counted from 1970.
    pub minute: i64,
    /// How many.
    pub count: i64,
}

/// Notes that a process adds its portion with this number, in the transaction that adds it; false
/// when it has been added. Portions are numbered upwards.
pub async fn claim_portion(
    tx: &mut Tx,
    writer: &str,
    portion: i64,
    at: UnixMillis,
) -> Result<bool, StoreError> {
    let claimed = tx
        .query(
            "INSERT INTO usage_writers (id, portion, at) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET portion = excluded.portion, at = excluded.at
                 WHERE usage_writers.portion < excluded.portion",
        )
        .bind(writer)
        .bind(portion)
        .time(at)
        .execute()
        .await?;
    Ok(claimed == 1)
}

/// Makes the series that counts refer to; one that is there already stays.
pub async fn add_series(
    tx: &mut Tx,
    series: &[(i64, Series)],
    at: UnixMillis,
) -> Result<(), StoreError> {
    let row = |(number, one): &(i64, Series)| {
        let credential = one.credential.as_ref();
        json!([
            number,
            one.account_id,
            credential.map(|credential| credential.kind.as_str()),
            credential.map(|credential| credential.id.as_str()),
            credential.and_then(|credential| credential.secret_id),
            one.api_id,
            one.route,
            one.scopes,
            one.environment,
            one.outcome.as_str(),
        ])
    };
    // In one order, so that nodes that add at the same time do not wait for each other in a circle.
    let mut sorted: Vec<_> = series.iter().collect();
    sorted.sort_unstable_by_key(|(number, _)| *number);
    let rows: Vec<_> = sorted.into_iter().map(row).collect();
    tx.query2(
        "INSERT INTO usage_series (number, account_id, kind, credential_id, secret_id, api_id,
             route, scopes, environment, outcome, since_day)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
             value ->> 6, value ->> 7, value ->> 8, value ->> 9, $2
         FROM json_each($1) WHERE true ON CONFLICT (number) DO NOTHING",
        "INSERT INTO usage_series (number, account_id, kind, credential_id, secret_id, api_id,
             route, scopes, environment, outcome, since_day)
         SELECT CAST(v ->> 0 AS BIGINT), v ->> 1, v ->> 2, v ->> 3, v ->> 4, v ->> 5, v ->> 6,
             v ->> 7, v ->> 8, v ->> 9, CAST($2 AS BIGINT)
         FROM jsonb_array_elements(CAST($1 AS jsonb)) AS t(v) ON CONFLICT (number) DO NOTHING",
    )
    .bind(json_text(&rows)?)
    .bind(Step::Day.number(at))
    .execute()
    .await?;
    Ok(())
}

/// The statements that add to the table of one step, for both databases.
macro_rules! add_sql {
    ($table:literal, $column:literal, $minutes:literal) => {
        (
            concat!(
                "INSERT INTO ",
                $table,
                " (series, ",
                $column,
                ", count)
                 SELECT value ->> 0, (value ->> 1) / ",
                $minutes,
                ", SUM(value ->> 2)
                 FROM json_each($1) WHERE true GROUP BY 1, 2
                 ON CONFLICT (series, ",
                $column,
                ") DO UPDATE
                     SET count = ",
                $table,
                ".count + excluded.count",
            ),
            concat!(
                "INSERT INTO ",
                $table,
                " (series, ",
                $column,
                ", count)
                 SELECT CAST(v ->> 0 AS BIGINT), CAST(v ->> 1 AS BIGINT) / ",
                $minutes,
                ",
                     SUM(CAST(v ->> 2 AS BIGINT))
                 FROM jsonb_array_elements(CAST($1 AS jsonb)) AS t(v) GROUP BY 1, 2
                 ORDER BY 1, 2
                 ON CONFLICT (series, ",
                $column,
                ") DO UPDATE
                     SET count = ",
                $table,
                ".count + excluded.count",
            ),
        )
    };
}

/// Adds counts, by the minute, the hour and the day.
pub async fn add_counts(tx: &mut Tx, counts: &[Count]) -> Result<(), StoreError> {
    let row = |one: &Count| (one.series, one.minute, one.count);
    let mut rows: Vec<_> = counts.iter().map(row).collect();
    rows.sort_unstable();
    let rows = json_text(&rows)?;
    for (sqlite, postgres) in [
        add_sql!("usage_minutes", "minute", "1"),
        add_sql!("usage_hours", "hour", "60"),
        add_sql!("usage_days", "day", "1440"),
    ] {
        let query = tx.query2(sqlite, postgres);
        query.bind(rows.as_str()).execute().await?;
    }
    Ok(())
}
