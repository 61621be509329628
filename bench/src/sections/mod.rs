//! What is measured: one module a section, with its bars beside it.

pub(crate) mod decisions;
pub(crate) mod growth;
pub(crate) mod instructions;
pub(crate) mod isolation;
pub(crate) mod memory;
pub(crate) mod pages;
pub(crate) mod refusals;
pub(crate) mod rivals;
pub(crate) mod size;
pub(crate) mod start;
pub(crate) mod tokens;
pub(crate) mod usage;
pub(crate) mod verification;
pub(crate) mod writes;

use anyhow::Result;

use crate::bars::Bar;
use crate::report::Bench;

/// One kind of work.
pub(crate) struct Section {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What is measured.
    pub(crate) measures: &'static str,
    /// What is asked of its figures.
    pub(crate) bars: &'static [Bar],
    /// Measures it.
    pub(crate) run: fn(&mut Bench) -> Result<()>,
}

/// All of them, in the order of the table.
pub(crate) const ALL: &[Section] = &[
    verification::SECTION,
    decisions::SECTION,
    tokens::SECTION,
    refusals::SECTION,
    rivals::SECTION,
    usage::SECTION,
    writes::SECTION,
    isolation::SECTION,
    pages::SECTION,
    growth::SECTION,
    start::SECTION,
    size::SECTION,
    memory::SECTION,
    instructions::SECTION,
];
