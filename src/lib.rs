//! hubgate: the front gate of a Git hub on stock OpenSSH.
//!
//! The library is the program; `bin/` holds mains of one call each. ARCHITECTURE.md draws the modules and their arrows.

pub mod access;
#[cfg(feature = "admin")]
pub mod admin;
pub mod authorized_keys;
pub mod config;
pub mod db;
pub mod gateway;
pub mod git;
pub mod key;
pub mod log;
pub mod message;
pub mod name;
#[cfg(feature = "admin")]
pub mod services;
pub mod push;
pub mod random;
pub mod repository;
pub mod request;
pub mod slots;
pub mod sandbox;
pub mod word;

#[cfg(test)]
mod tests;
