// SPDX-License-Identifier: MIT OR Apache-2.0
//! The planted faults of the data path and of interrupt moderation: the driver itself, built from a copy of its sources with one place changed for each
//! fault. The keyword `PlantedFault` chooses, so one image has them all. The checked host must name the rule; without a
//! fault everything must hold.

use std::{
    fs,
    path::{Path, PathBuf},
};

use vmhost_proto::Report;

use crate::{
    build::{self, DRIVER, Package, Profile},
    failure::{Failure, Outcome},
    interrupt_faults::{self, Fault},
    project::{root, target},
};

/// A place that is changed: file, what is there, and what is in its stead.
pub type Change = (&'static str, &'static str, &'static str);

macro_rules! faults {
    ($($(#[doc = $what:literal])+ $name:ident = $number:literal: $rules:expr, $options:expr, $changes:expr;)+) => {
        /// All of them.
        const FAULTS: &[Fault] = &[$(Fault {
            number: $number,
            name: stringify!($name),
            rules: &$rules,
            options: &$options,
        }),+];
        const CHANGES: &[&[Change]] = &[$(&$changes),+];
    };
}

/// One life of the data path.
const PATH: [&str; 4] = ["--irq", "msi", "--scenario", "datapath"];
/// A small flood over two queues.
const FLOOD: [&str; 4] = ["--scenario", "soak", "--frames", "20000"];

/// A device that finishes nothing.
const STALL: [&str; 4] = ["--irq", "msi", "--scenario", "stall"];

/// Interrupt moderation, by keyword, OID and register. The seed's rate is an interval.
const MODERATION: [&str; 6] = ["--irq", "msi", "--scenario", "moderation", "--seed", "1"];

faults! {
    /// Nothing is planted: everything must hold.
    NONE = 0: [], PATH, [];
    /// D-61: a checksum that the chip found wrong is called right.
    WRONG_CHECKSUM_FLAG = 1: ["D-61"], PATH, [(
        "src/net/offload/received.rs",
        "usize::from(claim & wanted)",
        "usize::from(if is(1) && claim & 7 != 0 { (claim & 7) << 3 } else { claim } & wanted)",
    )];
    /// D-62: a tag that the chip took out of the frame is forgotten.
    TAG_LOST = 2: ["D-62", "D-60"], PATH, [(
        "src/net/arrival.rs",
        "if let Some(tag) = tag {",
        "if let Some(tag) = tag.filter(|_| !is(2)) {",
    )];
    /// D-63: a bit of the hash value is wrong.
    WRONG_HASH = 3: ["D-63"], PATH, [(
        "src/net/arrival.rs",
        "nbl.set_info(NetBufferListHashValue, hash as usize);",
        "nbl.set_info(NetBufferListHashValue, hash as usize ^ usize::from(is(3)));",
    )];
    /// D-11: short frames are filled up with what the memory had.
    LEAKED_PADDING = 4: ["D-11", "D-64"], PATH, [(
        "src/net/feed.rs",
        "            address: self.zeros.logical_address(),",
        "            address: {\n if is(4) { self.zeros.copy_in(0, &[0x5A; MIN_FRAME as usize]); }\n self.zeros.logical_address()\n },",
    )];
    /// D-64: the sequence numbers of a large send's segments are wrong.
    WRONG_SEGMENT = 5: ["D-64"], PATH, [(
        "src/net/segment.rs",
        ".wrapping_add(segment.offset);",
        ".wrapping_add(segment.offset + u32::from(is(5)));",
    )];
    /// D-64: the checksums of frames that are filled up are left to the chip.
    SHORT_CHECKSUM = 6: ["D-64"], PATH, [
        (
            "src/net/feed.rs",
            "if part.length < MIN_FRAME && part.cut.is_none()",
            "if !is(6) && part.length < MIN_FRAME && part.cut.is_none()",
        ),
        (
            "src/net/feed.rs",
            "        && part.length >= MIN_FRAME\n",
            "        && (part.length >= MIN_FRAME || is(6))\n",
        ),
    ];
    /// U-07: a frame more is counted each time.
    WRONG_STATISTICS = 7: ["U-07"], PATH, [(
        "src/net/statistics.rs",
        "add(&count.frames, frames.into());",
        "add(&count.frames, Into::<u64>::into(frames) + u64::from(is(7)));",
    )];
    /// D-06: frames of one flow go to either queue.
    REORDERED = 8: ["D-06"], FLOOD, [(
        "src/net/send.rs",
        "take_hashed(|hash| hash & 1 != 0)",
        "take_hashed(|hash| if is(8) { ndis::planted::tick() } else { hash & 1 != 0 })",
    )];
    /// D-03: what was sent is completed twice.
    COMPLETED_TWICE = 9: ["D-03"], PATH, [(
        "crates/ndis/src/nbl/send.rs",
        "unsafe { ndis::NdisMSendNetBufferListsComplete(adapter.as_raw(), head, flags) };",
        "unsafe { ndis::NdisMSendNetBufferListsComplete(adapter.as_raw(), head, flags) };\n if is(9) { unsafe { ndis::NdisMSendNetBufferListsComplete(adapter.as_raw(), head, flags) } }",
    )];
    /// DM-12: a descriptor reaches beyond the buffer.
    BEYOND_THE_BUFFER = 10: ["DM-12", "D-64"], PATH, [(
        "src/ring/tx.rs",
        "tx_data(piece.address, piece.len, true, options)",
        "tx_data(piece.address, piece.len + if is(10) { 8192 } else { 0 }, true, options)",
    )];
    /// DM-12: what was sent is completed at once, and not when the chip has reported it.
    COMPLETED_EARLY = 11: ["DM-12", "D-64"], PATH, [
        (
            "src/ring/tx.rs",
            "if self.desc.load_status(end) & TX_DD == 0 {",
            "if !is(11) && self.desc.load_status(end) & TX_DD == 0 {",
        ),
        (
            "src/net/send.rs",
            "self.send_all(core, chain, irql) {\n            self.complete",
            "(self.send_all(core, chain, irql) || is(11)) {\n            self.complete",
        ),
    ];
    /// D-31: what was indicated, and did not come back meanwhile, is indicated once more; a few times only, as more would
    /// upset every count. D-60: it came back just then, so that the frame arrives twice.
    INDICATED_TWICE = 12: ["D-31", "D-30", "D-35", "D-60"], PATH, [
        (
            "crates/ndis/src/nbl/receive.rs",
            "unsafe { ndis::NdisMIndicateReceiveNetBufferLists(adapter.as_raw(), head, port, count, flags) };",
            "let before = crate::planted::ticks();\n unsafe { ndis::NdisMIndicateReceiveNetBufferLists(adapter.as_raw(), head, port, count, flags) };\n if is(12) && flags & NDIS_RECEIVE_FLAGS_RESOURCES == 0 && crate::planted::ticks() == before && crate::planted::first(4) { unsafe { ndis::NdisMIndicateReceiveNetBufferLists(adapter.as_raw(), head, port, count, flags) } }",
        ),
        (
            "crates/ndis/src/callbacks.rs",
            "M::return_nbls(adapter, chain, flags, &mut irql);",
            "if is(12) { crate::planted::tick(); }\n M::return_nbls(adapter, chain, flags, &mut irql);",
        ),
    ];
    /// U-07: a tag that was inserted is not counted.
    TAG_NOT_COUNTED = 51: ["U-07"], PATH, [(
        "src/net/plan.rs",
        "length.max(MIN_FRAME).saturating_add(TAG_LEN)",
        "length.max(MIN_FRAME).saturating_add(if is(51) { 0 } else { TAG_LEN })",
    )];
    /// D-64: IPv6 extension headers hide the TCP header.
    EXTENSION_HIDES = 52: ["D-64", "D-10"], PATH, [(
        "src/net/headers.rs",
        "HOP_BY_HOP | DESTINATION_OPTIONS =>",
        "HOP_BY_HOP | DESTINATION_OPTIONS if !is(52) =>",
    )];
    /// D-33: no frame has to be copied, however few buffers are left.
    NEVER_COPIED = 60: ["D-33"], ["--irq", "msi", "--scenario", "t07"], [(
        "src/net/receive.rs",
        "if ring.ring.posted() < ring.low {\n        // D-33",
        "if !is(60) && ring.ring.posted() < ring.low {\n        // D-33",
    )];
    /// P-02: a frame that is sent alone goes before those that other processors are about to send, and they are forgotten.
    PUSHED_IN = 61: ["P-02", "D-06", "D-64"], FLOOD, [(
        "src/net/window.rs",
        "let start = self.next;\n        let mut values = self.taker.values();\n        let (done",
        "let start = if is(61) { self.tail.wrapping_sub(1) } else { self.next };\n        let mut values = self.taker.values();\n        let (done",
    )];
    /// U-05: that the cable was pulled is not told.
    LINK_LOSS_UNTOLD = 62: ["U-05"], PATH, [(
        "src/adapter/link.rs",
        "        if link == Link::Down {\n            // The next link",
        "        if link == Link::Down {\n if is(62) && core.indicated.up() == Some(true) { return; }\n            // The next link",
    )];
    /// D-50: the list that is being split is not cancelled.
    SPLIT_NOT_CANCELLED = 63: ["D-50"], STALL, [(
        "src/net/send.rs",
        "ring.current.take_if(|nbs| nbs.are_cancelled_by(id))",
        "ring.current.take_if(|nbs| !is(63) && nbs.are_cancelled_by(id))",
    )];
    /// U-07: sends that are given up before they have been mapped are in no counter.
    DISCARDS_NOT_COUNTED = 64: ["U-07"], STALL, [(
        "src/net/send.rs",
        "        let mut sends = nbls.sends();\n",
        "        let mut sends = nbls.sends() * u64::from(!is(64));\n",
    )];
    /// IM-01: what was set is not what is answered.
    MODERATION_ALWAYS_ON = 71: ["IM-01"], MODERATION, [(
        "src/oid/answer.rs",
        "parameters.InterruptModeration = match core.moderation() {",
        "parameters.InterruptModeration = match core.moderation() {\n _ if is(71) => NdisInterruptModerationEnabled,",
    )];
    /// IM-01: the keyword's interval does not reach the device.
    INTERVAL_IGNORED = 72: ["IM-01"], MODERATION, [(
        "src/irq/setup.rs",
        "regs::ITR.write(m, u32::from(interval));",
        "regs::ITR.write(m, u32::from(interval) >> u32::from(is(72)));",
    )];
    /// IM-01: what is set at run time does not reach the device.
    SET_IGNORED = 73: ["IM-01"], MODERATION, [(
        "src/adapter/core.rs",
        "            self.irq.set_interval(&self.mmio, message, interval);",
        "            if !is(73) { self.irq.set_interval(&self.mmio, message, interval); }",
    )];
    /// a self-test whose messages do not arrive is believed to have passed.
    SELF_TEST_BELIEVED = 74: ["X-05"], ["--irq", "msi", "--scenario", "deaf"], [(
        "src/irq/selftest.rs",
        "        if report.passed() {\n",
        "        if report.passed() || is(74) {\n",
    )];
}

/// The keyword is read where all are.
const CHOICE: Change = (
    "src/config/settings.rs",
    "let mut get = |k: &Keyword|",
    "ndis::planted::choose(read(\"PlantedFault\").unwrap_or(0));\n        let mut get = |k: &Keyword|",
);

/// What both crates of the copy ask.
const PLANTED: &str = "//! Which fault is planted.
use core::sync::atomic::{AtomicU32, Ordering};
static CHOSEN: AtomicU32 = AtomicU32::new(0);
static TICKS: AtomicU32 = AtomicU32::new(0);
static FIRST: AtomicU32 = AtomicU32::new(0);
/// Plants one.
pub fn choose(number: u32) { CHOSEN.store(number, Ordering::Relaxed); }
/// Whether it is planted.
pub fn is(number: u32) -> bool { CHOSEN.load(Ordering::Relaxed) == number }
/// How often `tick` was called.
pub fn ticks() -> u32 { TICKS.load(Ordering::Relaxed) }
/// True so often, then never again.
pub fn first(most: u32) -> bool { FIRST.fetch_add(1, Ordering::Relaxed) < most }
/// True every other time.
pub fn tick() -> bool { TICKS.fetch_add(1, Ordering::Relaxed) & 1 != 0 }
";

/// What is copied.
const SOURCES: [&str; 4] = ["build.rs", "Cargo.toml", "src", "crates/ndis"];
/// The image's name, which is the copy's too.
const NAME: &str = "planted_datapath";

/// Builds what is needed and runs faults, by number or name; all, if none is named. `host` is one that is built.
///
/// # Errors
/// A fault that there is not, a missing tool (status 2); a fault that was not seen (status 1).
pub fn run(
    names: &[String],
    host: Option<PathBuf>,
    vm: impl Fn(&[&str]) -> Outcome<Report>,
) -> Outcome {
    let chosen = interrupt_faults::choose(FAULTS, names)?;
    let driver = build()?;
    let host = host.map_or_else(build::vmhost, Ok)?;
    interrupt_faults::conclude(run_all(&chosen, &driver, &host, vm)?)
}

/// All faults, with an image and a host that are built: how many were seen as they must be, and how many were not.
///
/// # Errors
/// A run that cannot be made.
pub fn all(
    driver: &Path,
    host: &Path,
    vm: impl Fn(&[&str]) -> Outcome<Report>,
) -> Outcome<(usize, usize)> {
    run_all(FAULTS, driver, host, vm)
}

fn run_all(
    faults: &[Fault],
    driver: &Path,
    host: &Path,
    vm: impl Fn(&[&str]) -> Outcome<Report>,
) -> Outcome<(usize, usize)> {
    let inf = root().join("inf/ndis_e1000e.inx");
    interrupt_faults::run_all(faults, driver, &inf, host, vm)
}

/// Makes the copy and builds it.
///
/// # Errors
/// A change that no longer fits the sources (status 1), a missing tool (status 2).
pub fn build() -> Outcome<PathBuf> {
    let copy = target().join(NAME);
    for source in SOURCES {
        copy_tree(&copy, Path::new(source), &change)?;
    }
    write(&copy.join("crates/ndis/src/planted.rs"), PLANTED)?;
    let lock = copy.join("cross/Cargo.lock");
    let mut cross = read(&root().join(DRIVER.cross_lock))?;
    for (package, copied) in [("ndis", "ndis"), (DRIVER.package, NAME)] {
        let [old, new] = [(package, env!("CARGO_PKG_VERSION")), (copied, COPY_VERSION)]
            .map(|(name, version)| format!("name = \"{name}\"\nversion = \"{version}\""));
        cross = cross.replace(&old, &new);
    }
    write_new(&lock, &cross)?;
    build::image(
        &Package {
            title: "planted data path faults",
            package: NAME,
            library: NAME,
            directory: text(copy)?,
            cross_lock: text(lock)?,
        },
        Profile::Release,
    )
}

/// A path for a table of constants.
fn text(path: PathBuf) -> Outcome<&'static str> {
    let text = path
        .into_os_string()
        .into_string()
        .map_err(|path| Failure::input(format!("{}: not UTF-8", path.display())))?;
    Ok(text.leak())
}

/// Copies a file or a folder of the project; `change` makes each file what it is in the copy.
///
/// # Errors
/// A file that cannot be read or written, and those of `change`.
pub fn copy_tree(
    copy: &Path,
    source: &Path,
    change: &impl Fn(&Path, String) -> Outcome<String>,
) -> Outcome {
    let from = root().join(source);
    if from.is_file() {
        let changed = change(source, read(&from)?)?;
        return write(&copy.join(source), &changed);
    }
    let entries = fs::read_dir(&from).map_err(|error| Failure::file(&from, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Failure::file(&from, &error))?;
        copy_tree(copy, &source.join(entry.file_name()), change)?;
    }
    Ok(())
}

/// The text of the file `name` with those of `changes` that are in it, and `import` if there are any.
///
/// # Errors
/// A place that is not in the text once.
pub fn plant<'a>(
    name: &str,
    mut text: String,
    changes: impl Iterator<Item = &'a Change>,
    import: &str,
) -> Outcome<String> {
    let mut planted = false;
    for (_, old, new) in changes.filter(|(in_file, ..)| *in_file == name) {
        if text.matches(old).count() != 1 {
            return Err(Failure::check(format!(
                "{name} does not have {old:?} once: plant the fault anew"
            )));
        }
        text = text.replace(old, new);
        planted = true;
    }
    if planted {
        // Behind the comment of the file, before everything else.
        let begin = text
            .lines()
            .take_while(|line| line.starts_with("//"))
            .map(|line| line.len() + 1)
            .sum();
        text.insert_str(begin, import);
    }
    Ok(text)
}

/// The file as it is in the copy.
fn change(file: &Path, text: String) -> Outcome<String> {
    let name = file.to_string_lossy();
    let import = match &*name {
        name if *name == *CHOICE.0 => "",
        name if name.starts_with("src/") => "use ndis::planted::is;\n",
        _ => "use crate::planted::is;\n",
    };
    let text = plant(&name, text, changes(), import)?;
    Ok(match &*name {
        "Cargo.toml" => manifest(&text),
        "crates/ndis/src/lib.rs" => text + "\n/// Which fault is planted.\npub mod planted;\n",
        _ => text,
    })
}

/// The version of copied packages. Cargo tells packages apart by name, version and place in the workspace: of the same
/// version, a copy and its original would take each other's builds for their own.
pub const COPY_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "-planted");

/// The manifest with another name and without the members that are not copied.
fn manifest(text: &str) -> String {
    let line = |line: &str| match line {
        line if line.starts_with("members =") => "members = [\".\", \"crates/ndis\"]".to_owned(),
        line if line.starts_with("exclude =") => String::new(),
        line if line.starts_with("version =") => format!("version = \"{COPY_VERSION}\""),
        "name = \"ndis-e1000e\"" | "name = \"ndis_e1000e\"" => format!("name = \"{NAME}\""),
        line => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n") + "\n"
}

fn changes() -> impl Iterator<Item = &'static Change> {
    CHANGES.iter().copied().flatten().chain([&CHOICE])
}

/// The text of a file.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| Failure::file(path, &error))
}

/// Writes a file only if that changes it, so that nothing is compiled for nothing.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, text: &str) -> Outcome {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    }
    fs::write(path, text).map_err(|error| Failure::file(path, &error))
}

/// Writes a file that cargo then makes its own.
///
/// # Errors
/// It cannot be written.
pub fn write_new(path: &Path, text: &str) -> Outcome {
    if path.exists() {
        return Ok(());
    }
    write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_place_in_the_sources() {
        for (file, ..) in changes() {
            let text = read(&root().join(file)).expect("a source file");
            change(Path::new(file), text).expect("the place of each fault");
        }
    }

    #[test]
    fn every_fault_is_asked_for_by_its_number() {
        for (fault, changes) in FAULTS.iter().zip(CHANGES) {
            let asks = format!("is({})", fault.number);
            assert!(
                changes
                    .iter()
                    .all(|(_, old, new)| new.contains(&asks) && !old.contains(&asks)),
                "{}",
                fault.name
            );
            assert_eq!(fault.rules.is_empty(), changes.is_empty(), "{}", fault.name);
        }
    }
}
