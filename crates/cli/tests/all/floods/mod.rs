//! Floods: what comes at a server that nobody asked for, against the real program. Each test says
//! what it sent, what came back and how much memory that took, while good requests went on.

mod connections;
mod drain;
mod frames;
mod good;
mod http2;
mod keys;
mod sign_ins;
mod sizes;
mod slow;
mod talk;
mod target;

/// Says how much more is sent than in a short run: `cargo xtask floods` sends 20 times as much.
const FACTOR_VARIABLE: &str = "CLAVIGER_TEST_FLOODS";

/// How much of something is sent, when a short run sends `short` of it.
fn amount(short: usize) -> usize {
    short * factor()
}

/// Whether there is time to wait for limits that are no configuration.
fn is_long() -> bool {
    factor() > 1
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a flood is, is no argument"
)]
fn factor() -> usize {
    let wanted = std::env::var(FACTOR_VARIABLE).ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(1)
}
