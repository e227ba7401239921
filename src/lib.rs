//! The driver.
#![no_std]
