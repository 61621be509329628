//! Use cases, on both databases.

mod accounts;
mod invitations;
mod members;
mod roles;
mod sessions;
