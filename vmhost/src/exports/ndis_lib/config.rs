// SPDX-License-Identifier: MIT OR Apache-2.0
//! The configuration interface: keywords of the driver's registry key. PASSIVE_LEVEL.
//!
//! Everything that a read hands out lies in pages of its own and is unmapped when the handle is
//! closed, so a pointer that is kept beyond that faults (contract I-10).
#![allow(
    non_upper_case_globals,
    reason = "enumerators keep the names of the headers"
)]

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use ndis::ffi::*;
use vmhost_proto::RegistryValue;

use super::nbl::new_handle;
use crate::{
    exports,
    exports::{Call, number},
    field,
    guest::{self, Block, CountedString, Ptr},
    ledger::{self, Kind, Scope},
    machine::lock::IrqSpin,
    registry, verify,
};

struct Open {
    path: registry::Path,
    blocks: Vec<Block>,
}

static OPEN: IrqSpin<BTreeMap<u64, Open>> = IrqSpin::new(BTreeMap::new());

fn open(call: &Call, path: registry::Path) -> u64 {
    let handle = new_handle();
    OPEN.lock().insert(
        handle,
        Open {
            path,
            blocks: Vec::new(),
        },
    );
    ledger::add(
        Kind::ConfigurationHandle,
        handle,
        0,
        Scope::Adapter,
        call.rip,
    );
    handle
}

fn path_of(call: &Call, handle: u64) -> Option<registry::Path> {
    ledger::expect("I-10", Kind::ConfigurationHandle, handle, call.name());
    OPEN.lock().get(&handle).map(|o| o.path.clone())
}

/// Keeps a block until the handle is closed; returns its address.
fn keep(handle: u64, block: Block) -> usize {
    let address = block.address();
    if let Some(open) = OPEN.lock().get_mut(&handle) {
        open.blocks.push(block);
    }
    address
}

/// A block with a wide string and its terminator; address and bytes without terminator.
fn text_block(handle: u64, units: &[u16]) -> Option<(usize, usize)> {
    let bytes: Vec<u8> = units
        .iter()
        .chain(core::iter::once(&0))
        .flat_map(|c| c.to_le_bytes())
        .collect();
    let block = Block::with(&bytes, 2)?;
    Some((keep(handle, block), units.len() * 2))
}

/// What a value is for a driver that asked for `wanted`. Text is parsed when a number is asked
/// for: decimal for NdisParameterInteger, hexadecimal for NdisParameterHexInteger.
enum Answer {
    Integer(u32, NDIS_PARAMETER_TYPE),
    Text(Vec<u16>, NDIS_PARAMETER_TYPE),
    Binary(Vec<u8>),
}

fn answer(value: RegistryValue, wanted: NDIS_PARAMETER_TYPE) -> Option<Answer> {
    Some(match value {
        RegistryValue::Dword(n) => Answer::Integer(
            n,
            if wanted == NdisParameterHexInteger {
                wanted
            } else {
                NdisParameterInteger
            },
        ),
        RegistryValue::Sz(s) => {
            let units: Vec<u16> = s.encode_utf16().collect();
            match wanted {
                NdisParameterInteger => Answer::Integer(number::to_integer(&units, 10)?, wanted),
                NdisParameterHexInteger => Answer::Integer(number::to_integer(&units, 16)?, wanted),
                _ => Answer::Text(units, NdisParameterString),
            }
        }
        RegistryValue::MultiSz(list) => {
            let mut units: Vec<u16> = Vec::new();
            for s in list {
                units.extend(s.encode_utf16());
                units.push(0);
            }
            Answer::Text(units, NdisParameterMultiString)
        }
        RegistryValue::Binary(b) => Answer::Binary(b),
    })
}

/// Keywords that NDIS answers itself.
fn built_in(name: &str) -> Option<u32> {
    match name {
        "Environment" => Some(1), // NdisEnvironmentWindowsNt
        "NdisVersion" => Some(ndis_version()),
        "ProcessorType" => Some(4), // NdisProcessorAmd64
        _ => None,
    }
}

/// NDIS version as `NdisGetVersion` gives it.
pub fn ndis_version() -> u32 {
    6 << 16 | u32::from(registry::ndis_minor())
}

fn read(call: &Call, handle: u64, name: &str, wanted: NDIS_PARAMETER_TYPE) -> Option<usize> {
    let path = path_of(call, handle)?;
    let answer = match built_in(name) {
        Some(n) => Answer::Integer(n, NdisParameterInteger),
        None => answer(registry::value(&path, name)?, wanted)?,
    };
    let block = Block::new(size_of::<NDIS_CONFIGURATION_PARAMETER>(), 8, false)?;
    let parameter: Ptr<NDIS_CONFIGURATION_PARAMETER> = block.ptr();
    match answer {
        Answer::Integer(n, kind) => {
            field!(parameter, ParameterType).write(kind);
            field!(parameter, ParameterData.IntegerData).write(n);
        }
        Answer::Text(units, kind) => {
            let (address, bytes) = text_block(handle, &units)?;
            field!(parameter, ParameterType).write(kind);
            let text = CountedString {
                length: bytes as u16,
                maximum: (bytes + 2) as u16,
                buffer: address,
            };
            field!(parameter, ParameterData.StringData)
                .cast::<CountedString>()
                .write(text);
        }
        Answer::Binary(bytes) => {
            let data = keep(handle, Block::with(&bytes, 8)?);
            field!(parameter, ParameterType).write(NdisParameterBinary);
            field!(parameter, ParameterData.BinaryData.Length).write(bytes.len() as u16);
            field!(parameter, ParameterData.BinaryData.Buffer).write(data as *mut c_void);
        }
    }
    Some(keep(handle, block))
}

fn value_from(parameter: Ptr<NDIS_CONFIGURATION_PARAMETER>) -> Option<RegistryValue> {
    let text = || guest::unicode_text(field!(parameter, ParameterData.StringData).addr());
    Some(match field!(parameter, ParameterType).read() {
        NdisParameterInteger | NdisParameterHexInteger => {
            RegistryValue::Dword(field!(parameter, ParameterData.IntegerData).read())
        }
        NdisParameterString => RegistryValue::Sz(text()),
        NdisParameterMultiString => RegistryValue::MultiSz(
            text()
                .split('\0')
                .filter(|s| !s.is_empty())
                .map(String::from)
                .collect(),
        ),
        NdisParameterBinary => {
            let len = field!(parameter, ParameterData.BinaryData.Length).read();
            let buffer = field!(parameter, ParameterData.BinaryData.Buffer).read() as usize;
            RegistryValue::Binary(guest::bytes(buffer, usize::from(len)))
        }
        _ => return None,
    })
}

exports! {
    "ndis.sys";

    /// Opens the driver's key of an adapter.
    [Passive] fn NdisOpenConfigurationEx(call, object: Ptr<NDIS_CONFIGURATION_OBJECT>, out: Ptr<u64>) -> i32 {
        let header = field!(object, Header).read();
        let good = header.Type == NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT
            && header.Revision >= 1
            && header.Size >= NDIS_SIZEOF_CONFIGURATION_OBJECT_REVISION_1;
        if !verify::check("G-06", good, || call.text(&format!("object header type {:#x}, revision {}, size {}", header.Type, header.Revision, header.Size))) {
            out.write(0);
            return NDIS_STATUS_INVALID_PARAMETER;
        }
        let handle = field!(object, NdisHandle).read() as u64;
        verify::check("V-28", handle != 0, || call.text("no NdisHandle"));
        // A driver handle opens the service's parameters, an adapter handle the adapter's key.
        let path = if ledger::is_live(Kind::MiniportDriver, handle) {
            format!("{}\\parameters", registry::service_key())
        } else {
            String::from(registry::DRIVER_KEY)
        };
        out.write(open(call, path));
        NDIS_STATUS_SUCCESS
    }
    /// Closes a key; what was read from it is gone.
    [Passive] fn NdisCloseConfiguration(call, handle: u64) {
        ledger::expect_remove("I-10", Kind::ConfigurationHandle, handle, call.name());
        // The blocks are unmapped outside the lock.
        let closed = OPEN.lock().remove(&handle);
        drop(closed);
    }
    /// Reads a keyword.
    [Passive] fn NdisReadConfiguration(call, status: Ptr<i32>, out: Ptr<u64>, handle: u64, keyword: usize, wanted: i32) {
        let name = guest::unicode_text(keyword);
        let parameter = read(call, handle, &name, wanted);
        out.write(parameter.unwrap_or(0) as u64);
        status.write(if parameter.is_some() { NDIS_STATUS_SUCCESS } else { NDIS_STATUS_FAILURE });
    }
    /// Writes a keyword.
    [Passive] fn NdisWriteConfiguration(call, status: Ptr<i32>, handle: u64, keyword: usize, parameter: Ptr<NDIS_CONFIGURATION_PARAMETER>) {
        let name = guest::unicode_text(keyword);
        let answer = match (path_of(call, handle), value_from(parameter)) {
            (Some(path), Some(value)) => {
                registry::set(&path, &name, value);
                NDIS_STATUS_SUCCESS
            }
            (Some(_), None) => NDIS_STATUS_NOT_SUPPORTED,
            (None, _) => NDIS_STATUS_FAILURE,
        };
        status.write(answer);
    }
    /// Opens a key below an open one.
    [Apc] fn NdisOpenConfigurationKeyByName(call, status: Ptr<i32>, handle: u64, name: usize, out: Ptr<u64>) {
        let name = guest::unicode_text(name);
        let path = path_of(call, handle).map(|p| registry::normalise(&format!("{p}\\{name}")));
        match path.filter(|p| registry::exists(p)) {
            Some(path) => {
                out.write(open(call, path));
                status.write(NDIS_STATUS_SUCCESS);
            }
            None => {
                out.write(0);
                status.write(NDIS_STATUS_FAILURE);
            }
        }
    }
    /// Opens the nth key below an open one and tells its name, which lives as long as the open one.
    [Apc] fn NdisOpenConfigurationKeyByIndex(call, status: Ptr<i32>, handle: u64, index: u32, name: Ptr<CountedString>, out: Ptr<u64>) {
        out.write(0);
        let found = path_of(call, handle).and_then(|p| Some((registry::subkeys(&p).into_iter().nth(index as usize)?, p)));
        let Some((sub, path)) = found else {
            status.write(NDIS_STATUS_FAILURE);
            return;
        };
        let Some((address, bytes)) = text_block(handle, &sub.encode_utf16().collect::<Vec<_>>()) else {
            status.write(NDIS_STATUS_RESOURCES);
            return;
        };
        name.write(CountedString { length: bytes as u16, maximum: (bytes + 2) as u16, buffer: address });
        out.write(open(call, format!("{path}\\{sub}")));
        status.write(NDIS_STATUS_SUCCESS);
    }
    /// The address that the user configured, unchecked.
    [Passive] fn NdisReadNetworkAddress(call, status: Ptr<i32>, out: Ptr<u64>, len: Ptr<u32>, handle: u64) {
        out.write(0);
        len.write(0);
        let bytes = path_of(call, handle)
            .and_then(|p| registry::value(&p, "NetworkAddress"))
            .and_then(|v| match v {
                RegistryValue::Sz(s) => number::network_address(&s),
                _ => None,
            });
        let block = bytes.as_deref().and_then(|b| Block::with(b, 1));
        match (bytes, block) {
            (Some(bytes), Some(block)) => {
                out.write(keep(handle, block) as u64);
                len.write(bytes.len() as u32);
                status.write(NDIS_STATUS_SUCCESS);
            }
            _ => status.write(NDIS_STATUS_FAILURE),
        }
    }
}
