// SPDX-License-Identifier: MIT OR Apache-2.0
//! Device and driver objects, error log entries, power callbacks: what a miniport touches of the
//! I/O manager. Mostly at most DISPATCH_LEVEL.
//!
//! A control device can be made, but nobody opens it here: IRPs do not exist in this host.
#![allow(
    non_upper_case_globals,
    reason = "enumerators keep the names of the headers"
)]

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use ndis::ffi::*;

use super::{dispatcher, pool, strings, thread_object};
use crate::{
    exports,
    exports::{Call, ndis_lib::nbl::new_handle},
    field,
    guest::{self, Block, CountedString, Ptr},
    ledger::{self, Kind, Scope},
    log,
    machine::lock::IrqSpin,
    verify,
};

struct State {
    /// (driver object, client) → extension.
    extensions: BTreeMap<(usize, usize), usize>,
    /// NDIS device handle → device object.
    devices: BTreeMap<u64, usize>,
    links: Vec<String>,
}

static STATE: IrqSpin<State> = IrqSpin::new(State {
    extensions: BTreeMap::new(),
    devices: BTreeMap::new(),
    links: Vec::new(),
});

/// A device object with `extension` bytes behind it.
pub fn new_device(driver: usize, extension: usize, kind: u32) -> Option<usize> {
    let bytes = size_of::<DEVICE_OBJECT>() + extension.next_multiple_of(16);
    let device: Ptr<DEVICE_OBJECT> = Ptr::new(Block::new(bytes, 16, true)?.leak());
    field!(device, Type).write(3); // IO_TYPE_DEVICE
    field!(device, Size).write(bytes as u16);
    field!(device, DriverObject).write(driver as *mut DRIVER_OBJECT);
    field!(device, DeviceType).write(kind);
    field!(device, StackSize).write(1);
    if extension != 0 {
        field!(device, DeviceExtension)
            .write((device.addr() + size_of::<DEVICE_OBJECT>()) as *mut c_void);
    }
    Some(device.addr())
}

/// Error log packet: { MajorFunction, RetryCount, DumpDataSize, NumberOfStrings, StringOffset,
/// EventCategory, ErrorCode at 12, UniqueErrorValue at 16, FinalStatus at 20, … DumpData at 40 }.
const ERROR_CODE: usize = 12;
const DUMP_SIZE: usize = 2;
const DUMP_DATA: usize = 40;

fn no_irps(call: &Call) -> ! {
    verify::stop("V-28", call.text("IRPs do not exist in this host"))
}

exports! {
    "ntoskrnl.exe";

    /// Memory that belongs to a driver object.
    [Dispatch] fn IoAllocateDriverObjectExtension(_call, driver: usize, client: usize, size: u32, out: Ptr<u64>) -> i32 {
        if STATE.lock().extensions.contains_key(&(driver, client)) {
            out.write(0);
            return STATUS_OBJECT_NAME_COLLISION;
        }
        let Some(block) = Block::new(size as usize, 16, true) else { return STATUS_INSUFFICIENT_RESOURCES };
        let address = block.leak();
        STATE.lock().extensions.insert((driver, client), address);
        out.write(address as u64);
        STATUS_SUCCESS
    }
    /// The same memory.
    [Dispatch] fn IoGetDriverObjectExtension(_call, driver: usize, client: usize) -> usize {
        STATE.lock().extensions.get(&(driver, client)).copied().unwrap_or(0)
    }
    /// A device object.
    [Apc] fn IoCreateDevice(call, driver: usize, extension: u32, name: usize, kind: u32, _characteristics: u32, _exclusive: bool, out: Ptr<u64>) -> i32 {
        if name != 0 {
            guest::unicode(name);
        }
        let Some(device) = new_device(driver, extension as usize, kind) else { return STATUS_INSUFFICIENT_RESOURCES };
        ledger::add(Kind::Device, device as u64, 0, Scope::Driver, call.rip);
        out.write(device as u64);
        STATUS_SUCCESS
    }
    /// Deletes it.
    [Apc] fn IoDeleteDevice(call, device: usize) {
        if ledger::expect_remove("L-07", Kind::Device, device as u64, call.name()).is_some() {
            Block::unmap(device);
        }
    }
    /// A name for a device; links are counted by their text.
    [Passive] fn IoCreateSymbolicLink(_call, link: usize, target: usize) -> i32 {
        let (link, _) = (guest::unicode_text(link), guest::unicode(target));
        let mut state = STATE.lock();
        if state.links.contains(&link) {
            return STATUS_OBJECT_NAME_COLLISION;
        }
        state.links.push(link);
        STATUS_SUCCESS
    }
    /// Takes it back.
    [Passive] fn IoDeleteSymbolicLink(_call, link: usize) -> i32 {
        let link = guest::unicode_text(link);
        let mut state = STATE.lock();
        let before = state.links.len();
        state.links.retain(|l| *l != link);
        if state.links.len() == before { STATUS_OBJECT_NAME_NOT_FOUND } else { STATUS_SUCCESS }
    }
    /// An error log entry.
    [Dispatch] fn IoAllocateErrorLogEntry(_call, _object: usize, size: u8) -> usize {
        if size == 0 || usize::from(size) > 152 {
            return 0;
        }
        Block::new(usize::from(size), 16, true).map_or(0, Block::leak)
    }
    /// Writes it; it is gone afterwards.
    [Dispatch] fn IoWriteErrorLogEntry(_call, entry: usize) {
        let code: u32 = guest::read(entry + ERROR_CODE);
        let unique: u32 = guest::read(entry + ERROR_CODE + 4);
        let status: u32 = guest::read(entry + ERROR_CODE + 8);
        let size: u16 = guest::read(entry + DUMP_SIZE);
        let data = guest::bytes(entry + DUMP_DATA, usize::from(size));
        log!("event log: {code:#010x} unique {unique:#x} status {status:#x} data {data:02x?}");
        Block::unmap(entry);
    }
    /// Frees an entry that is not written.
    [Dispatch] fn IoFreeErrorLogEntry(_call, entry: usize) { Block::unmap(entry) }
    /// IRPs do not exist here.
    [Dispatch] fn IofCompleteRequest(call, _irp: usize, _boost: i8) { no_irps(call) }
    /// IRPs do not exist here.
    [Dispatch] fn IofCallDriver(call, _device: usize, _irp: usize) -> i32 { no_irps(call) }
    /// Calls come from 64-bit code.
    [Dispatch] fn IoIs32bitProcess(_call, _irp: usize) -> bool { false }
    /// The device asks for a look at its state.
    [Dispatch] fn IoInvalidateDeviceState(_call, _device: usize) { log!("the driver invalidated its device's state") }
    /// The device is to be ejected.
    [Dispatch] fn IoRequestDeviceEject(_call, _device: usize) { log!("the driver asked for its device's ejection") }
    /// Nothing is known of device properties but the legacy bus: STATUS_OBJECT_NAME_NOT_FOUND.
    [Passive] fn IoGetDeviceProperty(_call, _device: usize, property: i32, room: u32, buffer: usize, needed: Ptr<u32>) -> i32 {
        let value = match property {
            DevicePropertyLegacyBusType => PCIBus as u32,
            DevicePropertyBusNumber => 0,
            _ => {
                needed.write(0);
                return STATUS_OBJECT_NAME_NOT_FOUND;
            }
        };
        needed.write(4);
        if room < 4 {
            return STATUS_BUFFER_TOO_SMALL;
        }
        guest::write(buffer, value);
        STATUS_SUCCESS
    }
    /// No such property.
    [Apc] fn IoGetDevicePropertyData(_call, _device: usize, _key: usize, _lcid: u32, _flags: u32, _size: u32, _data: usize, needed: Ptr<u32>, _kind: usize) -> i32 {
        needed.write(0);
        STATUS_OBJECT_NAME_NOT_FOUND
    }
    /// Accepted and forgotten.
    [Apc] fn IoSetDevicePropertyData(_call, _device: usize, _key: usize, _lcid: u32, _flags: u32, _kind: u32, size: u32, data: usize) -> i32 {
        guest::require(data, size as usize, false);
        STATUS_SUCCESS
    }
    /// An interface of a device: its link is made up from nothing but the class.
    [Passive] fn IoRegisterDeviceInterface(call, _device: usize, class: Ptr<GUID>, _reference: usize, link: Ptr<CountedString>) -> i32 {
        let text = format!("\\??\\PCI#{:08x}", class.read().Data1);
        let units: Vec<u16> = text.encode_utf16().collect();
        let buffer = strings::buffer(call, units.len() * 2 + 2, Scope::Driver);
        if buffer == 0 {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        for (i, c) in units.iter().chain([&0]).enumerate() {
            guest::write(buffer + i * 2, *c);
        }
        strings::set(link, units.len() * 2, units.len() * 2 + 2, buffer);
        STATUS_SUCCESS
    }
    /// Enables an interface.
    [Passive] fn IoSetDeviceInterfaceState(_call, link: usize, _enable: bool) -> i32 {
        guest::unicode(link);
        STATUS_SUCCESS
    }
    /// Shutdown notifications of control devices are noted.
    [Passive] fn IoRegisterShutdownNotification(_call, _device: usize) -> i32 { STATUS_SUCCESS }
    /// See `IoRegisterShutdownNotification`.
    [Passive] fn IoUnregisterShutdownNotification(_call, _device: usize) {}
    /// The power state of a device, as it is told.
    [Dispatch] fn PoSetPowerState(_call, _device: usize, _kind: i32, _state: i32) -> i32 { PowerDeviceD0 }
    /// A power setting callback; settings never change here, so it is not called.
    [Passive] fn PoRegisterPowerSettingCallback(call, _device: usize, setting: Ptr<GUID>, _callback: usize, _context: usize, out: Ptr<u64>) -> i32 {
        setting.read();
        out.write(callback(call));
        STATUS_SUCCESS
    }
    /// Takes it back.
    [Passive] fn PoUnregisterPowerSettingCallback(call, handle: u64) -> i32 {
        match ledger::expect_remove("H-04", Kind::Callback, handle, call.name()) {
            Some(_) => STATUS_SUCCESS,
            None => STATUS_INVALID_PARAMETER,
        }
    }
    /// A callback object, such as \Callback\PowerState, which never calls here.
    [Passive] fn ExCreateCallback(call, out: Ptr<u64>, _of: usize, _create: bool, _multiple: bool) -> i32 {
        let handle = callback(call);
        // It is referenced, and dereferenced with ObDereferenceObject.
        ledger::remove(Kind::Callback, handle);
        let Some(object) = pool::system_object::<[u64; 8]>(true) else { return STATUS_INSUFFICIENT_RESOURCES };
        thread_object::reference(object.addr());
        out.write(object.addr() as u64);
        STATUS_SUCCESS
    }
    /// Registers with a callback object.
    [Apc] fn ExRegisterCallback(call, _object: usize, _function: usize, _context: usize) -> u64 { callback(call) }
    /// Takes it back.
    [Apc] fn ExUnregisterCallback(call, handle: u64) { ledger::expect_remove("H-04", Kind::Callback, handle, call.name()); }
    /// Notifies nobody.
    [Dispatch] fn ExNotifyCallback(_call, _object: usize, _first: u64, _second: u64) {}
    /// A remove lock: { Removed, …, IoCount, RemoveEvent }.
    [Passive] fn IoInitializeRemoveLockEx(_call, lock: usize, _tag: u32, _minutes: u32, _high: u32, size: u32) {
        guest::fill(lock, size as usize, 0);
        guest::write(lock + 4, 1i32);
        dispatcher::init(lock + 8, dispatcher::kind::SYNCHRONIZATION_EVENT, 24, 0);
    }
    /// The type of an object that is referenced by address.
    [Dispatch] fn ObReferenceObjectByPointer(_call, object: usize, _access: u32, _kind: usize, _mode: u8) -> i32 {
        thread_object::reference(object);
        STATUS_SUCCESS
    }
}

fn callback(call: &Call) -> u64 {
    let handle = new_handle();
    ledger::add(Kind::Callback, handle, 0, Scope::Driver, call.rip);
    handle
}

/// The NDIS names of the same things.
pub mod ndis_device {
    use super::*;

    exports! {
        "ndis.sys";

        /// A control device of the driver.
        [Passive] fn NdisRegisterDeviceEx(call, _handle: u64, attributes: Ptr<NDIS_DEVICE_OBJECT_ATTRIBUTES>, out: Ptr<u64>, handle: Ptr<u64>) -> i32 {
            let header = field!(attributes, Header).read();
            verify::check("G-06", header.Revision >= 1, || call.text(&format!("object header revision {}", header.Revision)));
            guest::unicode(field!(attributes, DeviceName).read() as usize);
            let extension = field!(attributes, ExtensionSize).read();
            let Some(device) = new_device(0, extension as usize, FILE_DEVICE_NETWORK) else { return NDIS_STATUS_RESOURCES };
            let new = new_handle();
            STATE.lock().devices.insert(new, device);
            ledger::add(Kind::Device, new, 0, Scope::Driver, call.rip);
            out.write(device as u64);
            handle.write(new);
            NDIS_STATUS_SUCCESS
        }
        /// Takes it back.
        [Passive] fn NdisDeregisterDeviceEx(call, handle: u64) {
            if ledger::expect_remove("L-07", Kind::Device, handle, call.name()).is_some() {
                let device = STATE.lock().devices.remove(&handle);
                if let Some(device) = device {
                    Block::unmap(device);
                }
            }
        }
        /// The extension of such a device.
        [Any] fn NdisGetDeviceReservedExtension(_call, device: Ptr<DEVICE_OBJECT>) -> usize { field!(device, DeviceExtension).read() as usize }
        /// There are no files.
        [Passive] fn NdisOpenFile(_call, status: Ptr<i32>, handle: Ptr<u64>, length: Ptr<u32>, name: usize, _highest: u64) {
            guest::unicode(name);
            handle.write(0);
            length.write(0);
            status.write(NDIS_STATUS_FILE_NOT_FOUND);
        }
    }
}
