// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the VM runner (`xtask`) and the checked host (`vmhost`) say to each other.
//!
//! * runner → host: two fw_cfg files, [`FW_CFG_DRIVER`] (the `.sys`, as it is) and
//!   [`FW_CFG_CONFIG`] (a [`HostConfig`] in JSON);
//! * host → runner: lines on one debug console. A line that starts with [`RECORD_PREFIX`] is a
//!   [`Record`] in JSON, every other line is log text for people.
//!
//! Nothing here knows a device or NDIS; both sides share these types so that a field exists once.
#![no_std]
extern crate alloc;

pub mod meter;

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// fw_cfg file that holds the driver image.
pub const FW_CFG_DRIVER: &str = "opt/org.ndis-e1000e/driver.sys";
/// fw_cfg file that holds the [`HostConfig`].
pub const FW_CFG_CONFIG: &str = "opt/org.ndis-e1000e/config.json";
/// Most processors that the host starts.
pub const MAX_CPUS: u8 = 16;
/// First character of a line that carries a [`Record`].
pub const RECORD_PREFIX: char = '@';
/// I/O port of the debug console (QEMU `isa-debugcon`).
pub const CONSOLE_PORT: u16 = 0xE9;
/// First I/O port of the serial line to the traffic peer (QEMU `isa-serial`).
pub const SERIAL_PORT: u16 = 0x3F8;
/// I/O port of QEMU's `isa-debug-exit`; the guest writes 0 and QEMU exits with status 1.
pub const EXIT_PORT: u16 = 0xF4;

/// Everything the host needs to know besides the image: what an installation would have left in
/// the registry, what the machine may grant, and what to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostConfig {
    /// Scenario to run; [`SCENARIOS`] lists the names.
    pub scenario: String,
    /// Seed of every random choice the host makes.
    pub seed: u64,
    /// What the INF said.
    pub install: Install,
    /// Which interrupt resources the device may get.
    pub grant: Grant,
    /// Peer of the traffic scenarios.
    pub traffic: Traffic,
    /// Frames each way of the scenario `soak`.
    pub frames: u64,
    /// Highest NDIS minor version that `NdisGetVersion` reports (85 = 6.85).
    pub ndis_minor: u8,
    /// Seconds after which the host itself gives up.
    pub time_limit_s: u32,
    /// The protocol leaves checksums and segmentation to the miniport.
    pub offloads: bool,
    /// Every step of a sweep instead of a choice.
    pub full: bool,
    /// Tell each step of a sweep.
    pub verbose: bool,
}

/// A scenario's name and a line about it, for `./dev vm --list`.
pub const SCENARIOS: &[(&str, &str)] = &[
    (
        "traffic",
        "load, initialise, link, DHCP, ping, 16 MiB over TCP each way, pause, restart, halt, unload (the default)",
    ),
    (
        "basic",
        "load, initialise, restart, OID queries, sends with their completions, pause, halt, unload: for any Ethernet miniport",
    ),
    (
        "datapath",
        "every kind of frame both ways, byte by byte against the runner's traffic peer, with what offloads the driver has: for any Ethernet miniport",
    ),
    (
        "soak",
        "a flood both ways against the traffic peer, with a pause every second: for any Ethernet miniport",
    ),
    (
        "low-resources",
        "each import of MiniportInitializeEx that can fail does (--full: each call), and nothing is left: for any miniport",
    ),
    (
        "removal",
        "the device vanishes at a register access (--full: at each), in every state: for any miniport",
    ),
    (
        "stall",
        "sends that the device never finishes, pause, restart, halt, unload: for any Ethernet miniport",
    ),
    (
        "interrupts",
        "the interrupt contract, cases t01 to t11, on whatever is granted: for any Ethernet miniport",
    ),
    (
        "t01",
        "of these: ISR and DPC inside NdisMRegisterInterruptEx",
    ),
    ("t02", "of these: a registration that fails"),
    ("t03", "of these: spurious and unknown messages"),
    ("t04", "of these: a storm of a neighbour on the line"),
    (
        "t05",
        "of these: interrupts in every state, asleep and gone",
    ),
    ("t06", "of these: one event at each instant of a DPC"),
    ("t07", "of these: DPCs in numbers, ISRs in the middle"),
    ("t08", "of these: receive throttle"),
    ("t09", "of these: a flood without end"),
    ("t10", "of these: deregistration against busy DPCs"),
    ("t11", "of these: Disable and Enable handlers"),
    ("t14", "of these: rebalance to other interrupts and CPUs"),
    ("deaf", "of these: messages that never arrive"),
    (
        "moderation",
        "of these: interrupt moderation, keywords and OID",
    ),
    ("place", "of these: DPCs on RSS processors"),
    ("poll", "of these: NDIS poll, its limits and order"),
    (
        "cost",
        "register accesses by phase: idle, sends, 1,000 frames/s, flood, throttled; with --count-instructions also instructions",
    ),
    (
        "selftest",
        "the checked host checks itself: IRQLs, DPCs, interrupts, threads, page faults, register trapping; no driver runs",
    ),
];

/// Whether a scenario has a driver at all: the host's check of itself has none, and no interrupt, link or DMA either.
pub fn has_driver(scenario: &str) -> bool {
    scenario != "selftest"
}

/// Whether a scenario has the traffic peer at the other end of the wire, in place of QEMU's user
/// network.
pub fn has_peer(scenario: &str) -> bool {
    matches!(scenario, "cost" | "datapath" | "soak")
}

/// The result of "installing" a driver package for one device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Install {
    /// Service name.
    pub service: String,
    /// File name of the image.
    pub image: String,
    /// Device description of the models section.
    pub description: String,
    /// The hardware id of the models section that matched, upper case.
    pub hardware_id: String,
    /// PCI vendor of the device to drive.
    pub vendor: u16,
    /// PCI device id of the device to drive.
    pub device: u16,
    /// The driver key: keywords of the AddReg sections.
    pub keywords: Vec<Keyword>,
    /// The hardware key's `Interrupt Management` values.
    pub interrupt: InterruptManagement,
}

/// One value of the driver's registry key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyword {
    /// Value name, such as `*InterruptModeration`.
    pub name: String,
    /// Value.
    pub value: RegistryValue,
}

/// A registry value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistryValue {
    /// REG_DWORD.
    Dword(u32),
    /// REG_SZ or REG_EXPAND_SZ.
    Sz(String),
    /// REG_MULTI_SZ.
    MultiSz(Vec<String>),
    /// REG_BINARY.
    Binary(Vec<u8>),
}

/// `Interrupt Management` of the hardware key (contract X-110). `None`: the value is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterruptManagement {
    /// `MessageSignaledInterruptProperties\MSISupported`.
    pub msi_supported: Option<u32>,
    /// `MessageSignaledInterruptProperties\MessageNumberLimit`.
    pub message_number_limit: Option<u32>,
    /// `Affinity Policy\DevicePolicy`.
    pub device_policy: Option<u32>,
    /// `Affinity Policy\DevicePriority`.
    pub device_priority: Option<u32>,
    /// `Affinity Policy\AssignmentSetOverride`.
    pub assignment_set_override: Option<u64>,
}

/// The interrupt kind that `--irq` asks the host to grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Irq {
    /// What Windows would choose: MSI-X, else MSI, else the line.
    #[default]
    Auto,
    /// MSI-X.
    Msix,
    /// MSI.
    Msi,
    /// The interrupt line.
    Line,
}

/// Limits on the interrupt resources.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Grant {
    /// Kind.
    pub irq: Irq,
    /// Cap on the number of messages.
    pub messages: Option<u32>,
}

/// The peer that the runner has started, reached through QEMU's user network.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// TCP port of the runner's server, at the gateway's address.
    pub server_port: u16,
    /// Bytes to fetch from the server.
    pub bytes_down: u64,
    /// Bytes to send to the server.
    pub bytes_up: u64,
    /// Echo requests to send to the gateway.
    pub pings: u32,
}

/// A line from the host to the runner.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(
    clippy::large_enum_variant,
    reason = "a few dozen in a run, each written out at once"
)]
pub enum Record {
    /// A step begins: a few words for the progress line.
    Step {
        /// What begins.
        what: String,
    },
    /// The verifier saw a violation; the run goes on where it can.
    Violation(Violation),
    /// The run cannot go on for a reason that is not the driver's breach of the contract:
    /// bad image, missing import, no device. One line; the runner exits with status 2.
    Fatal {
        /// What and where, one line.
        what: String,
    },
    /// The last record of a run that came to its end (or was stopped by a violation).
    Report(Report),
}

/// The report, keys as in the documentation of `./dev vm --json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// `ok` or `failed`.
    pub result: String,
    /// Why it failed, one line; empty when ok.
    pub reason: String,
    /// Wall-clock seconds (set by the runner).
    pub seconds: f64,
    /// The seed.
    pub seed: u64,
    /// The image.
    pub driver: Driver,
    /// Interrupts.
    pub interrupt: Interrupt,
    /// The link as last indicated.
    pub link: Link,
    /// Traffic.
    pub traffic: TrafficReport,
    /// The scenario `datapath`; zero in others.
    #[serde(default)]
    pub datapath: Datapath,
    /// The scenario `soak`; zero in others.
    #[serde(default)]
    pub soak: Soak,
    /// Register accesses.
    pub mmio: Mmio,
    /// DMA isolation.
    pub iommu: Iommu,
    /// The verifier.
    pub verifier: Verifier,
    /// Objects still alive.
    pub ledger: Ledger,
    /// What the phases of the scenario `cost` cost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cost: Vec<Phase>,
}

/// One phase of the scenario `cost`: what the driver did for so many frames.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Short name, such as `flood`.
    pub name: String,
    /// Frames that the driver indicated.
    pub received: u64,
    /// Frames that the driver completed.
    pub sent: u64,
    /// Calls of the send handler by the phase.
    pub chains: u64,
    /// How often a DPC had more pending, its recalls not counted.
    pub throttled: u64,
    /// Length of the phase, in the VM's time.
    pub microseconds: u64,
    /// By handler and message.
    pub handlers: Vec<HandlerCost>,
}

/// What the calls of one handler cost in one phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerCost {
    /// Name of the handler as in the documentation of NDIS.
    pub handler: String,
    /// The message, for ISR and DPC; 0 for the line.
    pub message: Option<u32>,
    /// What the driver says the message is for.
    pub role: String,
    /// DPCs that had more pending, and their recalls.
    #[serde(default)]
    pub throttled: bool,
    /// Calls.
    pub calls: u64,
    /// Instructions of the driver in all of them; those of calls inside a call are theirs alone.
    pub instructions: u64,
    /// In the shortest call.
    pub instructions_min: u64,
    /// In the longest call.
    pub instructions_max: u64,
    /// Device registers accessed.
    pub registers: Vec<RegisterCost>,
}

/// Accesses to one device register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterCost {
    /// Offset in its window.
    pub offset: u64,
    /// Reads.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
}

/// The driver image.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Driver {
    /// File name.
    pub image: String,
    /// Bytes in memory.
    pub size: u64,
    /// Load address, `0x…`.
    pub base: String,
    /// Number of imported functions.
    pub imports: u32,
    /// NDIS version that it registered, such as `6.85`.
    pub ndis_version: String,
}

/// Interrupt grant and counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Interrupt {
    /// `msix`, `msi` or `line`; empty before registration.
    pub granted: String,
    /// Number of messages; 0 for the line.
    pub messages: u32,
    /// Why the driver chose this map of its messages, in its own words; empty when it does not say.
    #[serde(default)]
    pub reason: String,
    /// One bit per message that the driver found not to arrive.
    #[serde(default)]
    pub dead: u32,
    /// One entry a message; one entry for the line.
    pub vectors: Vec<Vector>,
    /// What the driver itself has recorded, one entry for each message that it uses; empty when it has no record.
    #[serde(default)]
    pub record: Vec<VectorRecord>,
}

/// The driver's own record of one message, from its private OID.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorRecord {
    /// Message id; 0 for the line.
    pub message: u32,
    /// ISR calls.
    pub fired: u64,
    /// Of these, claimed.
    pub claimed: u64,
    /// Of these, not the device's.
    pub not_mine: u64,
    /// DPC passes and polls.
    pub passes: u64,
    /// Of these, without work.
    pub empty: u64,
    /// Writes that opened the mask again.
    pub rearmed: u64,
    /// Passes that ended at the receive throttle.
    pub throttled: u64,
    /// Frames handled: with `fired`, the packets per interrupt.
    pub frames: u64,
    /// Longest ISR, nanoseconds.
    pub isr_ns_max: u64,
    /// Longest DPC or poll, nanoseconds.
    pub dpc_ns_max: u64,
    /// Microseconds of the last self-test; `None`: it never arrived.
    pub self_test_us: Option<u32>,
}

/// Counts of one message or of the line.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Vector {
    /// Message id; 0 for the line.
    pub message: u32,
    /// What the driver says the message is for, else what the host saw it do.
    pub role: String,
    /// ISR calls.
    pub isr: u64,
    /// DPC calls.
    pub dpc: u64,
    /// ISR calls that returned TRUE.
    pub claimed: u64,
    /// ISR calls that returned FALSE.
    pub not_mine: u64,
    /// DPCs in which the driver neither indicated nor completed anything and read no register.
    pub empty_dpc: u64,
    /// Register reads made inside this vector's ISR.
    pub isr_reads: u64,
    /// Register writes made inside this vector's ISR.
    pub isr_writes: u64,
    /// Register reads made inside this vector's DPC.
    pub dpc_reads: u64,
    /// Register writes made inside this vector's DPC.
    pub dpc_writes: u64,
    /// Longest ISR in instructions; 0 unless the run counts instructions.
    pub isr_instructions_max: u64,
    /// Longest DPC, microseconds.
    pub dpc_us_max: u64,
}

/// Link state as last indicated to NDIS.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Link {
    /// Connected.
    pub up: bool,
    /// Megabits per second; 0 when unknown.
    pub speed_mbps: u64,
    /// `full`, `half` or `unknown`.
    pub duplex: String,
}

/// What the protocol above the miniport moved.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TrafficReport {
    /// Address of the DHCP lease.
    pub dhcp_address: String,
    /// Echo requests sent.
    pub ping_sent: u32,
    /// Echo replies received.
    pub ping_received: u32,
    /// Median round trip.
    pub ping_rtt_us_median: u64,
    /// Bytes received over TCP.
    pub tcp_bytes_down: u64,
    /// Bytes sent over TCP.
    pub tcp_bytes_up: u64,
    /// Both digests agreed.
    pub sha256_ok: bool,
    /// Frames whose checksums the protocol left to the miniport.
    #[serde(default)]
    pub checksums_sent: u64,
    /// Frames of which the protocol believed the miniport's word for the checksums.
    #[serde(default)]
    pub checksums_received: u64,
    /// Large sends of the protocol.
    #[serde(default)]
    pub large_sends: u64,
    /// Frames indicated by the driver.
    pub rx_frames: u64,
    /// Frames completed by the driver with success.
    pub tx_frames: u64,
}

/// What the scenario `datapath` did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Datapath {
    /// Cases that were run.
    pub cases: u32,
    /// Those in which all held.
    pub passed: u32,
    /// Cases that the driver does not advertise the means for, and why.
    pub skipped: Vec<String>,
    /// Frames that the driver sent and the peer compared.
    pub frames_sent: u64,
    /// Frames that the driver indicated and the host compared.
    pub frames_received: u64,
    /// Sends that had to be refused, and were.
    pub refused: u64,
}

/// What the scenario `soak` moved.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Soak {
    /// Frames that the driver completed with success.
    pub frames_sent: u64,
    /// Of these, frames that the peer saw, every byte right.
    pub frames_arrived: u64,
    /// Frames that the peer sent.
    pub frames_offered: u64,
    /// Of these, frames that the driver indicated, every byte right.
    pub frames_received: u64,
    /// Of these, frames that the driver counts as dropped.
    pub frames_dropped: u64,
    /// NBLs completed with another status, because of a pause.
    pub sends_refused: u64,
    /// Pauses and restarts.
    pub pauses: u32,
    /// Seconds that it took in the VM.
    pub seconds: f64,
    /// Flows each way.
    #[serde(default)]
    pub flows: u32,
    /// Frames that the driver indicated on each processor.
    #[serde(default)]
    pub received_by_cpu: Vec<u64>,
}

/// Register accesses by the context they were made in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Mmio {
    /// Reads in ISRs.
    pub isr_reads: u64,
    /// Writes in ISRs.
    pub isr_writes: u64,
    /// Reads in DPCs.
    pub dpc_reads: u64,
    /// Writes in DPCs.
    pub dpc_writes: u64,
    /// Writes in the send handler.
    pub send_writes: u64,
    /// Reads anywhere else.
    pub other_reads: u64,
    /// Writes anywhere else.
    pub other_writes: u64,
}

/// What the virtual IOMMU saw.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Iommu {
    /// The machine had one, and it translated.
    pub on: bool,
    /// Accesses of the device that it refused, as far as they were recorded: further ones of the
    /// device are dropped until the first was read.
    pub faults: u64,
    /// Most pages of 4 KiB that the device could reach at one time.
    pub mapped_peak: u64,
}

/// The verifier's verdict.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Verifier {
    /// Contract rules armed in this run.
    pub rules: u32,
    /// Times a rule was evaluated.
    pub checks: u64,
    /// Breaches.
    pub violations: Vec<Violation>,
}

/// One breach of a contract rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Rule id, such as `X-26`.
    pub rule: String,
    /// What was seen.
    pub what: String,
    /// Handler and place in the image.
    #[serde(rename = "where")]
    pub at: String,
}

/// Live objects.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Adapter-scope objects alive when MiniportHaltEx had returned.
    pub at_halt: u32,
    /// Objects alive when the driver was unloaded.
    pub at_unload: u32,
}
