//! Claviger beside its floors, the same work with nothing decided, and beside its rivals, in one
//! run on one machine.
//!
//! Every figure is a ratio of medians from alternating runs, or what one kind of work costs in this
//! process; an absolute number says something about the machine only. [`sections::ALL`] is what is
//! measured: each section has its bars beside it, and the table says which are met.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reads the clock, its arguments and the environment, and prints its table"
)]

mod bars;
mod compare;
mod floor;
mod issued;
mod latency;
mod load;
mod pace;
mod plan;
mod population;
mod report;
mod resident;
mod rivals;
mod sections;
mod server;

use anyhow::{Result, bail};

use plan::Plan;
use report::Bench;
use sections::Section;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
Usage: cargo xtask bench [SECTION…] [--short] [--ten-million]

  --short        Everything small, in the debug build: to see that nothing broke
  --ten-million  `size` and `start` with a database of 10,000,000 keys too, which it makes once
  list           Print the sections and their bars
";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["floor"] => floor::serve(),
        ["memory-of", keys] => sections::memory::report(keys.parse()?),
        ["count", name, rounds] => sections::instructions::work(name, rounds.parse()?),
        ["list"] => {
            report::print_list(sections::ALL);
            Ok(())
        }
        _ if words
            .iter()
            .any(|word| ["--help", "-h", "help"].contains(word)) =>
        {
            print!("{USAGE}");
            Ok(())
        }
        _ => run(&words),
    }
}

/// Measures the sections that are named, or all.
fn run(words: &[&str]) -> Result<()> {
    let mut plan = Plan::full();
    let mut chosen: Vec<&Section> = Vec::new();
    for word in words {
        match *word {
            "--short" => plan = Plan::short(),
            "--ten-million" => plan.is_ten_million = true,
            name => match sections::ALL.iter().find(|section| section.name == name) {
                Some(section) => chosen.push(section),
                None => bail!("no section `{name}`\n\n{USAGE}"),
            },
        }
    }
    if chosen.is_empty() {
        chosen.extend(sections::ALL);
    }
    Bench::new(plan)?.measure(&chosen)
}
