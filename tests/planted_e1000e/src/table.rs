// SPDX-License-Identifier: MIT OR Apache-2.0
//! The planted faults: number, name, the case that shows it, and the rules that the checked host must name. The driver
//! and the test that runs it both include this file. Pure data.

/// One planted fault.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Value of the keyword `PlantedFault`.
    #[allow(dead_code, reason = "the test needs it")]
    pub number: u32,
    /// Name.
    #[allow(dead_code, reason = "the test needs it")]
    pub name: &'static str,
    /// The first must be violated, the others may be.
    #[allow(dead_code, reason = "the test needs it")]
    pub rules: &'static [&'static str],
    /// Options of `./dev vm`.
    #[allow(dead_code, reason = "the test needs it")]
    pub options: &'static [&'static str],
}

macro_rules! faults {
    ($($(#[doc = $what:literal])+ $name:ident = $number:literal: $rules:expr, $options:expr;)+) => {
        $($(#[doc = $what])+ #[allow(dead_code, reason = "the driver needs it")] pub const $name: u32 = $number;)+

        /// All of them.
        #[allow(dead_code, reason = "the test needs it")]
        pub const FAULTS: &[Fault] = &[$(Fault {
            number: $number,
            name: stringify!($name),
            rules: &$rules,
            options: &$options,
        }),+];
    };
}

faults! {
    /// Nothing is planted: every case must hold.
    NONE = 0: [], ["--irq", "msi", "--scenario", "interrupts"];
    /// The same with the line.
    NONE_LINE = 100: [], ["--irq", "line", "--scenario", "interrupts"];
    /// T-01: the DPC uses the interrupt handle before the registration has given it.
    HANDLE_TOO_EARLY = 1: ["X-63"], ["--irq", "msi", "--scenario", "t01"];
    /// T-02: the registration's failure is not looked at.
    REGISTRATION_IGNORED = 2: ["X-05"], ["--irq", "line", "--scenario", "t02"];
    /// T-03: a DPC that finds no work leaves the source masked.
    EMPTY_DPC_KEEPS_MASK = 3: ["X-49"], ["--irq", "msi", "--scenario", "t03"];
    /// T-03: the ISR uses the message id as an index without a limit.
    UNKNOWN_MESSAGE = 4: ["X-22"], ["--irq", "msi", "--scenario", "t03"];
    /// T-04: the line ISR claims every interrupt.
    CLAIMS_ALL = 5: ["X-101", "X-21"], ["--irq", "line", "--scenario", "t04"];
    /// T-05: the line ISR looks neither at the state nor at all ones.
    CLAIMS_WHEN_GONE = 6: ["X-102"], ["--irq", "line", "--scenario", "t05"];
    /// T-06: the DPC clears the causes after its last look at the rings.
    CAUSES_CLEARED_LATE = 7: ["X-45"], ["--irq", "msi", "--scenario", "t06"];
    /// T-06: the DPC never opens the mask again.
    NEVER_UNMASKED = 8: ["X-45"], ["--irq", "line", "--scenario", "t06"];
    /// T-07: a flag of ISR and DPC says that a DPC is on its way, and is cleared too late.
    REPORTED_FLAG = 9: ["X-41"], ["--irq", "msi", "--scenario", "t07"];
    /// T-08: the limit is kept by each indication and not by the DPC.
    LIMIT_PER_CALL = 10: ["X-42"], ["--irq", "msi", "--scenario", "t08"];
    /// T-08: interrupts are enabled while more is pending.
    UNMASKED_WHEN_THROTTLED = 11: ["X-43"], ["--irq", "msi", "--scenario", "t08"];
    /// T-09: the DPC goes on until there is nothing left.
    POLL_UNTIL_EMPTY = 12: ["X-47"], ["--irq", "line", "--scenario", "t09"];
    /// T-10: the rings are freed before the interrupt is deregistered.
    RINGS_FREED_FIRST = 13: ["V-01"], ["--irq", "msi", "--scenario", "t10"];
    /// T-11: the end of a DPC opens the mask behind the Disable handler.
    DPC_UNDOES_DISABLE = 14: ["X-82"], ["--irq", "msi", "--scenario", "t11"];
    /// T-11: the Enable handler does nothing.
    ENABLE_FORGOTTEN = 15: ["X-82"], ["--irq", "line", "--scenario", "t11"];
    /// T-11: the Disable handler leaves it to the next interrupt to close the mask.
    DISABLED_BY_THE_NEXT = 26: ["X-82"], ["--irq", "msi", "--scenario", "t11"];
    /// T-14: the address of the registers is kept from the first life.
    BAR_REMEMBERED = 23: ["I-05"], ["--irq", "msi", "--scenario", "t14"];
    /// The resource requirements name a processor that there is not.
    TARGETS_NOBODY = 24: ["X-113"], ["--irq", "msi", "--scenario", "t14"];
    /// RSS parameters are taken, and the DPC runs where it did.
    RSS_IGNORED = 25: ["RS-01"], ["--irq", "msi", "--scenario", "place"];

    // What only the IOMMU shows. A download is under way when this driver is halted.
    /// T-23: the rings are freed while the engines run.
    ENGINES_LEFT_ON = 16: ["DM-12"], ["--irq", "msi", "--scenario", "traffic", "--transfer", "1"];
    /// T-23: an SG list is freed before the chip has fetched the frame.
    SG_LIST_FREED_EARLY = 17: ["DM-12"], ["--irq", "msi", "--scenario", "basic"];
    /// A physical address is given to the chip.
    PHYSICAL_ADDRESS = 18: ["DM-13"], ["--irq", "line", "--scenario", "basic"];
    /// The chip is sent behind the end of the shared memory.
    PAST_THE_END = 19: ["DM-12"], ["--irq", "msi", "--scenario", "basic"];

    /// NDIS poll, and nothing planted.
    POLL = 101: [], ["--irq", "msi", "--scenario", "poll"];
    /// NDIS poll: the poll opens the mask.
    POLL_ARMS = 30: ["NP-05"], ["--irq", "msi", "--scenario", "poll"];
    /// NDIS poll: each poll asks for another one.
    POLL_ASKS = 31: ["NP-04", "NP-07"], ["--irq", "msi", "--scenario", "poll"];
    /// NDIS poll: a poll is asked for when the object is gone.
    POLL_ASKED_LATE = 32: ["NP-03"], ["--irq", "line", "--scenario", "poll"];
    /// NDIS poll: the limit is not kept.
    POLL_OVER_LIMIT = 33: ["NP-06"], ["--irq", "msi", "--scenario", "poll"];
    /// NDIS poll: "notification on" does not open the mask.
    POLL_NEVER_ARMED = 34: ["X-45"], ["--irq", "msi", "--scenario", "poll"];
    /// NDIS poll: the object outlives its adapter, and with it what it uses.
    POLL_LEFT = 35: ["V-04", "G-28", "DM-03", "H-07"], ["--irq", "msi", "--scenario", "poll"];

    /// T-12: the shared memory is forgotten when the pool cannot be had.
    LEAKED_ON_FAILURE = 20: ["I-14", "V-04"], ["--irq", "msi", "--scenario", "low-resources"];
    /// T-26: the reset is waited for without a bound.
    ENDLESS_POLL = 21: ["S-07"], ["--irq", "msi", "--scenario", "removal"];
    /// T-26: the chip is stopped at halt although it is gone.
    TOUCHED_WHEN_GONE = 22: ["H-08"], ["--irq", "line", "--scenario", "removal"];
}
