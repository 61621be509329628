//! Storms: the real server under load, with faults around it, a history of what its clients were
//! told, and an oracle that holds the server to it.
//!
//! The four laws: no acknowledged write is lost, no revoked credential is accepted after the answer
//! that revoked it, nothing is acknowledged without its audit event, and no live credential is
//! refused. What was on its way when the server died is unknown: it is there whole or not at all.

mod clock;
mod damage;
mod disk;
mod history;
mod kills;
mod laws;
mod load;
mod oracle;
mod order;
mod random;
mod shim;
mod site;
