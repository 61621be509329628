//! Two servers that do the same work, in turns.

use std::net::SocketAddr;

use anyhow::{Context, Result};

use crate::bars::{Bar, Figure, Unit};
use crate::load::{self, Reading, Work};
use crate::plan::Plan;
use crate::report::median;
use crate::server::Process;

/// One side of a comparison: a server, where it listens, and what it is asked.
pub(crate) struct Side<'a> {
    pub(crate) process: &'a Process,
    pub(crate) address: SocketAddr,
    pub(crate) work: Work,
}

/// What both sides did.
pub(crate) struct Compared {
    own: Vec<Reading>,
    /// Whom it is measured beside.
    beside: &'static str,
    other: Vec<Reading>,
}

/// Measures both sides in turns.
pub(crate) async fn compare(
    own: Side<'_>,
    beside: &'static str,
    other: Side<'_>,
    plan: Plan,
) -> Result<Compared> {
    let mut compared = Compared {
        own: Vec::new(),
        beside,
        other: Vec::new(),
    };
    for _ in 0..plan.runs {
        for (side, readings) in [(&own, &mut compared.own), (&other, &mut compared.other)] {
            let reading = load::run(side.process, side.address, &side.work, plan).await;
            readings.push(reading.with_context(|| format!("beside {beside}"))?);
        }
    }
    Ok(compared)
}

impl Compared {
    /// Answers a second, own to other.
    pub(crate) fn rate(&self, bar: &Bar) -> Figure {
        let (times, detail) = self.rates();
        bar.figure(times, detail)
    }

    /// The same without a bar.
    pub(crate) fn rate_as(&self, name: &str) -> Figure {
        let (times, detail) = self.rates();
        Figure::of(name, Unit::Times, times, detail)
    }

    fn rates(&self) -> (f64, String) {
        let rate = |readings: &[Reading]| median(readings.iter().map(|r| r.rate));
        let (own, other) = (rate(&self.own), rate(&self.other));
        let detail = format!(
            "{own:.0}/s against {} {other:.0}/s; p50 {:.0} us, p99 {:.0} us against {:.0} us",
            self.beside,
            latency(&self.own, 500),
            latency(&self.own, 990),
            latency(&self.other, 990),
        );
        (own / other, detail)
    }

    /// The server's processor time an answer, own to other.
    pub(crate) fn processor(&self, bar: &Bar) -> Figure {
        let (own, other) = (processor(&self.own), processor(&self.other));
        let detail = format!("{own:.1} us against {} {other:.1} us", self.beside);
        bar.figure(own / other, detail)
    }

    /// How long half of the answers took at most, without a bar.
    pub(crate) fn median_millis(&self, name: &str) -> Figure {
        let detail = format!(
            "p99 {:.2} ms; {:.2} ms of processor; beside {} {:.2} ms",
            latency(&self.own, 990) / 1_000.0,
            processor(&self.own) / 1_000.0,
            self.beside,
            latency(&self.other, 500) / 1_000.0,
        );
        let millis = latency(&self.own, 500) / 1_000.0;
        Figure::of(name, Unit::Millis, millis, detail)
    }
}

fn processor(readings: &[Reading]) -> f64 {
    median(readings.iter().map(|reading| reading.processor_micros))
}

/// Median of the runs, of the microseconds that so many of a thousand answers did not exceed.
fn latency(readings: &[Reading], per_mille: u64) -> f64 {
    median(
        readings
            .iter()
            .map(|reading| reading.latencies.micros(per_mille)),
    )
}
