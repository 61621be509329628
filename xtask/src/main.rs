//! Claviger's own tools: `cargo xtask <command>`.
//!
//! Few dependencies on purpose: building this must not build the product.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a development tool: it reads argv and the environment, waits, and prints"
)]

mod bench;
mod docs;
mod evidence;
mod faults;
mod fuzz;
mod pages;
mod sbom;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
Claviger's own tools

Usage: cargo xtask <command>

Commands:
  tidy               Check the laws of the layers, sizes, names, links, licences and banned text
  test [-- ARGS]     Start PostgreSQL, install foreign clients, run every test; ARGS go to `cargo test`
  bench [ARGS]       Run the benchmarks in release mode and print the table of ratios
  pages [PATTERN]    Check every page of the portal in every state in a browser; print the table
  fuzz [TARGET] [S]  Fuzz every parser, or one, for a minute each or S seconds; print the table
  faults [ARGS]      Kill the server 1,000 times; break its disk, file and clock; --kills N, --flips N
  memory             Look for 1,000 issued keys in the memory of the server, five seconds later
  floods             Flood the server in every way, at full length; print what came of it
  sbom               Write what the program is made of to target/claviger.cdx.json (CycloneDX)
  docs [--check]     Write the generated pages of the guide, or check that they are current
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let result = match command.as_str() {
        "tidy" => tidy::run(),
        "test" => test::run(&rest),
        "bench" => bench::run(&rest),
        "pages" => pages::run(&rest),
        "fuzz" => fuzz::run(&rest),
        "faults" => faults::run(&rest),
        "memory" => evidence::memory(&rest),
        "floods" => evidence::floods(&rest),
        "sbom" => sbom::run(&rest),
        "docs" => docs::run(&rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => {
            eprintln!("error: no command `{unknown}`\n\n{HELP}");
            Ok(ExitCode::from(2))
        }
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
