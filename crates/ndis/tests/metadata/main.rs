// SPDX-License-Identifier: MIT OR Apache-2.0
//! A second witness beside the fact tables: `windows-sys`, which Microsoft generates from its own metadata of the WDK
//! and SDK headers. Compares size, alignment, members and constants of what both declare.
//!
//! Left out is what the metadata does not describe for x64: `CM_RESOURCE_LIST` and its parts, which are packed in C,
//! `IO_STACK_LOCATION`, whose members are aligned in C, `SLIST_HEADER`; and `DISPATCHER_HEADER`, opaque here.

use std::collections::BTreeMap;

use ndis::ffi::{FieldKind, RECORDS, Record, consts::CONSTANTS};

mod functions;
mod shared;

/// A record of `windows-sys`: name, size, alignment, and each member's name in C, offset and size.
struct Witness {
    name: &'static str,
    size: usize,
    align: usize,
    members: Vec<(String, usize, usize)>,
}

/// A constant of `windows-sys`: name, bit pattern, size in bytes.
type Constant = (&'static str, u64, usize);

/// Size of what `place` would return a pointer to.
fn size_at<T, F>(_place: impl Fn(*const T) -> *const F) -> usize {
    size_of::<F>()
}

/// A member's path without the names that the metadata gives to what has none in C.
fn c_name(path: &str) -> String {
    let parts = path.split('.').map(str::trim);
    let named: Vec<_> = parts
        .filter(|part| !part.starts_with("Anonymous"))
        .map(|part| part.trim_start_matches("r#"))
        .collect();
    named.join(".")
}

/// Makes `records()` from `[Module] NAME { member, member.member } …`.
macro_rules! records {
    ($( [$($module:ident)::+] $( $name:ident { $( $($field:ident).+ ),* } )* )*) => {
        pub(crate) fn records() -> Vec<crate::Witness> {
            let mut all = Vec::new();
            $({
                use windows_sys::$($module)::+ as witness;
                $( all.push(crate::Witness {
                    name: stringify!($name),
                    size: size_of::<witness::$name>(),
                    align: align_of::<witness::$name>(),
                    members: vec![$( (
                        crate::c_name(stringify!($($field).+)),
                        std::mem::offset_of!(witness::$name, $($field).+),
                        // SAFETY: never called.
                        crate::size_at(|r: *const witness::$name| unsafe { &raw const (*r).$($field).+ }),
                    ) ),*],
                }); )*
            })*
            all
        }
    };
}

/// Makes `constants()` from `[Module] NAME NAME …`.
macro_rules! constants {
    ($( [$($module:ident)::+] $( $name:ident )* )*) => {
        pub(crate) fn constants() -> Vec<crate::Constant> {
            let mut all = Vec::new();
            $({
                use windows_sys::$($module)::+ as witness;
                $( all.push((stringify!($name), witness::$name as i64 as u64, size_of_val(&witness::$name))); )*
            })*
            all
        }
    };
}

pub(crate) use {constants, records};

/// The members of `record` as C sees them, `base` bytes into the outermost record: offset and size by name.
fn flatten(record: &Record, prefix: &str, base: usize, to: &mut BTreeMap<String, (usize, usize)>) {
    for field in record.fields {
        let offset = base + field.offset;
        let name = format!("{prefix}{}", field.name.trim_start_matches("r#"));
        match field.kind {
            FieldKind::Plain => {
                to.insert(name, (offset, field.size));
            }
            FieldKind::Anonymous(part) => flatten(part, prefix, offset, to),
            FieldKind::Nested(part) => {
                to.insert(name.clone(), (offset, field.size));
                flatten(part, &format!("{name}."), offset, to);
            }
            FieldKind::Padding | FieldKind::Bits(_) => {}
        }
    }
}

/// What differs between a record and its witness.
fn differences(witness: &Witness, record: &Record) -> Vec<String> {
    let mut ours = BTreeMap::new();
    flatten(record, "", 0, &mut ours);
    let name = witness.name;
    let mut found = Vec::new();
    for (what, here, there) in [
        ("size", record.size, witness.size),
        ("alignment", record.align, witness.align),
    ] {
        if here != there {
            found.push(format!("{name}: {what} {here}, metadata {there}"));
        }
    }
    for (member, offset, size) in &witness.members {
        match ours.get(member) {
            Some(here) if *here == (*offset, *size) => {}
            Some((o, s)) => found.push(format!(
                "{name}.{member}: {s} bytes at {o}, metadata {size} at {offset}"
            )),
            None => found.push(format!("{name}.{member}: only in the metadata")),
        }
    }
    found
}

/// Where the metadata is not that of NDIS 6.87 on x64, and why. Every line must still differ.
const KNOWN: &[(&str, &str)] = &[
    ("NDIS_OFFLOAD: size 216, metadata 112", "revision 1"),
    (
        "NDIS_OFFLOAD_PARAMETERS: size 36, metadata 20",
        "revision 1",
    ),
    (
        "NDIS_RECEIVE_SCALE_CAPABILITIES: size 20, metadata 16",
        "revision 1",
    ),
    (
        "NDIS_RECEIVE_SCALE_PARAMETERS: size 44, metadata 28",
        "revision 1",
    ),
    (
        "NDIS_WORK_ITEM: size 80, metadata 48",
        "the array is 8 pointers, of 32 bits",
    ),
    (
        "NDIS_WORK_ITEM.WrapperReserved: 64 bytes at 16, metadata 32 at 16",
        "the same",
    ),
    (
        "DEVICE_OBJECT: size 336, metadata 328",
        "the metadata has no DECLSPEC_ALIGN",
    ),
    ("DEVICE_OBJECT: alignment 16, metadata 8", "the same"),
    ("IRP: alignment 16, metadata 8", "the same"),
    ("SLIST_ENTRY: size 16, metadata 8", "the same"),
    ("SLIST_ENTRY: alignment 16, metadata 8", "the same"),
    (
        "KTIMER.Period: 4 bytes at 60, metadata 4 at 56",
        "without the processor's number before it",
    ),
    (
        "SCATTER_GATHER_LIST: size 16, metadata 40",
        "one element instead of none",
    ),
    (
        "SCATTER_GATHER_LIST.Elements: 0 bytes at 16, metadata 24 at 16",
        "the same",
    ),
    (
        "NdisDevicePnPEventMaximum: 0x7, metadata 0x6",
        "before NDIS 6.20",
    ),
    ("NdisPortTypeMax: 0x5, metadata 0x4", "before NDIS 6.50"),
    ("CLOCK_LEVEL: 0xd, metadata 0x1c", "of x86"),
    ("HIGH_LEVEL: 0xf, metadata 0x1f", "of x86"),
    ("IPI_LEVEL: 0xe, metadata 0x1d", "of x86"),
    ("POWER_LEVEL: 0xe, metadata 0x1e", "of x86"),
    ("PROFILE_LEVEL: 0xf, metadata 0x1b", "of x86"),
    (
        "DevicePropertyBusTypeGuid: 0xc, metadata 0x200c",
        "with the type checks of PREfast, as the next",
    ),
    ("DevicePropertyClassGuid: 0x6, metadata 0x1006", ""),
    ("DevicePropertyClassName: 0x5, metadata 0x1005", ""),
    ("DevicePropertyCompatibleIDs: 0x2, metadata 0x4002", ""),
    ("DevicePropertyContainerID: 0x16, metadata 0x1016", ""),
    ("DevicePropertyDeviceDescription: 0x0, metadata 0x1000", ""),
    ("DevicePropertyDriverKeyName: 0x7, metadata 0x1007", ""),
    ("DevicePropertyEnumeratorName: 0xf, metadata 0x100f", ""),
    ("DevicePropertyFriendlyName: 0x9, metadata 0x1009", ""),
    ("DevicePropertyHardwareID: 0x1, metadata 0x4001", ""),
    (
        "DevicePropertyLocationInformation: 0xa, metadata 0x100a",
        "",
    ),
    ("DevicePropertyManufacturer: 0x8, metadata 0x1008", ""),
    (
        "DevicePropertyPhysicalDeviceObjectName: 0xb, metadata 0x100b",
        "",
    ),
];

fn ours() -> BTreeMap<&'static str, &'static Record> {
    let records = RECORDS.iter().flat_map(|file| file.iter());
    records.map(|record| (record.name, *record)).collect()
}

fn constant_differences(witnesses: &[Constant]) -> Vec<String> {
    let constants = CONSTANTS.iter().flat_map(|file| file.iter());
    let ours: BTreeMap<_, _> = constants.map(|(name, bits, _)| (*name, *bits)).collect();
    let mut found = Vec::new();
    for (name, there, size) in witnesses {
        let mask = u64::MAX >> (64 - 8 * size);
        let (here, there) = (ours[name] & mask, there & mask);
        // A constant of a 16-bit member, negative there.
        if here != there && here & 0xFFFF != there {
            found.push(format!("{name}: {here:#x}, metadata {there:#x}"));
        }
    }
    found
}

#[test]
fn what_both_declare_is_the_same() {
    let (records, constants) = (shared::records(), shared::constants());
    let ours = ours();
    let mut found: Vec<_> = records
        .iter()
        .flat_map(|one| differences(one, ours[one.name]))
        .collect();
    found.extend(constant_differences(&constants));
    let new: Vec<_> = found
        .iter()
        .filter(|line| !KNOWN.iter().any(|(known, _)| line == known))
        .collect();
    assert!(new.is_empty(), "{new:#?}");
    for (known, _) in KNOWN {
        assert!(
            found.iter().any(|line| line == known),
            "no difference any more: {known}"
        );
    }
    let members: usize = records.iter().map(|one| one.members.len()).sum();
    println!(
        "{} structures, {members} fields, {} constants compared with windows-sys, {} known differences",
        records.len(),
        constants.len(),
        KNOWN.len()
    );
    assert!(records.len() > 65 && members > 450 && constants.len() > 1500);
}

/// Functions that the metadata has otherwise, and why. Every one must still differ.
const KNOWN_FUNCTIONS: &[(&str, &str)] = &[];

#[test]
fn functions_of_both_are_called_alike() {
    let functions = functions::functions();
    let different: Vec<_> = functions
        .iter()
        .filter(|(_, ours, theirs)| ours != theirs)
        .collect();
    let names: Vec<_> = different.iter().map(|(name, ..)| *name).collect();
    let known: Vec<_> = KNOWN_FUNCTIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, known, "(size, pointer): {different:#?}");
    println!("{} functions compared with windows-sys", functions.len());
    assert!(functions.len() > 50);
}

/// The comparison itself: a member that is moved, widened or missing is seen, and another value.
#[test]
fn differences_are_seen() {
    let record = ours()["NDIS_LINK_STATE"];
    let witness = || {
        let all = shared::records();
        all.into_iter()
            .find(|one| one.name == record.name)
            .expect("shared")
    };
    assert!(differences(&witness(), record).is_empty());
    for change in [
        |one: &mut Witness| one.size += 8,
        |one: &mut Witness| one.align *= 2,
        |one: &mut Witness| one.members[2].1 += 4,
        |one: &mut Witness| one.members[2].2 += 4,
        |one: &mut Witness| one.members[2].0.push('X'),
    ] {
        let mut witness = witness();
        change(&mut witness);
        assert_eq!(differences(&witness, record).len(), 1);
    }
    assert_eq!(
        constant_differences(&[("NDIS_OBJECT_TYPE_DEFAULT", 0x80, 4)]),
        [""; 0]
    );
    assert_eq!(
        constant_differences(&[("NDIS_OBJECT_TYPE_DEFAULT", 0x81, 4)]).len(),
        1
    );
}
