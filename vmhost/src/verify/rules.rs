// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of armed contract rules: id and one line of text. Pure data, any IRQL.
//!
//! The ids are those of the project's contract notes (docs/vmhost.md). A rule stands here only if
//! some code evaluates it; a host test looks for each id in the sources. The table is sorted by
//! id, which the compiler checks.

use core::sync::atomic::{AtomicUsize, Ordering};

/// Id and text of one rule.
pub type Rule = (&'static str, &'static str);

/// All armed rules, sorted by id.
pub const RULES: &[Rule] = &[
    ("C-01", "CheckForHang only inspects, and returns soon"),
    (
        "C-04",
        "ResetEx returns a legal status; NdisMResetComplete only after PENDING, once",
    ),
    (
        "C-05",
        "all sends and OIDs are complete before a reset completes",
    ),
    ("C-06", "no spin lock is held when a reset is completed"),
    (
        "C-08",
        "no RESET_START, RESET_END or NDIS 5 link status from the driver",
    ),
    (
        "D-03",
        "each NBL is completed exactly once, in a NULL-terminated chain, to its own adapter",
    ),
    (
        "D-04",
        "NB lists, MDLs and data of a send come back as they were given",
    ),
    (
        "D-06",
        "frames of one flow go out in the order in which they were sent",
    ),
    (
        "D-08",
        "the completion status of a send is legal in the adapter's state",
    ),
    (
        "D-09",
        "SEND_COMPLETE_FLAGS_DISPATCH_LEVEL only at DISPATCH_LEVEL",
    ),
    (
        "D-10",
        "frames that are too long, too short or malformed are completed with an error and not sent",
    ),
    ("D-11", "short frames are padded to 60 bytes with zeros"),
    (
        "D-18",
        "NBL contexts are freed last in, first out, before the NBL is completed",
    ),
    (
        "D-30",
        "indicated NBLs are well formed: source handle, chain, count, MDLs cover the data",
    ),
    (
        "D-31",
        "an indicated NBL belongs to NDIS until it is returned",
    ),
    (
        "D-33",
        "a miniport that is running out of receive buffers has the protocol copy, and goes on receiving",
    ),
    (
        "D-34",
        "RECEIVE_FLAGS_DISPATCH_LEVEL only at DISPATCH_LEVEL",
    ),
    (
        "D-35",
        "per-indication fields of an NBL are set anew each time",
    ),
    (
        "D-36",
        "no indication without packet filter, before restart, in Paused, in low power or after removal",
    ),
    (
        "D-37",
        "no frame above the maximum or below the minimum size is indicated",
    ),
    ("D-40", "frames of one flow come up in their order"),
    (
        "D-42",
        "NBL and NB allocation functions fit the pool's parameters",
    ),
    (
        "D-50",
        "cancelled sends that are not in the ring come back as aborted, and no others",
    ),
    (
        "D-60",
        "every frame of the wire that fits filter and size is indicated once, every byte the same",
    ),
    (
        "D-61",
        "checksum flags of an indicated frame claim nothing that is not true, and what the configuration promises",
    ),
    (
        "D-62",
        "a tag goes out of band where the adapter says so, and only then",
    ),
    (
        "D-63",
        "hash, hash type and processor of an indicated frame are those of the RSS parameters",
    ),
    (
        "D-64",
        "what is sent is on the wire once, every byte as the protocol and its offloads mean it",
    ),
    (
        "DM-01",
        "shared memory is freed once, with the values of its allocation",
    ),
    (
        "DM-02",
        "an SG list is freed once, with the net buffer it was made for",
    ),
    ("DM-03", "nothing is mapped when the DMA registration goes"),
    ("DM-07", "nothing is written outside a DMA buffer"),
    ("DM-10", "no DMA handle is used after it was released"),
    (
        "DM-11",
        "MDL chain, offset and length of a DMA request agree",
    ),
    (
        "DM-12",
        "the device reaches live shared memory and live SG lists, and nothing else",
    ),
    (
        "DM-13",
        "the device is given logical addresses, not physical ones",
    ),
    (
        "G-05",
        "a handler returns with the registers, flags, IRQL and locks it was entered with",
    ),
    (
        "G-06",
        "object headers have a known type, a known revision and at least its size",
    ),
    (
        "G-21",
        "SG lists are made at DISPATCH_LEVEL for owned net buffers, one each",
    ),
    (
        "G-27",
        "an SG list is freed once, before its NBL is completed",
    ),
    (
        "G-28",
        "no SG list is left when scatter/gather DMA is deregistered",
    ),
    ("H-03", "DMA is off before shared memory is freed"),
    (
        "H-04",
        "what is released was acquired, with the same values",
    ),
    (
        "H-05",
        "timers are cancelled and idle when they are freed and when the adapter has halted",
    ),
    (
        "H-06",
        "work items have run when they are freed and when the adapter has halted",
    ),
    ("H-07", "an NBL or NB pool is freed only when it is empty"),
    (
        "H-08",
        "MiniportHaltEx touches no register of a device that was removed",
    ),
    (
        "H-09",
        "no call with the adapter's handle after MiniportHaltEx has returned",
    ),
    ("H-10", "MiniportHaltEx ends within the watchdog's time"),
    ("I-01", "registration attributes come first"),
    (
        "I-02",
        "general attributes are set when MiniportInitializeEx succeeds",
    ),
    (
        "I-03",
        "scatter/gather DMA is registered before shared memory is allocated",
    ),
    (
        "I-04",
        "NdisMAllocateSharedMemory only in MiniportInitializeEx",
    ),
    (
        "I-05",
        "I/O space is mapped in MiniportInitializeEx, from the assigned resources, and unmapped with its length",
    ),
    (
        "I-10",
        "a configuration handle is closed once, and its storage is not used afterwards",
    ),
    ("I-13", "waits for hardware are short stalls or sleeps"),
    ("I-14", "a failing MiniportInitializeEx releases everything"),
    ("I-17", "general attributes are complete and consistent"),
    (
        "IM-01",
        "interrupt moderation is what the keywords and the last set say",
    ),
    (
        "K-01",
        "no spin lock is held across a call that may re-enter the driver",
    ),
    (
        "K-02",
        "spin locks are released last in, first out, with the saved IRQL",
    ),
    ("K-06", "a timer, DPC or work item is idle when it is freed"),
    (
        "K-07",
        "RW locks: write is not recursive, release with the lock state of the acquisition",
    ),
    (
        "L-01",
        "a failing DriverEntry deregisters the miniport driver",
    ),
    ("L-02", "mandatory handlers are given"),
    ("L-03", "the characteristics fit the NDIS version"),
    ("L-04", "optional handlers are set in MiniportSetOptions"),
    (
        "L-06",
        "MiniportDriverUnload deregisters the driver and releases everything",
    ),
    (
        "L-07",
        "ETW registrations, bugcheck callbacks and devices are gone before unload",
    ),
    (
        "N-01",
        "an OID completes with a status that is legal for it",
    ),
    ("N-02", "an OID request is completed once"),
    ("N-04", "an OID request completes within 12 s"),
    ("N-05", "an NBL is completed within 30 s"),
    (
        "N-06",
        "with sends outstanding, one is completed within 22 s",
    ),
    (
        "NP-01",
        "poll objects are registered in MiniportInitializeEx, with a right header and both handlers",
    ),
    (
        "NP-02",
        "a poll object is deregistered once, from MiniportInitializeEx or MiniportHaltEx",
    ),
    (
        "NP-03",
        "polls are requested, and placed, of a registered poll object",
    ),
    ("NP-04", "no poll is requested while notification is off"),
    (
        "NP-05",
        "no interrupt comes while notification is off: only \"notification on\" arms it",
    ),
    (
        "NP-06",
        "a poll keeps to its limits, counts its chains, and leaves reserved members alone",
    ),
    (
        "NP-07",
        "polls come to an end: they do not ask for themselves for ever",
    ),
    ("NP-08", "the processor of a poll object is an active one"),
    (
        "O-02",
        "NdisMOidRequestComplete only for a pending request, not with PENDING",
    ),
    (
        "O-05",
        "BytesWritten never exceeds the buffer; BytesNeeded tells what a short query lacks",
    ),
    (
        "O-06",
        "a set of a wrong length or value fails and changes nothing; BytesRead never exceeds the buffer",
    ),
    (
        "O-07",
        "unknown OIDs and directions are refused; statistics queries work as queries",
    ),
    ("O-11", "no NdisMNetPnPEvent while an OID is open"),
    (
        "O-12",
        "every OID of the supported list, and every mandatory one, is implemented",
    ),
    ("P-01", "MiniportPause returns SUCCESS or PENDING"),
    (
        "P-02",
        "one NdisMPauseComplete after PENDING, none otherwise",
    ),
    (
        "P-03",
        "no receive indication is in progress when pause completes",
    ),
    ("P-04", "all receive NBLs are back when pause completes"),
    ("P-05", "all sends are complete when pause completes"),
    ("P-08", "no receive indication in Paused"),
    (
        "R-01",
        "MiniportRestart returns a legal status; one NdisMRestartComplete after PENDING",
    ),
    (
        "RS-01",
        "frames are indicated on the processor that RSS names for them",
    ),
    ("S-02", "at HIGH_LEVEL only any-IRQL services are used"),
    (
        "S-04",
        "NdisMFreeSharedMemory is not called from MiniportShutdownEx",
    ),
    (
        "S-06",
        "after surprise removal no register is touched, sends and OIDs are refused, a new start works",
    ),
    ("S-07", "registers that read all ones end every loop"),
    ("U-01", "status indications are well formed"),
    (
        "U-02",
        "status indications only between registration attributes and the end of halt",
    ),
    ("U-03", "NDIS_LINK_STATE is well formed"),
    ("U-05", "each change of the link is indicated, once"),
    (
        "U-07",
        "the statistics agree with the frames that went through",
    ),
    (
        "U-11",
        "offloads that are on are within the capabilities, and a change of them is indicated",
    ),
    (
        "V-01",
        "no access outside or after the life of an allocation; slack bytes stay as they were",
    ),
    (
        "V-02",
        "nothing pageable is touched at DISPATCH_LEVEL or above",
    ),
    ("V-04", "everything that was allocated is freed"),
    (
        "V-06",
        "locks: no cycle in their order, no recursion, no foreign or missing owner",
    ),
    ("V-09", "strings given to the system are well formed"),
    ("V-12", "no live system object in freed memory"),
    (
        "V-17",
        "imports are called at the IRQL they are documented for",
    ),
    (
        "V-28",
        "arguments of imports are valid; pool, IRQL and wait functions are used legally",
    ),
    (
        "X-01",
        "interrupts are registered at PASSIVE_LEVEL after the registration attributes",
    ),
    ("X-02", "the interrupt characteristics' header is right"),
    ("X-03", "the line handlers are given"),
    (
        "X-04",
        "the message handlers are given exactly when messages are supported",
    ),
    ("X-05", "an adapter does not start without its interrupt"),
    (
        "X-09",
        "the handlers are right while NdisMRegisterInterruptEx runs, and no cause is lost",
    ),
    (
        "X-101",
        "an interrupt of another device on the line is left to it",
    ),
    (
        "X-102",
        "a line ISR returns FALSE for a device that is asleep or gone",
    ),
    ("X-11", "one registration for each interrupt"),
    (
        "X-113",
        "a filtered requirements list is well formed and keeps memory and ports",
    ),
    (
        "X-117",
        "after a rebalance the adapter works with whatever it is given then",
    ),
    (
        "X-21",
        "an interrupt line is claimed and quieted by its owner, and by nobody else",
    ),
    ("X-22", "a message ISR returns TRUE"),
    ("X-23", "an ISR writes both out-parameters"),
    ("X-24", "an NDIS 6.20 ISR asks for no target processors"),
    ("X-25", "an ISR uses any-IRQL services only"),
    (
        "X-26",
        "an ISR returns at its IRQL with the extended state untouched",
    ),
    ("X-29", "an ISR is short"),
    (
        "X-41",
        "DPCs of a message on several processors lose nothing",
    ),
    ("X-42", "a DPC indicates no more than MaxNblsToIndicate"),
    (
        "X-43",
        "interrupts stay disabled while MoreNblsPending is TRUE, and the recall goes on",
    ),
    (
        "X-44",
        "MoreNblsPending is FALSE when there was no limit, and TRUE or FALSE otherwise",
    ),
    (
        "X-45",
        "no event is lost between the last look and the re-arming of interrupts",
    ),
    (
        "X-46",
        "sends make progress while receives come without end",
    ),
    ("X-47", "the work of one DPC is bounded"),
    (
        "X-49",
        "an interrupt or DPC without work is harmless, and the next event arrives",
    ),
    (
        "X-60",
        "DPCs are queued for a valid message and active processors",
    ),
    (
        "X-62",
        "DPCs come to an end: they do not have themselves run again for ever",
    ),
    ("X-63", "the interrupt handle is valid and registered"),
    (
        "X-71",
        "a synchronised callback and the enable/disable handlers use any-IRQL services only",
    ),
    (
        "X-73",
        "no synchronisation with an interrupt from inside its own lock",
    ),
    (
        "X-82",
        "nothing interrupts between the Disable and Enable handlers, and nothing is lost by them",
    ),
    (
        "X-90",
        "an interrupt is deregistered once, from MiniportInitializeEx or MiniportHaltEx",
    ),
];

const fn before(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() {
        if a[i] != b[i] {
            return a[i] < b[i];
        }
        i += 1;
    }
    a.len() < b.len()
}

const _: () = {
    let mut i = 1;
    while i < RULES.len() {
        assert!(
            before(RULES[i - 1].0, RULES[i].0),
            "RULES must be sorted by id, without doubles"
        );
        i += 1;
    }
};

fn index(id: &str) -> Option<usize> {
    RULES.binary_search_by(|rule| rule.0.cmp(id)).ok()
}

/// To be called whenever a rule is evaluated: the table must have it.
///
/// # Panics
/// When the id is not in [`RULES`]: a bug of the host, not of the driver.
pub fn evaluated(id: &'static str) {
    // Looked up once for each text in the image: this runs a dozen times a frame. Texts may share
    // their letters, so the length is part of what is remembered.
    let key = id.as_ptr().addr() << 4 | id.len() & 15;
    let place = &KNOWN[key % KNOWN.len()];
    if place.load(Ordering::Relaxed) == key {
        return;
    }
    assert!(
        index(id).is_some(),
        "rule {id} is not in the table of armed rules"
    );
    place.store(key, Ordering::Relaxed);
}

/// Ids that are in the table, by address and length.
static KNOWN: [AtomicUsize; 4093] = [const { AtomicUsize::new(0) }; 4093];

/// The rule's text.
pub fn text(id: &str) -> Option<&'static str> {
    index(id).map(|i| RULES[i].1)
}

/// Number of armed rules.
pub fn armed() -> u32 {
    RULES.len() as u32
}
