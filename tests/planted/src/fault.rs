// SPDX-License-Identifier: MIT OR Apache-2.0
//! The faults that need more than a condition where they happen.

use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use ndis::ffi::*;
use ndis::sys::{ndis as sys, nt};

use crate::adapter::{self, Adapter, TAG};
use crate::table::*;
use crate::{data, header};

#[link(name = "ntoskrnl", kind = "raw-dylib")]
unsafe extern "system" {
    fn KeBugCheckEx(code: u32, a: usize, b: usize, c: usize, d: usize) -> !;
}

/// The chosen one.
static FAULT: AtomicU32 = AtomicU32::new(NONE);
/// [`once`] was true.
static DONE: AtomicBool = AtomicBool::new(false);

/// Sets the fault of this run.
pub fn choose(number: u32) {
    FAULT.store(number, Ordering::Relaxed);
}

/// This fault is planted.
pub fn is(number: u32) -> bool {
    FAULT.load(Ordering::Relaxed) == number
}

/// This fault is planted, and this is the first time that it is asked for.
pub fn once(number: u32) -> bool {
    is(number) && !DONE.swap(true, Ordering::Relaxed)
}

/// `status`, whatever the call before returned.
pub fn after(_: NDIS_STATUS, status: NDIS_STATUS) -> NDIS_STATUS {
    status
}

unsafe fn pool(bytes: usize) -> *mut c_void {
    nt::ExAllocatePool2(POOL_FLAG_NON_PAGED, bytes, TAG)
}

/// At the end of a successful MiniportInitializeEx. PASSIVE_LEVEL.
pub unsafe fn at_initialize(a: *mut Adapter) {
    match FAULT.load(Ordering::Relaxed) {
        POOL_LEAKED => drop(pool(100)),
        DOUBLE_FREE => {
            let memory = pool(100);
            nt::ExFreePoolWithTag(memory, TAG);
            nt::ExFreePoolWithTag(memory, TAG);
        }
        OVERRUN => {
            let memory = pool(13);
            memory.cast::<u8>().add(13).write_volatile(1);
            nt::ExFreePoolWithTag(memory, TAG);
        }
        USE_AFTER_FREE => {
            let memory = pool(100);
            nt::ExFreePoolWithTag(memory, TAG);
            (*a).dropped = u64::from(memory.cast::<u8>().read_volatile());
        }
        WRONG_TAG => nt::ExFreePoolWithTag(pool(100), TAG + 1),
        SHARED_AT_DISPATCH => {
            let (mut address, mut logical) = (null_mut(), LARGE_INTEGER::new(0));
            let old = nt::KfRaiseIrql(DISPATCH_LEVEL);
            let handle = (*a).handle;
            sys::NdisMAllocateSharedMemory(handle, 64, TRUE, &raw mut address, &raw mut logical);
            nt::KeLowerIrql(old);
            if !address.is_null() {
                sys::NdisMFreeSharedMemory(handle, 64, TRUE, address, logical);
            }
        }
        DPC_OF_NO_MESSAGE => {
            let mut targets = GROUP_AFFINITY::zeroed();
            targets.Mask = 1;
            sys::NdisMQueueDpcEx((*a).interrupt, 7, &raw mut targets, null_mut());
        }
        SYNCHRONIZE_NESTED => {
            sys::NdisMSynchronizeWithInterruptEx((*a).interrupt, 0, Some(synchronized), a.cast());
        }
        STATUS_HEADER => status(a, 4),
        UNSUPPORTED_EXPORT => {
            let mut port = NDIS_PORT_CHARACTERISTICS::zeroed();
            sys::NdisMAllocatePort((*a).handle, &raw mut port);
        }
        NULL_DEREFERENCE => core::arch::asm!("mov byte ptr [{0}], 1", in(reg) 8_usize),
        ILLEGAL_INSTRUCTION => core::arch::asm!("ud2"),
        BUGCHECK => KeBugCheckEx(0xE2, 1, 2, 3, 4),
        _ => {}
    }
}

/// Indicates that nothing has changed about the link, with this many bytes less in the header.
unsafe fn status(a: *mut Adapter, less: u16) {
    let mut indication = NDIS_STATUS_INDICATION::zeroed();
    indication.Header = header(
        NDIS_OBJECT_TYPE_STATUS_INDICATION,
        NDIS_STATUS_INDICATION_REVISION_1,
        NDIS_SIZEOF_STATUS_INDICATION_REVISION_1 - less,
    );
    indication.SourceHandle = (*a).handle;
    indication.StatusCode = NDIS_STATUS_NETWORK_CHANGE;
    let mut change = NdisPossibleNetworkChange;
    indication.StatusBuffer = (&raw mut change).cast();
    indication.StatusBufferSize = 4;
    sys::NdisMIndicateStatusEx((*a).handle, &raw mut indication);
}

unsafe extern "system" fn synchronized(context: NDIS_HANDLE) -> BOOLEAN {
    let a: *mut Adapter = context.cast();
    if !(*a).scratch.is_null() {
        return TRUE;
    }
    (*a).scratch = a.cast();
    sys::NdisMSynchronizeWithInterruptEx((*a).interrupt, 0, Some(synchronized), context)
}

/// In MiniportRestart. PASSIVE_LEVEL.
pub unsafe fn at_restart(a: *mut Adapter) {
    match FAULT.load(Ordering::Relaxed) {
        SHARED_LATE => {
            let (mut address, mut logical) = (null_mut(), LARGE_INTEGER::new(0));
            let handle = (*a).handle;
            sys::NdisMAllocateSharedMemory(handle, 64, TRUE, &raw mut address, &raw mut logical);
            if !address.is_null() {
                sys::NdisMFreeSharedMemory(handle, 64, TRUE, address, logical);
            }
        }
        SLEEP_AT_DISPATCH => {
            let old = nt::KfRaiseIrql(DISPATCH_LEVEL);
            sys::NdisMSleep(10);
            nt::KeLowerIrql(old);
        }
        LOCK_RECURSIVE => {
            let old = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).lock);
            nt::KeAcquireSpinLockAtDpcLevel(&raw mut (*a).lock);
            nt::KeReleaseSpinLock(&raw mut (*a).lock, old);
        }
        LOCK_ORDER => {
            for swapped in [false, true] {
                let (first, second) = if swapped {
                    (&raw mut (*a).other_lock, &raw mut (*a).lock)
                } else {
                    (&raw mut (*a).lock, &raw mut (*a).other_lock)
                };
                let old = nt::KeAcquireSpinLockRaiseToDpc(first);
                nt::KeAcquireSpinLockAtDpcLevel(second);
                nt::KeReleaseSpinLockFromDpcLevel(second);
                nt::KeReleaseSpinLock(first, old);
            }
        }
        LOCK_RELEASE_ORDER => {
            let outer = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).lock);
            let inner = nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).other_lock);
            nt::KeReleaseSpinLock(&raw mut (*a).lock, inner);
            nt::KeReleaseSpinLock(&raw mut (*a).other_lock, outer);
        }
        LOCK_NOT_HELD => {
            let old = nt::KfRaiseIrql(DISPATCH_LEVEL);
            nt::KeReleaseSpinLockFromDpcLevel(&raw mut (*a).other_lock);
            nt::KeLowerIrql(old);
        }
        RW_LOCK_RECURSIVE => {
            let lock = sys::NdisAllocateRWLock((*a).handle);
            let mut states = [LOCK_STATE_EX::zeroed(); 2];
            sys::NdisAcquireRWLockWrite(lock, &raw mut states[0], 0);
            sys::NdisAcquireRWLockWrite(lock, &raw mut states[1], 0);
            sys::NdisReleaseRWLock(lock, &raw mut states[1]);
            sys::NdisReleaseRWLock(lock, &raw mut states[0]);
            sys::NdisFreeRWLock(lock);
        }
        HANG => loop {
            core::hint::spin_loop();
        },
        _ => {}
    }
}

/// In MiniportHaltEx, before anything is released. PASSIVE_LEVEL.
pub unsafe fn at_halt(a: *mut Adapter) {
    if is(WORK_ITEM_FREED) {
        let item = sys::NdisAllocateIoWorkItem((*a).handle);
        sys::NdisQueueIoWorkItem(item, Some(work), null_mut());
        sys::NdisFreeIoWorkItem(item);
    }
}

unsafe extern "system" fn work(_: *mut c_void, _: NDIS_HANDLE) {}

/// The timer's function; no fault lets it come to that.
pub unsafe extern "system" fn timer(
    _: *mut c_void,
    _: *mut c_void,
    _: *mut c_void,
    _: *mut c_void,
) {
}

/// In the message ISR. DIRQL.
pub unsafe fn in_isr(a: *mut Adapter) {
    if once(NDIS_IN_ISR) {
        status(a, 0);
    }
    if once(ISR_IRQL) {
        nt::KfRaiseIrql(nt::KeGetCurrentIrql() + 1);
    }
}

/// In the send handler, with the NBLs not yet completed. At most DISPATCH_LEVEL.
pub unsafe fn in_send(a: *mut Adapter, nbls: *mut NET_BUFFER_LIST) {
    let nb = (*nbls).first_net_buffer();
    if once(SEND_CHANGED) {
        let mdl = (*nb).current_mdl();
        (*mdl)
            .MappedSystemVa
            .cast::<u8>()
            .add((*nb).current_mdl_offset() as usize)
            .write_volatile(0xEE);
    }
    if once(SG_LIST_LEAKED) {
        let old = nt::KfRaiseIrql(DISPATCH_LEVEL);
        sys::NdisMAllocateNetBufferSGList((*a).dma, nb, nb.cast(), 1, null_mut(), 0);
        nt::KeLowerIrql(old);
    }
    if is(SG_LIST_AT_PASSIVE) && nt::KeGetCurrentIrql() == PASSIVE_LEVEL && once(SG_LIST_AT_PASSIVE)
    {
        sys::NdisMAllocateNetBufferSGList((*a).dma, nb, nb.cast(), 1, null_mut(), 0);
    }
}

/// At the end of the send handler. At most DISPATCH_LEVEL.
pub unsafe fn after_send(a: *mut Adapter) {
    if nt::KeGetCurrentIrql() != PASSIVE_LEVEL {
        return;
    }
    if once(LOCK_KEPT) {
        nt::KeAcquireSpinLockRaiseToDpc(&raw mut (*a).other_lock);
    }
    if once(IRQL_RAISED) {
        nt::KfRaiseIrql(DISPATCH_LEVEL);
    }
}

/// In MiniportOidRequest. PASSIVE_LEVEL.
pub unsafe fn in_oid(a: *mut Adapter) {
    if !(*a).running && once(RECEIVED_IN_PAUSED) {
        data::indicate_one(a);
    }
}

/// MiniportRestart, and then what a compiler would not do.
#[unsafe(naked)]
pub unsafe extern "system" fn restart_and_clobber(
    context: NDIS_HANDLE,
    parameters: *mut NDIS_MINIPORT_RESTART_PARAMETERS,
) -> NDIS_STATUS {
    core::arch::naked_asm!(
        "sub rsp, 40",
        "call {restart}",
        "add rsp, 40",
        "mov ecx, dword ptr [rip + {fault}]",
        "cmp ecx, {rbx}",
        "jne 2f",
        "not rbx",
        "2:",
        "cmp ecx, {xmm6}",
        "jne 2f",
        "pcmpeqd xmm6, xmm6",
        "2:",
        "cmp ecx, {direction}",
        "jne 2f",
        "std",
        "2:",
        "cmp ecx, {interrupts}",
        "jne 2f",
        "cli",
        "2:",
        "ret",
        restart = sym adapter::restart,
        fault = sym FAULT,
        rbx = const RBX_CHANGED,
        xmm6 = const XMM6_CHANGED,
        direction = const DIRECTION_FLAG,
        interrupts = const INTERRUPTS_OFF,
    )
}
