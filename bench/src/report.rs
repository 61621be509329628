//! The table.

use std::fs;

use crate::load::Reading;

/// One kind of work over HTTP, measured on both sides.
pub(crate) struct HttpRow {
    pub(crate) name: &'static str,
    pub(crate) own: Vec<Reading>,
    /// Whom it is measured beside.
    pub(crate) beside: &'static str,
    pub(crate) other: Vec<Reading>,
}

/// One kind of decision in process, beside its floor.
pub(crate) struct DecideRow {
    pub(crate) name: String,
    /// Median nanoseconds of a decision.
    pub(crate) nanos: f64,
    /// Median nanoseconds of the floor.
    pub(crate) floor_nanos: f64,
}

/// What was measured on.
pub(crate) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let model = model.map_or("unknown processor", |(_, name)| name);
    format!("machine: {model}, {cores} cores, Linux {}", kernel.trim())
}

/// Prints decisions in process.
pub(crate) fn print_decide(row: &DecideRow) {
    println!(
        "{:<44} {:>8.0} ns   floor {:>6.0} ns   ratio {:>5.2}",
        row.name,
        row.nanos,
        row.floor_nanos,
        row.nanos / row.floor_nanos
    );
}

/// Prints work over HTTP: ratios of medians.
pub(crate) fn print_http(rows: &[HttpRow]) {
    for row in rows {
        let rate = |readings: &[Reading]| median(readings.iter().map(|r| r.rate).collect());
        let micros =
            |readings: &[Reading]| median(readings.iter().map(|r| r.processor_micros).collect());
        let (own, other) = (rate(&row.own), rate(&row.other));
        let (own_micros, other_micros) = (micros(&row.own), micros(&row.other));
        println!(
            "{:<42} {own:>7.0}/s against {} {other:>7.0}/s: {:.2}x; processor \
             {own_micros:.1} us against {other_micros:.1} us: {:.2}x",
            row.name,
            row.beside,
            own / other,
            own_micros / other_micros
        );
    }
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
