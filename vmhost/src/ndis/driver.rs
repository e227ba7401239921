// SPDX-License-Identifier: MIT OR Apache-2.0
//! The driver as a whole: DriverEntry, registration, optional handlers, unload (contract §3.2).
//! PASSIVE only.

use super::{
    adapter,
    handlers::{Handlers, PnpHandlers},
    header,
};
use crate::{
    exports,
    exports::Call,
    field,
    guest::{self, Block, Ptr},
    ledger::{self, Kind, Scope},
    machine::lock::IrqSpin,
    verify::{self, Handler},
};
use ::ndis::ffi::*;
use alloc::{format, string::String};

/// What registration left behind.
#[derive(Clone, Copy, Debug, Default)]
struct Registered {
    handle: u64,
    context: u64,
    handlers: Handlers,
    pnp: PnpHandlers,
    major: u8,
    minor: u8,
    in_set_options: bool,
}

static REGISTERED: IrqSpin<Option<Registered>> = IrqSpin::new(None);
/// Highest minor version that this run offers.
static OFFERED_MINOR: IrqSpin<u8> = IrqSpin::new(85);
/// The driver object, for unload.
static OBJECT: IrqSpin<Option<(Block, Block, Block)>> = IrqSpin::new(None);

/// Sets the version that `NdisGetVersion` reports and registration accepts.
pub fn offer_version(minor: u8) {
    *OFFERED_MINOR.lock() = minor;
}

/// That version.
pub fn offered_minor() -> u8 {
    *OFFERED_MINOR.lock()
}

/// The handlers; all 0 before registration.
pub fn handlers() -> Handlers {
    REGISTERED.lock().map(|r| r.handlers).unwrap_or_default()
}

/// The PnP handlers; all 0 when the driver set none.
pub fn pnp_handlers() -> PnpHandlers {
    REGISTERED.lock().map(|r| r.pnp).unwrap_or_default()
}

/// MiniportDriverContext.
pub fn context() -> u64 {
    REGISTERED.lock().map(|r| r.context).unwrap_or_default()
}

/// Whether the driver is registered now.
pub fn is_registered() -> bool {
    REGISTERED.lock().is_some()
}

/// The minor NDIS version that the driver registered; 0 before.
pub fn minor_version() -> u8 {
    REGISTERED.lock().map(|r| r.minor).unwrap_or_default()
}

/// The registered version as text; empty before.
pub fn version_text() -> String {
    REGISTERED
        .lock()
        .map(|r| format!("{}.{}", r.major, r.minor))
        .unwrap_or_default()
}

/// Calls DriverEntry at `entry`. `Err` is the failing NTSTATUS.
pub fn load(entry: usize, image: (u64, u64), service: &str) -> Result<(), i32> {
    let Some((object, extension)) = driver_object(entry, image) else {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    };
    let path = format!("\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\{service}");
    let Some((string, characters)) = unicode_string(&path) else {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    };
    let status = verify::call(
        Handler::DriverEntry,
        entry,
        &[object.address() as u64, string.address() as u64],
    ) as i32;
    // The registry path dies with DriverEntry: a driver that kept the pointer faults later.
    drop((string, characters));
    let Some((name, _)) = unicode_string("") else {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    };
    *OBJECT.lock() = Some((object, extension, name));
    if status < 0 {
        // L-01.
        verify::check_of(Handler::DriverEntry, "L-01", !is_registered(), || {
            format!("DriverEntry failed with {status:#010x} and left the miniport registered")
        });
        return Err(status);
    }
    Ok(())
}

/// Calls MiniportDriverUnload and checks that the driver deregistered itself (L-06).
pub fn unload() {
    let handler = handlers().unload;
    let object = OBJECT.lock().take();
    if let (true, Some((object, _, _))) = (handler != 0, &object) {
        verify::call(Handler::Unload, handler, &[object.address() as u64]);
        verify::check_of(Handler::Unload, "L-06", !is_registered(), || {
            String::from("MiniportDriverUnload returned without NdisMDeregisterMiniportDriver")
        });
    }
    *REGISTERED.lock() = None;
}

fn driver_object(entry: usize, image: (u64, u64)) -> Option<(Block, Block)> {
    let object = Block::new(size_of::<DRIVER_OBJECT>(), 16, true)?;
    let extension = Block::new(size_of::<DRIVER_EXTENSION>(), 16, true)?;
    let p: Ptr<DRIVER_OBJECT> = object.ptr();
    field!(p, Type).write(4); // IO_TYPE_DRIVER
    field!(p, Size).write(size_of::<DRIVER_OBJECT>() as i16);
    guest::write(field!(p, DriverStart).addr(), image.0);
    field!(p, DriverSize).write(image.1 as u32);
    guest::write(field!(p, DriverExtension).addr(), extension.address());
    guest::write(field!(p, DriverInit).addr(), entry);
    let e: Ptr<DRIVER_EXTENSION> = extension.ptr();
    guest::write(field!(e, DriverObject).addr(), object.address());
    Some((object, extension))
}

/// A UNICODE_STRING and its characters in the driver's memory.
pub fn unicode_string(text: &str) -> Option<(Block, Block)> {
    let mut bytes = alloc::vec::Vec::new();
    for unit in text.encode_utf16() {
        bytes.extend_from_slice(&unit.to_le_bytes());
    }
    let characters = Block::with(&bytes, 2)?;
    let string = Block::new(size_of::<UNICODE_STRING>(), 8, true)?;
    let p: Ptr<UNICODE_STRING> = string.ptr();
    field!(p, Length).write(bytes.len() as u16);
    field!(p, MaximumLength).write(bytes.len() as u16);
    guest::write(field!(p, Buffer).addr(), characters.address());
    Some((string, characters))
}

exports! {
    "ndis.sys";

    /// Registers the miniport (L-02, L-03) and calls MiniportSetOptions (L-04).
    [Passive] fn NdisMRegisterMiniportDriver(
        call, _object: u64, path: u64, context: u64,
        characteristics: Ptr<NDIS_MINIPORT_DRIVER_CHARACTERISTICS>, handle: Ptr<u64>,
    ) -> i32 {
        let _path = guest::unicode(path as usize);
        register(call, context, characteristics, handle)
    }

    /// Undoes the registration.
    [Passive] fn NdisMDeregisterMiniportDriver(call, handle: u64) {
        let live = adapter::all().iter().any(|a| a.state() != adapter::State::Halted);
        verify::check("L-06", !live, || call.text("an adapter is not halted yet (7C/0A)"));
        if ledger::expect_remove("L-06", Kind::MiniportDriver, handle, call.name()).is_some() {
            // The handlers stay known until the unload handler has returned.
            let mut registered = REGISTERED.lock();
            if registered.is_some_and(|r| r.handle == handle) {
                *registered = None;
            }
        }
    }

    /// Takes optional handlers (L-04).
    [Passive] fn NdisSetOptionalHandlers(call, handle: u64, optional: Ptr<NDIS_OBJECT_HEADER>) -> i32 {
        set_optional(call, handle, optional)
    }
}

fn register(
    call: &Call,
    context: u64,
    p: Ptr<NDIS_MINIPORT_DRIVER_CHARACTERISTICS>,
    out: Ptr<u64>,
) -> i32 {
    let sizes = [136, 152, 160];
    let Some(revision) = header::check(
        "L-03",
        call.name(),
        field!(p, Header),
        NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS,
        &sizes,
    ) else {
        return NDIS_STATUS_BAD_VERSION;
    };
    let size = sizes[usize::from(revision) - 1];
    let seen: NDIS_MINIPORT_DRIVER_CHARACTERISTICS = guest::read_prefix(p.addr(), size);
    let (major, minor) = (seen.MajorNdisVersion, seen.MinorNdisVersion);
    let offered = *OFFERED_MINOR.lock();
    if major != 6 || minor > offered {
        crate::log!("NDIS {major}.{minor} asked for, 6.{offered} offered");
        return NDIS_STATUS_BAD_VERSION;
    }
    // L-03: revision 1 up to 6.0, 2 from 6.1, 3 from 6.80.
    let newest = match minor {
        0 => 1,
        1..80 => 2,
        _ => 3,
    };
    if !verify::check("L-03", revision <= newest, || {
        call.text(&format!("revision {revision} with NDIS 6.{minor}"))
    }) {
        return NDIS_STATUS_BAD_CHARACTERISTICS;
    }
    let handlers = Handlers::new(&seen, revision);
    if !check_handlers(call, &handlers) {
        return NDIS_STATUS_BAD_CHARACTERISTICS;
    }
    let handle = adapter::opaque_handle("the driver handle");
    *REGISTERED.lock() = Some(Registered {
        handle,
        context,
        handlers,
        major,
        minor,
        in_set_options: true,
        ..Registered::default()
    });
    ledger::add(Kind::MiniportDriver, handle, 0, Scope::Driver, call.rip);
    out.write(handle);
    if handlers.set_options != 0 {
        let status = verify::call(
            Handler::SetOptions,
            handlers.set_options,
            &[handle, context],
        ) as i32;
        if status != NDIS_STATUS_SUCCESS {
            ledger::remove(Kind::MiniportDriver, handle);
            *REGISTERED.lock() = None;
            out.write(0);
            return status;
        }
    }
    if let Some(registered) = &mut *REGISTERED.lock() {
        registered.in_set_options = false;
    }
    // L-03: the structure was copied; a driver that changes it later, or that put it on its stack,
    // must notice nothing.
    if guest::is_valid(p.addr(), size, true) {
        guest::fill(p.addr() + 4, size - 4, guest::POISON);
    }
    NDIS_STATUS_SUCCESS
}

fn check_handlers(call: &Call, handlers: &Handlers) -> bool {
    let mut good = true;
    for (name, address) in handlers.mandatory() {
        good &= verify::check("L-02", address != 0, || {
            call.text(&format!("{name} is NULL"))
        });
    }
    good &= verify::check(
        "L-02",
        handlers.check_for_hang == 0 || handlers.reset != 0,
        || call.text("CheckForHangHandlerEx without ResetHandlerEx"),
    );
    good &= verify::check(
        "L-02",
        (handlers.direct_oid == 0) == (handlers.cancel_direct_oid == 0),
        || call.text("one of DirectOidRequestHandler and CancelDirectOidRequestHandler"),
    );
    good
}

fn set_optional(call: &Call, handle: u64, optional: Ptr<NDIS_OBJECT_HEADER>) -> i32 {
    let ours = REGISTERED
        .lock()
        .is_some_and(|r| r.handle == handle && r.in_set_options);
    if !verify::check("L-04", ours, || {
        call.text("called with another handle, or outside MiniportSetOptions")
    }) {
        return NDIS_STATUS_FAILURE;
    }
    let kind = header::kind(optional);
    match kind {
        NDIS_OBJECT_TYPE_MINIPORT_PNP_CHARACTERISTICS => {
            if header::check("G-06", call.name(), optional, kind, &[44]).is_none() {
                return NDIS_STATUS_BAD_VERSION;
            }
            let seen: NDIS_MINIPORT_PNP_CHARACTERISTICS = guest::read_prefix(optional.addr(), 44);
            if let Some(registered) = &mut *REGISTERED.lock() {
                registered.pnp = PnpHandlers::new(&seen);
            }
            NDIS_STATUS_SUCCESS
        }
        NDIS_OBJECT_TYPE_MINIPORT_SS_CHARACTERISTICS => {
            // Selective suspend: the host never idles a device, so the handlers are not called.
            match header::check("G-06", call.name(), optional, kind, &[24]) {
                Some(_) => NDIS_STATUS_SUCCESS,
                None => NDIS_STATUS_BAD_VERSION,
            }
        }
        _ => NDIS_STATUS_NOT_SUPPORTED,
    }
}

static DESCRIPTION: IrqSpin<String> = IrqSpin::new(String::new());

/// Sets the device description of the INF.
pub fn set_description(text: &str) {
    let text = String::from(text);
    let old = core::mem::replace(&mut *DESCRIPTION.lock(), text);
    drop(old);
}

/// The device description of the INF.
pub fn description() -> String {
    DESCRIPTION.lock().clone()
}
