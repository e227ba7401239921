// SPDX-License-Identifier: MIT OR Apache-2.0
//! The registry through Zw and Rtl functions; files do not exist. PASSIVE_LEVEL.
#![allow(
    non_upper_case_globals,
    reason = "enumerators keep the names of the headers"
)]

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use ndis::ffi::*;
use vmhost_proto::RegistryValue;

use super::{
    strings,
    thread_object::{self, Target},
};
use crate::{
    exports,
    exports::Call,
    guest::{self, CountedString, Ptr},
    ledger::Scope,
    registry, verify,
};

const STATUS_INVALID_HANDLE: i32 = 0xC000_0008_u32 as i32;
const STATUS_NO_MORE_ENTRIES: i32 = 0x8000_001A_u32 as i32;

/// Members of `OBJECT_ATTRIBUTES`.
struct Attributes {
    root: u64,
    name: usize,
}

fn attributes(address: usize) -> Attributes {
    let length: u32 = guest::read(address);
    verify::check("V-09", length == 48, || {
        format!("OBJECT_ATTRIBUTES at {address:#x} has length {length}")
    });
    Attributes {
        root: guest::read(address + 8),
        name: guest::read::<u64>(address + 16) as usize,
    }
}

/// The path that object attributes name.
fn path(call: &Call, address: usize) -> Option<registry::Path> {
    let attributes = attributes(address);
    let name = if attributes.name == 0 {
        String::new()
    } else {
        guest::unicode_text(attributes.name)
    };
    if attributes.root == 0 {
        return Some(registry::normalise(&name));
    }
    key(call, attributes.root).map(|root| registry::normalise(&format!("{root}\\{name}")))
}

fn key(call: &Call, handle: u64) -> Option<registry::Path> {
    match thread_object::target(handle) {
        Some(Target::Key(path)) => Some(path),
        _ => {
            verify::violation("V-28", call.text(&format!("{handle:#x} is no key handle")));
            None
        }
    }
}

/// Writes as much of an answer as fits; `fixed` bytes must.
fn put(buffer: usize, room: u32, needed: Ptr<u32>, fixed: usize, bytes: &[u8]) -> i32 {
    needed.write(bytes.len() as u32);
    let n = bytes.len().min(room as usize);
    if n < fixed {
        return STATUS_BUFFER_TOO_SMALL;
    }
    guest::copy_in(buffer, &bytes[..n]);
    if n < bytes.len() {
        STATUS_BUFFER_OVERFLOW
    } else {
        STATUS_SUCCESS
    }
}

/// A `KEY_VALUE_..._INFORMATION`; the fixed length comes with it.
fn value_information(class: i32, name: &str, value: &RegistryValue) -> Option<(usize, Vec<u8>)> {
    let (kind, data) = registry::raw(value);
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let words = |list: &[u32]| {
        list.iter()
            .flat_map(|w| w.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    match class {
        KeyValueBasicInformation => {
            let mut out = words(&[0, kind, name.len() as u32]);
            out.extend(name);
            Some((12, out))
        }
        KeyValueFullInformation => {
            let offset = (20 + name.len()).next_multiple_of(8);
            let mut out = words(&[0, kind, offset as u32, data.len() as u32, name.len() as u32]);
            out.extend(name);
            out.resize(offset, 0);
            out.extend(data);
            Some((20, out))
        }
        KeyValuePartialInformation => {
            let mut out = words(&[0, kind, data.len() as u32]);
            out.extend(data);
            Some((12, out))
        }
        _ => None,
    }
}

/// The path that the `RelativeTo` argument of the Rtl functions means.
fn relative(relative_to: u32, path: usize) -> registry::Path {
    let name = if path == 0 {
        String::new()
    } else {
        String::from_utf16_lossy(&guest::wide_z(path, 1024))
    };
    let root = match relative_to & 0x0FFF_FFFF {
        1 => "\\registry\\machine\\system\\currentcontrolset\\services",
        2 => "\\registry\\machine\\system\\currentcontrolset\\control",
        3 => "\\registry\\machine\\software\\microsoft\\windows nt\\currentversion",
        _ => return registry::normalise(&name),
    };
    registry::normalise(&format!("{root}\\{name}"))
}

/// Flags of `RTL_QUERY_REGISTRY_TABLE`.
mod query {
    pub const SUBKEY: u32 = 1;
    pub const REQUIRED: u32 = 4;
    pub const NOVALUE: u32 = 8;
    pub const DIRECT: u32 = 32;
    pub const TYPECHECK: u32 = 256;
    /// Bytes of an entry: { routine, flags, name, context, default type, default data, length }.
    pub const ENTRY: usize = 56;
}

/// Stores a value where a direct entry wants it: strings into a `UNICODE_STRING`, whose buffer is
/// allocated when there is none, a number into 32 bits, anything else behind its size.
fn store_direct(call: &Call, target: usize, value: &RegistryValue) -> i32 {
    match value {
        RegistryValue::Dword(n) => guest::write(target, *n),
        RegistryValue::Sz(_) | RegistryValue::MultiSz(_) => {
            let (_, data) = registry::raw(value);
            let string: Ptr<CountedString> = Ptr::new(target);
            let header = string.read();
            let (buffer, room) = if header.buffer == 0 {
                (strings::buffer(call, data.len(), Scope::Driver), data.len())
            } else {
                (header.buffer, usize::from(header.maximum))
            };
            if data.len() > room {
                return STATUS_BUFFER_TOO_SMALL;
            }
            guest::copy_in(buffer, &data);
            strings::set(string, data.len() - 2, room, buffer);
        }
        RegistryValue::Binary(data) => {
            let room: i32 = guest::read(target);
            if room >= 0 || (room.unsigned_abs() as usize) < data.len() {
                return STATUS_BUFFER_TOO_SMALL;
            }
            guest::copy_in(target, data);
        }
    }
    STATUS_SUCCESS
}

fn query_values(call: &Call, relative_to: u32, base: usize, table: usize, context: u64) -> i32 {
    let root = relative(relative_to, base);
    if !registry::exists(&root) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    let mut path = root.clone();
    for at in (table..).step_by(query::ENTRY) {
        let routine: u64 = guest::read(at);
        let flags: u32 = guest::read(at + 8);
        let name: u64 = guest::read(at + 16);
        if routine == 0 && flags & (query::SUBKEY | query::DIRECT) == 0 {
            break;
        }
        let name = if name == 0 {
            String::new()
        } else {
            String::from_utf16_lossy(&guest::wide_z(name as usize, 1024))
        };
        if flags & query::SUBKEY != 0 {
            path = registry::normalise(&format!("{root}\\{name}"));
            if !registry::exists(&path) && flags & query::REQUIRED != 0 {
                return STATUS_OBJECT_NAME_NOT_FOUND;
            }
            continue;
        }
        let entry: u64 = guest::read(at + 24);
        let default_kind: u32 = guest::read(at + 32);
        let default: u64 = guest::read(at + 40);
        let default_len: u32 = guest::read(at + 48);
        let value = if flags & query::NOVALUE != 0 {
            None
        } else {
            registry::value(&path, &name)
        };
        let value = match value {
            Some(v) => Some(v),
            None if flags & query::REQUIRED != 0 => return STATUS_OBJECT_NAME_NOT_FOUND,
            None if default_kind & 0xFF_FFFF != 0 && default != 0 => {
                let wide = matches!(default_kind & 0xFF, 1 | 2) && default_len == 0;
                let bytes = if wide {
                    guest::wide_z(default as usize, 1024)
                        .into_iter()
                        .flat_map(u16::to_le_bytes)
                        .collect()
                } else {
                    guest::bytes(default as usize, default_len as usize)
                };
                Some(registry::cooked(default_kind & 0xFF, &bytes))
            }
            None => None,
        };
        let Some(value) = value else { continue };
        let (kind, data) = registry::raw(&value);
        if flags & query::DIRECT != 0 {
            let expected = default_kind >> 24;
            if flags & query::TYPECHECK != 0 && expected != 0 && expected != kind {
                return 0xC000_0024_u32 as i32; // STATUS_OBJECT_TYPE_MISMATCH
            }
            let status = store_direct(call, entry as usize, &value);
            if status < 0 {
                return status;
            }
        } else {
            let (Some(data_block), Some(name_block)) = (
                guest::Block::with(&data, 8),
                guest::Block::with(
                    &name
                        .encode_utf16()
                        .chain([0])
                        .flat_map(u16::to_le_bytes)
                        .collect::<Vec<_>>(),
                    2,
                ),
            ) else {
                return STATUS_INSUFFICIENT_RESOURCES;
            };
            let args = [
                name_block.address() as u64,
                u64::from(kind),
                data_block.address() as u64,
                data.len() as u64,
                context,
                entry,
            ];
            let status =
                verify::call(verify::Handler::StackCallout, routine as usize, &args) as i32;
            if status < 0 {
                return status;
            }
        }
    }
    STATUS_SUCCESS
}

exports! {
    "ntoskrnl.exe";

    /// Closes a handle.
    [Passive] fn ZwClose(call, handle: u64) -> i32 { thread_object::close(call.name(), handle) }
    /// Closes a handle.
    [Passive] fn ObCloseHandle(call, handle: u64, _mode: u8) -> i32 { thread_object::close(call.name(), handle) }
    /// Opens a key.
    [Passive] fn ZwOpenKey(call, out: Ptr<u64>, _access: u32, of: usize) -> i32 {
        out.write(0);
        match path(call, of).filter(|p| registry::exists(p)) {
            Some(path) => {
                out.write(thread_object::new_handle(Target::Key(path), call.rip));
                STATUS_SUCCESS
            }
            None => STATUS_OBJECT_NAME_NOT_FOUND,
        }
    }
    /// Opens or makes a key.
    [Passive] fn ZwCreateKey(call, out: Ptr<u64>, _access: u32, of: usize, _index: u32, _class: usize, _options: u32, disposition: Ptr<u32>) -> i32 {
        out.write(0);
        let Some(path) = path(call, of) else { return STATUS_INVALID_HANDLE };
        disposition.write_if(if registry::create(&path) { 1 } else { 2 });
        out.write(thread_object::new_handle(Target::Key(path), call.rip));
        STATUS_SUCCESS
    }
    /// Reads a value.
    [Passive] fn ZwQueryValueKey(call, handle: u64, name: usize, class: i32, buffer: usize, room: u32, needed: Ptr<u32>) -> i32 {
        let Some(path) = key(call, handle) else { return STATUS_INVALID_HANDLE };
        let name = guest::unicode_text(name);
        let Some(value) = registry::value(&path, &name) else { return STATUS_OBJECT_NAME_NOT_FOUND };
        match value_information(class, &name, &value) {
            Some((fixed, bytes)) => put(buffer, room, needed, fixed, &bytes),
            None => STATUS_INVALID_PARAMETER,
        }
    }
    /// Writes a value.
    [Passive] fn ZwSetValueKey(call, handle: u64, name: usize, _index: u32, kind: u32, data: usize, size: u32) -> i32 {
        let Some(path) = key(call, handle) else { return STATUS_INVALID_HANDLE };
        registry::set(&path, &guest::unicode_text(name), registry::cooked(kind, &guest::bytes(data, size as usize)));
        STATUS_SUCCESS
    }
    /// Deletes a value.
    [Passive] fn ZwDeleteValueKey(call, handle: u64, name: usize) -> i32 {
        let Some(path) = key(call, handle) else { return STATUS_INVALID_HANDLE };
        if registry::delete(&path, &guest::unicode_text(name)) { STATUS_SUCCESS } else { STATUS_OBJECT_NAME_NOT_FOUND }
    }
    /// The nth value.
    [Passive] fn ZwEnumerateValueKey(call, handle: u64, index: u32, class: i32, buffer: usize, room: u32, needed: Ptr<u32>) -> i32 {
        let Some(path) = key(call, handle) else { return STATUS_INVALID_HANDLE };
        let Some((name, value)) = registry::values(&path).into_iter().nth(index as usize) else { return STATUS_NO_MORE_ENTRIES };
        match value_information(class, &name, &value) {
            Some((fixed, bytes)) => put(buffer, room, needed, fixed, &bytes),
            None => STATUS_INVALID_PARAMETER,
        }
    }
    /// The nth key below: { LastWriteTime, TitleIndex, NameLength, Name }.
    [Passive] fn ZwEnumerateKey(call, handle: u64, index: u32, class: i32, buffer: usize, room: u32, needed: Ptr<u32>) -> i32 {
        let Some(path) = key(call, handle) else { return STATUS_INVALID_HANDLE };
        if class != 0 {
            return STATUS_INVALID_PARAMETER;
        }
        let Some(name) = registry::subkeys(&path).into_iter().nth(index as usize) else { return STATUS_NO_MORE_ENTRIES };
        let mut out = [0u8; 12].to_vec();
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        out.extend((name.len() as u32).to_le_bytes());
        out.extend(name);
        put(buffer, room, needed, 16, &out)
    }
    /// Nothing to flush.
    [Passive] fn ZwFlushKey(call, handle: u64) -> i32 { if key(call, handle).is_some() { STATUS_SUCCESS } else { STATUS_INVALID_HANDLE } }
    /// There are no files.
    [Passive] fn ZwCreateFile(_call, out: Ptr<u64>, _access: u32, of: usize) -> i32 {
        attributes(of);
        out.write(0);
        STATUS_OBJECT_NAME_NOT_FOUND
    }
    /// There are no files.
    [Passive] fn ZwOpenFile(_call, out: Ptr<u64>, _access: u32, of: usize) -> i32 {
        attributes(of);
        out.write(0);
        STATUS_OBJECT_NAME_NOT_FOUND
    }

    /// Reads values by a table.
    [Passive] fn RtlQueryRegistryValues(call, relative_to: u32, base: usize, table: usize, context: u64, _environment: usize) -> i32 {
        query_values(call, relative_to, base, table, context)
    }
    /// Reads values by a table.
    [Passive] fn RtlQueryRegistryValuesEx(call, relative_to: u32, base: usize, table: usize, context: u64, _environment: usize) -> i32 {
        query_values(call, relative_to, base, table, context)
    }
    /// Writes a value.
    [Passive] fn RtlWriteRegistryValue(_call, relative_to: u32, base: usize, name: usize, kind: u32, data: usize, size: u32) -> i32 {
        let name = String::from_utf16_lossy(&guest::wide_z(name, 1024));
        registry::set(&relative(relative_to, base), &name, registry::cooked(kind, &guest::bytes(data, size as usize)));
        STATUS_SUCCESS
    }
    /// Deletes a value.
    [Passive] fn RtlDeleteRegistryValue(_call, relative_to: u32, base: usize, name: usize) -> i32 {
        let name = String::from_utf16_lossy(&guest::wide_z(name, 1024));
        if registry::delete(&relative(relative_to, base), &name) { STATUS_SUCCESS } else { STATUS_OBJECT_NAME_NOT_FOUND }
    }
    /// Tells whether a key exists.
    [Passive] fn RtlCheckRegistryKey(_call, relative_to: u32, base: usize) -> i32 {
        if registry::exists(&relative(relative_to, base)) { STATUS_SUCCESS } else { STATUS_OBJECT_NAME_NOT_FOUND }
    }
    /// Makes a key.
    [Passive] fn RtlCreateRegistryKey(_call, relative_to: u32, base: usize) -> i32 {
        registry::create(&relative(relative_to, base));
        STATUS_SUCCESS
    }
    /// The driver's or device's key: PLUGPLAY_REGKEY_DEVICE 1, DRIVER 2.
    [Passive] fn IoOpenDeviceRegistryKey(call, _device: usize, kind: u32, _access: u32, out: Ptr<u64>) -> i32 {
        let path = if kind & 3 == 2 { registry::DRIVER_KEY } else { registry::HARDWARE_KEY };
        out.write(thread_object::new_handle(Target::Key(path.to_string()), call.rip));
        STATUS_SUCCESS
    }
}
