//! State machines against simple models of what users were promised.
#![cfg(test)]

mod refresh;
mod rotations;
