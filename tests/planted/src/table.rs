// SPDX-License-Identifier: MIT OR Apache-2.0
//! The planted faults: number, name, and what the checked host must say. The driver and the test that runs it both
//! include this file. Pure data.

/// One planted fault.
#[allow(dead_code, reason = "for the test; the driver needs the numbers alone")]
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Value of the keyword `PlantedFault`.
    pub number: u32,
    /// Name.
    pub name: &'static str,
    /// Rules that must be violated, all of them.
    pub rules: &'static [&'static str],
    /// Rules that may be violated as well: what the fault brings with it.
    pub also: &'static [&'static str],
    /// What the reason of the failure must contain.
    pub says: &'static str,
    /// Exit status of `./dev vm`.
    pub status: u8,
    /// More options of `./dev vm`.
    pub options: &'static [&'static str],
}

/// `NAME = number: rules, also [rules], says "text", status n, options [options];`, all but the rules left out at will.
macro_rules! faults {
    ($(
        $(#[doc = $what:literal])+
        $name:ident = $number:literal: [$($rule:literal),*]
        $(, also [$($also:literal),*])?
        $(, says $says:literal)?
        $(, status $status:literal)?
        $(, options [$($option:literal),*])?
        ;
    )+) => {
        $($(#[doc = $what])+ #[allow(dead_code, reason = "the driver or the test needs it")] pub const $name: u32 = $number;)+

        /// All of them.
        #[allow(dead_code, reason = "the test needs it")]
        pub const FAULTS: &[Fault] = &[$(Fault {
            number: $number,
            name: stringify!($name),
            rules: &[$($rule),*],
            also: &[$($($also),*)?],
            says: concat!($($says)?),
            // Without a number of its own, 1.
            status: first!($($status,)? 1),
            options: &[$($($option),*)?],
        }),+];
    };
}

macro_rules! first {
    ($first:literal $(, $rest:literal)*) => {
        $first
    };
}

faults! {
    /// Nothing is planted.
    NONE = 0: [], status 0;

    // Memory and objects.
    /// A pool allocation is never freed.
    POOL_LEAKED = 1: ["V-04"];
    /// One receive NBL is never freed, its pool is.
    NBL_LEAKED = 2: ["H-07"], also ["V-04"];
    /// The timer is set when it is freed.
    TIMER_ARMED = 3: ["H-05"];
    /// The configuration is never closed.
    CONFIGURATION_OPEN = 4: ["V-04"];
    /// The shared memory is never freed.
    SHARED_MEMORY_LEAKED = 5: ["DM-03"], also ["V-04"];
    /// The shared memory is freed with half its length.
    SHARED_MEMORY_LENGTH = 6: ["H-04"];
    /// The interrupt stays registered.
    INTERRUPT_LEFT = 7: ["X-90"], also ["V-04"];
    /// The registers stay mapped.
    IO_SPACE_LEFT = 8: ["V-04"];
    /// An allocation is freed twice.
    DOUBLE_FREE = 9: ["V-01"];
    /// One byte behind an allocation is written.
    OVERRUN = 10: ["V-01"];
    /// An allocation is read after it was freed.
    USE_AFTER_FREE = 11: ["V-01"];
    /// An allocation is freed with another tag.
    WRONG_TAG = 12: ["V-28"];
    /// A work item is freed while it is queued.
    WORK_ITEM_FREED = 14: ["H-06"], options ["--cpus", "1"];
    /// Shared memory is allocated before DMA is registered.
    SHARED_BEFORE_DMA = 15: ["I-03"];
    /// Shared memory is allocated in MiniportRestart.
    SHARED_LATE = 16: ["I-04"];

    // IRQL, locks, registers.
    /// NdisMSleep at DISPATCH_LEVEL.
    SLEEP_AT_DISPATCH = 20: ["V-17"];
    /// NdisMAllocateSharedMemory at DISPATCH_LEVEL.
    SHARED_AT_DISPATCH = 21: ["V-17"];
    /// A spin lock is held when the send handler returns.
    LOCK_KEPT = 22: ["G-05"];
    /// A spin lock is acquired by its holder.
    LOCK_RECURSIVE = 23: ["V-06"];
    /// Two locks are taken in both orders.
    LOCK_ORDER = 24: ["V-06"];
    /// Two locks are released in the order of their acquisition.
    LOCK_RELEASE_ORDER = 25: ["K-02"];
    /// A lock that nobody holds is released.
    LOCK_NOT_HELD = 26: ["V-06"];
    /// The RW lock is acquired for writing by its writer.
    RW_LOCK_RECURSIVE = 27: ["V-06"];
    /// The IRQL is raised when the send handler returns.
    IRQL_RAISED = 28: ["G-05"];
    /// RBX is another when MiniportRestart returns.
    RBX_CHANGED = 29: ["G-05"];
    /// XMM6 is another when MiniportRestart returns.
    XMM6_CHANGED = 30: ["G-05"];
    /// The direction flag is set when MiniportRestart returns.
    DIRECTION_FLAG = 31: ["G-05"];
    /// Interrupts are off when MiniportRestart returns.
    INTERRUPTS_OFF = 32: ["G-05"];
    /// Sends are completed with a spin lock held.
    LOCK_OVER_COMPLETION = 33: ["K-01"];
    /// Frames are indicated with a spin lock held.
    LOCK_OVER_INDICATION = 34: ["K-01"];

    // Interrupts.
    /// The message ISR writes neither out-parameter.
    ISR_OUT_PARAMETERS = 40: ["X-23"];
    /// The message ISR returns FALSE.
    MESSAGE_ISR_FALSE = 41: ["X-22"];
    /// The message ISR indicates a status.
    NDIS_IN_ISR = 43: ["X-25"];
    /// The message ISR returns at a raised IRQL.
    ISR_IRQL = 44: ["X-26"];
    /// The line ISR claims what is not its own.
    LINE_ISR_CLAIMS_ALL = 45: ["X-21"], options ["--irq", "line"];
    /// MoreNblsPending is TRUE where there was no limit.
    MORE_PENDING_WITHOUT_LIMIT = 46: ["X-44"];
    /// A DPC indicates more NBLs than MaxNblsToIndicate.
    TOO_MANY_NBLS = 47: ["X-42"];
    /// A DPC is queued for a message that there is not.
    DPC_OF_NO_MESSAGE = 48: ["X-60"];
    /// The characteristics' header is too small.
    INTERRUPT_HEADER = 49: ["X-02"];
    /// Messages are offered without all message handlers.
    MESSAGE_HANDLERS_MISSING = 50: ["X-04"];
    /// The interrupt is registered before the registration attributes.
    REGISTER_BEFORE_ATTRIBUTES = 51: ["X-01"];
    /// NdisMSynchronizeWithInterruptEx from inside its own callback.
    SYNCHRONIZE_NESTED = 52: ["X-73"];

    // Sends.
    /// Sends are never completed.
    NBL_KEPT = 60: ["P-05"], also ["U-07"];
    /// A send is completed twice.
    NBL_COMPLETED_TWICE = 61: ["D-03"];
    /// The DISPATCH_LEVEL flag of completions is the wrong way round.
    WRONG_DISPATCH_FLAG = 62: ["D-09"];
    /// The data of a send is changed.
    SEND_CHANGED = 63: ["D-04"];
    /// A scatter/gather list is never freed.
    SG_LIST_LEAKED = 65: ["G-27"], also ["G-28", "V-04"];
    /// A scatter/gather list is asked for at PASSIVE_LEVEL.
    SG_LIST_AT_PASSIVE = 66: ["V-17"], also ["G-27", "G-28", "V-04"];

    // Receives.
    /// A frame is indicated before the first restart.
    RECEIVED_IN_PAUSED = 70: ["P-08"], also ["D-36"];
    /// The count of an indication is one too many.
    WRONG_COUNT = 71: ["D-30"];
    /// Indicated NBLs have no source handle.
    SOURCE_HANDLE = 72: ["D-30"];
    /// The MDL is shorter than the data.
    MDL_TOO_SHORT = 73: ["D-30"];
    /// A frame without a whole header is indicated.
    RUNT_INDICATED = 74: ["D-37"];

    // OIDs, status, life cycle.
    /// General attributes are never set.
    NO_GENERAL_ATTRIBUTES = 80: ["I-02"];
    /// A status indication has the wrong header.
    STATUS_HEADER = 81: ["U-01"];
    /// A query writes beyond its buffer.
    OID_WRITES_BEYOND = 82: ["V-01"];
    /// BytesWritten is above the length of the buffer.
    OID_BYTES_WRITTEN = 83: ["O-05"];
    /// A request is completed twice.
    OID_COMPLETED_TWICE = 84: ["N-02"];
    /// A request is completed, and its status returned.
    OID_COMPLETED_AND_RETURNED = 85: ["N-02"];
    /// A packet filter of unsupported bits is accepted.
    FILTER_UNCHECKED = 86: ["O-06"];
    /// A set that is mandatory is answered as if the OID were unknown.
    LOOKAHEAD_NOT_SET = 89: ["O-12"], says "mandatory set";
    /// The statistics miss what was sent.
    STATISTICS_WRONG = 87: ["U-07"];
    /// NdisMPauseComplete after MiniportPause returned SUCCESS.
    PAUSE_COMPLETED_UNASKED = 88: ["P-02"];

    // Pageable sections, touched below DISPATCH_LEVEL in every run.
    /// Code in a PAGE section is executed at DISPATCH_LEVEL.
    PAGED_CODE = 97: ["V-02"], says "PAGE";
    /// Data in a PAGE section is read at DISPATCH_LEVEL.
    PAGED_DATA = 98: ["V-02"], says "PAGEDATA";

    // The end of the driver.
    /// NULL is written to.
    NULL_DEREFERENCE = 90: ["V-01"], says "planted_miniport.sys+0x";
    /// An instruction that there is not.
    ILLEGAL_INSTRUCTION = 91: ["V-28"], says "planted_miniport.sys+0x";
    /// KeBugCheckEx.
    BUGCHECK = 92: ["V-28"], says "bugcheck 0xE2";
    /// A function that the host does not play.
    UNSUPPORTED_EXPORT = 93: [], says "NdisMAllocatePort", status 2;
    /// MiniportRestart never returns.
    HANG = 94: [], says "MiniportRestart", status 2, options ["--time-limit", "8"];
}
