//! NDIS 6 for Rust.
#![no_std]
