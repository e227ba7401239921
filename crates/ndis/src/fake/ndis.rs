// SPDX-License-Identifier: MIT OR Apache-2.0
//! The part of ndis.sys.

use core::ptr::null_mut;
use std::boxed::Box;
use std::vec::Vec;

use super::{Host, List, add, deliver_sg_at, fails, handle, host, interrupt, run_due};
use crate::ffi::*;
use crate::sys::ndis::NdisImports;

impl NdisImports for Host {
    fn NdisGetVersion() -> u32 {
        host(|h| h.version)
    }
    fn NdisMRegisterMiniportDriver(
        _: *mut DRIVER_OBJECT,
        _: *mut UNICODE_STRING,
        _: NDIS_HANDLE,
        raw: *mut NDIS_MINIPORT_DRIVER_CHARACTERISTICS,
        driver: *mut NDIS_HANDLE,
    ) -> NDIS_STATUS {
        if fails("NdisMRegisterMiniportDriver") {
            return NDIS_STATUS_RESOURCES;
        }
        add("driver", 1);
        // SAFETY: the crate's characteristics.
        host(|h| h.driver = Some(unsafe { *raw }));
        // SAFETY: the crate's out-parameter.
        unsafe { *driver = handle(0xD1) };
        NDIS_STATUS_SUCCESS
    }
    fn NdisMDeregisterMiniportDriver(_: NDIS_HANDLE) {
        add("driver", -1);
    }
    fn NdisMSetMiniportAttributes(
        _: NDIS_HANDLE,
        raw: *mut NDIS_MINIPORT_ADAPTER_ATTRIBUTES,
    ) -> NDIS_STATUS {
        // SAFETY: the crate's attributes.
        let raw = unsafe { *raw };
        // SAFETY: the header is the first member of every variant.
        let header = unsafe { raw.Header };
        if header.Type == NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES {
            // SAFETY: the type says which variant.
            let raw = unsafe { raw.RegistrationAttributes };
            host(|h| h.adapter_context = raw.MiniportAdapterContext.expose_provenance());
        }
        NDIS_STATUS_SUCCESS
    }
    fn NdisMRegisterInterruptEx(
        _: NDIS_HANDLE,
        context: NDIS_HANDLE,
        raw: *mut NDIS_MINIPORT_INTERRUPT_CHARACTERISTICS,
        out: *mut NDIS_HANDLE,
    ) -> NDIS_STATUS {
        // SAFETY: the crate's characteristics, used for this call only.
        let raw = unsafe { &mut *raw };
        assert_eq!(
            (raw.Header.Type, raw.Header.Revision, raw.Header.Size),
            (0x84, 1, 96)
        );
        if fails("NdisMRegisterInterruptEx") {
            return NDIS_STATUS_RESOURCE_CONFLICT;
        }
        if host(|h| h.early_interrupts) {
            interrupt(raw, context);
        }
        // SAFETY: the crate's out-parameter.
        unsafe { *out = handle(0x111) };
        if host(|h| h.early_interrupts) {
            interrupt(raw, context);
        }
        let (kind, messages) = host(|h| h.grant).unwrap_or((NDIS_CONNECT_LINE_BASED, 0));
        raw.InterruptType = kind;
        if messages > 0 {
            let mut table = Box::new(IO_INTERRUPT_MESSAGE_INFO::zeroed());
            table.MessageCount = messages;
            raw.MessageInfoTable = Box::into_raw(table);
        }
        host(|h| h.interrupt = Some((*raw, context.expose_provenance())));
        add("interrupt", 1);
        NDIS_STATUS_SUCCESS
    }
    fn NdisMDeregisterInterruptEx(out: NDIS_HANDLE) {
        assert_eq!(out.addr(), 0x111);
        add("interrupt", -1);
    }
    fn NdisMQueueDpcEx(
        _: NDIS_HANDLE,
        message: u32,
        to: *mut GROUP_AFFINITY,
        _: *mut c_void,
    ) -> KAFFINITY {
        // SAFETY: the crate's argument.
        let to = unsafe { *to };
        host(|h| h.dpcs.push((message, to.Group, to.Mask)));
        to.Mask
    }
    fn NdisMSynchronizeWithInterruptEx(
        _: NDIS_HANDLE,
        _: u32,
        function: Option<MINIPORT_SYNCHRONIZE_INTERRUPT>,
        context: *mut c_void,
    ) -> BOOLEAN {
        // SAFETY: the crate's routine with its context, called once.
        unsafe { function.expect("a routine")(context) }
    }
    fn NdisMSendNetBufferListsComplete(_: NDIS_HANDLE, head: *mut NET_BUFFER_LIST, flags: u32) {
        let mut at = head;
        // SAFETY: NBLs handed back.
        while let Some(nbl) = unsafe { at.as_ref() } {
            host(|h| h.completed.push((at.addr(), nbl.status(), flags)));
            at = nbl.next();
        }
    }
    fn NdisMIndicateReceiveNetBufferLists(
        _: NDIS_HANDLE,
        head: *mut NET_BUFFER_LIST,
        _: NDIS_PORT_NUMBER,
        number: u32,
        flags: u32,
    ) {
        host(|h| {
            h.indicated.push((number, flags));
            h.indicated_head = head.expose_provenance();
        });
    }
    fn NdisMIndicateStatusEx(_: NDIS_HANDLE, raw: *mut NDIS_STATUS_INDICATION) {
        // SAFETY: the crate's indication.
        let raw = unsafe { *raw };
        let bytes = match raw.StatusBufferSize as usize {
            0 => Vec::new(),
            // SAFETY: the crate's payload of this size.
            n => unsafe { core::slice::from_raw_parts(raw.StatusBuffer.cast::<u8>(), n) }.to_vec(),
        };
        host(|h| h.status.push((raw.StatusCode, bytes)));
    }
    fn NdisMOidRequestComplete(_: NDIS_HANDLE, _: *mut NDIS_OID_REQUEST, status: NDIS_STATUS) {
        host(|h| h.oid_completions.push(status));
    }
    fn NdisMPauseComplete(_: NDIS_HANDLE) {
        host(|h| h.log.push("pause complete"));
    }
    fn NdisMGetBusData(_: NDIS_HANDLE, _: u32, _: u32, _: *mut c_void, _: u32) -> u32 {
        u32::MAX
    }
    fn NdisAllocateNetBufferListPool(
        _: NDIS_HANDLE,
        raw: *const NET_BUFFER_LIST_POOL_PARAMETERS,
    ) -> NDIS_HANDLE {
        // SAFETY: the crate's parameters.
        assert_eq!(unsafe { (*raw).Header.Size }, 16);
        if fails("NdisAllocateNetBufferListPool") {
            return null_mut();
        }
        add("pool", 1);
        handle(0x9001)
    }
    fn NdisFreeNetBufferListPool(_: NDIS_HANDLE) {
        host(|h| assert_eq!(h.alive.get("nbl").copied().unwrap_or(0), 0, "H-07"));
        add("pool", -1);
    }
    fn NdisAllocateNetBufferAndNetBufferList(
        _: NDIS_HANDLE,
        _: u16,
        _: u16,
        mdl: *mut MDL,
        _: u32,
        _: usize,
    ) -> *mut NET_BUFFER_LIST {
        if fails("NdisAllocateNetBufferAndNetBufferList") {
            return null_mut();
        }
        add("nbl", 1);
        let mut nb = Box::new(NET_BUFFER::zeroed());
        nb.set_data(mdl, 0, 0);
        let mut nbl = Box::new(NET_BUFFER_LIST::zeroed());
        nbl.set_first_net_buffer(Box::into_raw(nb));
        Box::into_raw(nbl)
    }
    fn NdisFreeNetBufferList(nbl: *mut NET_BUFFER_LIST) {
        add("nbl", -1);
        // SAFETY: made by the allocation above.
        let nbl = unsafe { Box::from_raw(nbl) };
        // SAFETY: as above.
        drop(unsafe { Box::from_raw(nbl.first_net_buffer()) });
    }
    fn NdisAllocateMdl(_: NDIS_HANDLE, address: *mut c_void, length: u32) -> *mut MDL {
        if fails("NdisAllocateMdl") {
            return null_mut();
        }
        add("mdl", 1);
        let mut mdl = Box::new(MDL::zeroed());
        mdl.MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
        mdl.MappedSystemVa = address;
        mdl.ByteCount = length;
        Box::into_raw(mdl)
    }
    fn NdisFreeMdl(mdl: *mut MDL) {
        add("mdl", -1);
        // SAFETY: made by the allocation above.
        drop(unsafe { Box::from_raw(mdl) });
    }
    fn NdisMRegisterScatterGatherDma(
        _: NDIS_HANDLE,
        raw: *mut NDIS_SG_DMA_DESCRIPTION,
        out: *mut NDIS_HANDLE,
    ) -> NDIS_STATUS {
        if fails("NdisMRegisterScatterGatherDma") {
            return NDIS_STATUS_RESOURCES;
        }
        add("dma", 1);
        // SAFETY: the crate's description.
        host(|h| h.sg_handler = unsafe { (*raw).ProcessSGListHandler });
        // SAFETY: the crate's out-parameter.
        unsafe { *out = handle(0xD3A) };
        NDIS_STATUS_SUCCESS
    }
    fn NdisMDeregisterScatterGatherDma(_: NDIS_HANDLE) {
        host(|h| {
            assert_eq!(h.alive.get("sg").copied().unwrap_or(0), 0, "G-28");
            assert_eq!(
                h.alive.get("shared memory").copied().unwrap_or(0),
                0,
                "H-04"
            );
        });
        add("dma", -1);
    }
    fn NdisMAllocateNetBufferSGList(
        _: NDIS_HANDLE,
        _: *mut NET_BUFFER,
        context: *mut c_void,
        _: u32,
        _: *mut c_void,
        _: u32,
    ) -> NDIS_STATUS {
        if fails("NdisMAllocateNetBufferSGList") {
            return NDIS_STATUS_RESOURCES;
        }
        add("sg", 1);
        let context = context.expose_provenance();
        if host(|h| h.defer_sg) {
            host(|h| h.sg_waiting.push(context));
        } else {
            deliver_sg_at(context);
        }
        NDIS_STATUS_SUCCESS
    }
    fn NdisMFreeNetBufferSGList(
        _: NDIS_HANDLE,
        list: *mut SCATTER_GATHER_LIST,
        _: *mut NET_BUFFER,
    ) {
        assert_eq!(host(|h| h.irql), DISPATCH_LEVEL, "DM-09");
        add("sg", -1);
        // SAFETY: made by `deliver_sg`.
        drop(unsafe { Box::from_raw(list.cast::<List>()) });
    }
    fn NdisMAllocateSharedMemory(
        _: NDIS_HANDLE,
        length: u32,
        _: BOOLEAN,
        address: *mut *mut c_void,
        logical: *mut LARGE_INTEGER,
    ) {
        if fails("NdisMAllocateSharedMemory") {
            return;
        }
        add("shared memory", 1);
        let words = std::vec![u64::MAX; (length as usize).div_ceil(8)].into_boxed_slice();
        // SAFETY: the crate's out-parameters.
        unsafe { *address = Box::into_raw(words).cast() };
        // SAFETY: as above.
        unsafe { *logical = LARGE_INTEGER::new(0x1_0000_0000) };
    }
    fn NdisMFreeSharedMemory(
        _: NDIS_HANDLE,
        length: u32,
        _: BOOLEAN,
        address: *mut c_void,
        _: LARGE_INTEGER,
    ) {
        add("shared memory", -1);
        let words = core::ptr::slice_from_raw_parts_mut(
            address.cast::<u64>(),
            (length as usize).div_ceil(8),
        );
        // SAFETY: made by the allocation above with this length.
        drop(unsafe { Box::from_raw(words) });
    }
    fn NdisMMapIoSpace(
        address: *mut *mut c_void,
        _: NDIS_HANDLE,
        _: LARGE_INTEGER,
        length: u32,
    ) -> NDIS_STATUS {
        if fails("NdisMMapIoSpace") {
            return NDIS_STATUS_RESOURCE_CONFLICT;
        }
        if host(|h| h.null_address) {
            return NDIS_STATUS_SUCCESS;
        }
        add("io space", 1);
        let words = std::vec![0x5555_AAAA_u32; (length as usize).div_ceil(4)].into_boxed_slice();
        // SAFETY: the crate's out-parameter.
        unsafe { *address = Box::into_raw(words).cast() };
        NDIS_STATUS_SUCCESS
    }
    fn NdisMUnmapIoSpace(_: NDIS_HANDLE, address: *mut c_void, length: u32) {
        add("io space", -1);
        let words = core::ptr::slice_from_raw_parts_mut(
            address.cast::<u32>(),
            (length as usize).div_ceil(4),
        );
        // SAFETY: made by the mapping above with this length.
        drop(unsafe { Box::from_raw(words) });
    }
    fn NdisAllocateTimerObject(
        _: NDIS_HANDLE,
        raw: *mut NDIS_TIMER_CHARACTERISTICS,
        out: *mut NDIS_HANDLE,
    ) -> NDIS_STATUS {
        if fails("NdisAllocateTimerObject") {
            return NDIS_STATUS_RESOURCES;
        }
        add("timer", 1);
        // SAFETY: the crate's characteristics.
        host(|h| h.timer = Some((unsafe { *raw }, false)));
        // SAFETY: the crate's out-parameter.
        unsafe { *out = handle(0x71) };
        NDIS_STATUS_SUCCESS
    }
    fn NdisSetTimerObject(_: NDIS_HANDLE, due: LARGE_INTEGER, _: i32, _: *mut c_void) -> BOOLEAN {
        assert!(due.value() <= 0, "relative");
        host(|h| {
            BOOLEAN::from(
                h.timer
                    .as_mut()
                    .is_some_and(|t| core::mem::replace(&mut t.1, true)),
            )
        })
    }
    fn NdisCancelTimerObject(_: NDIS_HANDLE) -> BOOLEAN {
        if fails("NdisCancelTimerObject") {
            return FALSE;
        }
        host(|h| {
            BOOLEAN::from(
                h.timer
                    .as_mut()
                    .is_some_and(|t| core::mem::replace(&mut t.1, false)),
            )
        })
    }
    fn NdisFreeTimerObject(_: NDIS_HANDLE) {
        host(|h| assert!(h.timer.take().is_some_and(|t| !t.1), "K-06"));
        add("timer", -1);
    }
    fn NdisAllocateIoWorkItem(_: NDIS_HANDLE) -> NDIS_HANDLE {
        if fails("NdisAllocateIoWorkItem") {
            return null_mut();
        }
        add("work item", 1);
        handle(0x30)
    }
    fn NdisQueueIoWorkItem(
        _: NDIS_HANDLE,
        routine: Option<NDIS_IO_WORKITEM_FUNCTION>,
        context: *mut c_void,
    ) {
        let context = context.expose_provenance();
        host(|h| {
            assert!(
                h.work
                    .replace((routine.expect("a routine"), context))
                    .is_none(),
                "queued twice"
            )
        });
    }
    fn NdisFreeIoWorkItem(_: NDIS_HANDLE) {
        host(|h| assert!(h.work.is_none(), "H-06"));
        add("work item", -1);
    }
    fn NdisMSleep(_: u32) {
        assert_eq!(host(|h| h.irql), PASSIVE_LEVEL);
        host(|h| h.sleeps += 1);
        run_due();
    }
    fn NdisOpenConfigurationEx(
        _: *mut NDIS_CONFIGURATION_OBJECT,
        out: *mut NDIS_HANDLE,
    ) -> NDIS_STATUS {
        if fails("NdisOpenConfigurationEx") {
            return NDIS_STATUS_FAILURE;
        }
        add("configuration", 1);
        // SAFETY: the crate's out-parameter.
        unsafe { *out = handle(0xC0) };
        NDIS_STATUS_SUCCESS
    }
    fn NdisCloseConfiguration(_: NDIS_HANDLE) {
        add("configuration", -1);
    }
    fn NdisReadConfiguration(
        status: *mut NDIS_STATUS,
        out: *mut *mut NDIS_CONFIGURATION_PARAMETER,
        _: NDIS_HANDLE,
        keyword: *mut UNICODE_STRING,
        kind: NDIS_PARAMETER_TYPE,
    ) {
        // SAFETY: the crate's keyword.
        let keyword = unsafe { *keyword };
        // SAFETY: as above.
        let text =
            unsafe { core::slice::from_raw_parts(keyword.Buffer, usize::from(keyword.Length / 2)) };
        let name = std::string::String::from_utf16_lossy(text);
        let Some(value) = host(|h| h.keywords.get(name.as_str()).copied()) else {
            return;
        };
        let mut parameter = NDIS_CONFIGURATION_PARAMETER::zeroed();
        parameter.ParameterType = if name == "wrong type" {
            NdisParameterBinary
        } else {
            kind
        };
        parameter.ParameterData.IntegerData = value;
        // SAFETY: the crate's out-parameters; leaked, as NDIS' storage outlives the call.
        unsafe { *out = Box::into_raw(Box::new(parameter)) };
        // SAFETY: as above.
        unsafe { *status = NDIS_STATUS_SUCCESS };
    }
    fn NdisReadNetworkAddress(
        status: *mut NDIS_STATUS,
        address: *mut *mut c_void,
        length: *mut u32,
        _: NDIS_HANDLE,
    ) {
        let bytes = host(|h| h.address.clone());
        // SAFETY: the crate's out-parameters; leaked, as NDIS' storage outlives the call.
        unsafe { *length = bytes.len() as u32 };
        // SAFETY: as above.
        unsafe { *address = Box::into_raw(bytes.into_boxed_slice()).cast() };
        // SAFETY: as above.
        unsafe { *status = NDIS_STATUS_SUCCESS };
    }
}
