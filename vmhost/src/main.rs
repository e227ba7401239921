//! The checked host.
#![no_std]
#![no_main]
