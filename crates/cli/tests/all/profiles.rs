//! The profiles of `examples/profiles`: an instance of each customers' document by configuration
//! alone, and the document's own commands against it.

mod api_keys;
mod apps;
mod clients;
mod instance;
mod legacy;
mod portal;
