//! Watching the wall clock: when it jumps, nothing is issued until it is certain what time it is.

use std::sync::Arc;
use std::time::Duration;

use claviger_model::audit::Action;
use claviger_store::Tx;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::app::{App, Effect};
use crate::error::Error;
use crate::signature::Signature;

/// How often the clocks are compared.
const PERIOD: Duration = Duration::from_secs(1);
/// For how long a clock that jumped has to go on evenly until its time is believed.
const STEADY_NANOS: u64 = 600 * 1_000_000_000;
/// By how much it may go wrong meanwhile, in milliseconds.
const EVEN_MILLIS: i64 = 1_000;

/// A jump that nobody has explained yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Jump {
    millis: i64,
    /// Since when the clock has been off by this much, on the clock that does not jump.
    since_nanos: u64,
}

/// What is seen of the clock at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    /// Nothing new.
    Nothing,
    /// It jumped, by so many milliseconds.
    Jumped(i64),
    /// It is back at the time that was expected.
    Back,
    /// It has gone on evenly for so long that its time is believed.
    Steady,
}

/// Watches until told to stop.
pub(super) async fn watch(app: App, stopping: Arc<Notify>) {
    let mut jump = None;
    loop {
        let boot_nanos = app.sources().both().boot_nanos;
        match look(&mut jump, app.sources().follow_clock(), boot_nanos) {
            Seen::Nothing => {}
            Seen::Jumped(millis) => {
                tracing::error!(
                    jump_seconds = millis / 1_000,
                    "the clock of this machine jumped: nothing is issued, while decisions and \
                     revocations go on by the time as it was; set the clock right, or restart \
                     the server if the new time is the right one"
                );
                note(&app, Action::ClockJumped, json!({"millis": millis})).await;
            }
            Seen::Back => {
                tracing::info!("the clock is right again: everything goes on");
                note(&app, Action::ClockSettled, json!({"by": "its return"})).await;
            }
            Seen::Steady => {
                app.sources().believe_clock();
                tracing::warn!("the clock has gone on evenly since its jump: its time is taken");
                note(&app, Action::ClockSettled, json!({"by": "going evenly"})).await;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = stopping.notified() => return,
        }
    }
}

fn look(jump: &mut Option<Jump>, off_millis: Option<i64>, boot_nanos: u64) -> Seen {
    let Some(millis) = off_millis else {
        return match jump.take() {
            Some(_) => Seen::Back,
            None => Seen::Nothing,
        };
    };
    let fresh = Jump {
        millis,
        since_nanos: boot_nanos,
    };
    let known = jump.get_or_insert(fresh);
    if *known == fresh {
        return Seen::Jumped(millis);
    }
    if known.millis.abs_diff(millis) > EVEN_MILLIS.unsigned_abs() {
        *known = fresh;
        return Seen::Jumped(millis);
    }
    if boot_nanos.saturating_sub(known.since_nanos) < STEADY_NANOS {
        return Seen::Nothing;
    }
    *jump = None;
    Seen::Steady
}

/// Notes it in the audit log of the instance.
async fn note(app: &App, action: Action, told: Value) {
    let inside = app.clone();
    let noted = app.change(Effect::Grants, move |tx: &mut Tx| {
        let (app, told) = (inside.clone(), told.clone());
        Box::pin(async move {
            let signature = Signature::of("system", None, None);
            let changes = (None, Some(told));
            tx.audit(signature.event(app.sources(), None, action, "clock", changes)?);
            Ok::<_, Error>(())
        })
    });
    if let Err(error) = noted.await {
        tracing::error!(%error, "the audit log could not be told of the clock");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_jump_is_told_once_and_its_return_too() {
        let mut jump = None;
        assert_eq!(look(&mut jump, None, 0), Seen::Nothing);
        assert_eq!(
            look(&mut jump, Some(-40_000), SECOND),
            Seen::Jumped(-40_000)
        );
        assert_eq!(look(&mut jump, Some(-40_100), 2 * SECOND), Seen::Nothing);
        assert_eq!(look(&mut jump, None, 3 * SECOND), Seen::Back);
        assert_eq!(look(&mut jump, None, 4 * SECOND), Seen::Nothing);
    }

    #[test]
    fn a_clock_is_believed_after_ten_even_minutes_and_no_sooner() {
        let mut jump = None;
        look(&mut jump, Some(90_000), 0);
        assert_eq!(look(&mut jump, Some(90_500), 599 * SECOND), Seen::Nothing);
        // It jumps again: the time begins anew.
        assert_eq!(
            look(&mut jump, Some(95_000), 599 * SECOND),
            Seen::Jumped(95_000)
        );
        assert_eq!(look(&mut jump, Some(95_000), 1_198 * SECOND), Seen::Nothing);
        assert_eq!(look(&mut jump, Some(95_000), 1_199 * SECOND), Seen::Steady);
        assert_eq!(look(&mut jump, None, 1_200 * SECOND), Seen::Nothing);
    }
}
