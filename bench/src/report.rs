//! The table: what was measured, its bar, and whether it is met.

use std::ffi::OsString;
use std::fs;

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

use crate::bars::Figure;
use crate::plan::Plan;
use crate::sections::Section;

/// Names the Node that runs the rivals, beside whose packages they are.
const NODE_VARIABLE: &str = "CLAVIGER_BENCH_NODE";

/// One run of the program.
pub(crate) struct Bench {
    pub(crate) plan: Plan,
    /// What runs the rivals; none where they are not installed.
    pub(crate) node: Option<OsString>,
    runtime: Runtime,
    figures: Vec<Figure>,
}

impl Bench {
    pub(crate) fn new(plan: Plan) -> Result<Self> {
        Ok(Self {
            plan,
            node: std::env::var_os(NODE_VARIABLE),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            figures: Vec::new(),
        })
    }

    /// Measures the sections one after the other, and says in the end what is met.
    pub(crate) fn measure(&mut self, sections: &[&Section]) -> Result<()> {
        println!("{}", machine());
        if self.plan.is_short {
            println!("a short run: its figures mean nothing");
        }
        for section in sections {
            println!("\n{}: {}", section.name, section.measures);
            (section.run)(self).with_context(|| section.name.to_owned())?;
        }
        self.sum_up(sections);
        Ok(())
    }

    /// Waits for work over HTTP.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Takes a figure into the table.
    pub(crate) fn add(&mut self, figure: Figure) {
        println!("{figure}");
        self.figures.push(figure);
    }

    fn sum_up(&self, sections: &[&Section]) {
        let of = |met: bool| {
            let figures = self.figures.iter();
            figures.filter(move |figure| figure.is_met() == Some(met))
        };
        println!(
            "\n{} bars met, {} not met",
            of(true).count(),
            of(false).count()
        );
        for figure in of(false) {
            println!("not met: {figure}");
        }
        for bar in sections.iter().flat_map(|section| section.bars) {
            if !self.figures.iter().any(|figure| figure.name == bar.name) {
                println!("not measured: {}", bar.name);
            }
        }
    }
}

/// Prints what there is to measure.
pub(crate) fn print_list(sections: &[Section]) {
    for section in sections {
        println!("{}: {}", section.name, section.measures);
        for bar in section.bars {
            println!("  {:<66} {}", bar.name, bar.limit.show(bar.unit));
        }
    }
}

/// What was measured on.
fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let model = model.map_or("unknown processor", |(_, name)| name);
    format!("machine: {model}, {cores} cores, Linux {}", kernel.trim())
}

/// The middle one.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
