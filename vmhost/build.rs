// SPDX-License-Identifier: MIT OR Apache-2.0
//! Gives the linker the host's memory layout. Nothing else is built here.

fn main() {
    println!("cargo:rerun-if-changed=link.ld");
    let bare = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none");
    if bare {
        let here = std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
        println!("cargo:rustc-link-arg-bins=-T{here}/link.ld");
        // The target's default is a position-independent executable; QEMU loads this one where it
        // was linked.
        println!("cargo:rustc-link-arg-bins=--no-pie");
    }
}
