// SPDX-License-Identifier: MIT OR Apache-2.0
//! Time: the TSC, measured against the ACPI PM timer at start, and one-shot timers that run as
//! DPCs. The local APIC's timer is set to the next deadline only; nothing ticks.

use alloc::{boxed::Box, collections::BTreeMap};
use core::sync::atomic::{AtomicU64, Ordering};

use x86_64::instructions::{interrupts, port::Port};

use super::{cpu, dpc, interrupt, lapic, lock::IrqSpin};

/// A timer set by [`call_at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId {
    deadline: u64,
    id: u64,
    cpu: usize,
}

type Timers = BTreeMap<(u64, u64), Box<dyn FnOnce() + Send>>;

static TIMERS: [IrqSpin<Timers>; cpu::MAX] = [const { IrqSpin::new(BTreeMap::new()) }; cpu::MAX];
static NEXT_ID: AtomicU64 = AtomicU64::new(1);
/// TSC at start, and nanoseconds per TSC tick in 32.32 fixed point.
static TSC_START: AtomicU64 = AtomicU64::new(0);
static TSC_SCALE: AtomicU64 = AtomicU64::new(1 << 32);
/// LAPIC timer ticks per nanosecond in 32.32 fixed point.
static LAPIC_SCALE: AtomicU64 = AtomicU64::new(1 << 32);
/// The latest time told, so that no CPU ever sees time go back.
static LATEST: AtomicU64 = AtomicU64::new(0);
/// 1601-based system time at start.
static SYSTEM_START: AtomicU64 = AtomicU64::new(0);

/// PM timer frequency (ACPI).
const PM_HZ: u64 = 3_579_545;

fn tsc() -> u64 {
    // SAFETY: reading the time stamp counter has no effect.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Measures TSC and LAPIC timer against the PM timer at I/O port `pm_timer`; reads the calendar.
pub(super) fn calibrate(pm_timer: u16) {
    let mut port = Port::<u32>::new(pm_timer);
    let mut pm = || {
        // SAFETY: the ACPI tables name this port as the PM timer, which reading does not change.
        let ticks = unsafe { port.read() };
        u64::from(ticks & 0xFF_FFFF)
    };
    const SPAN: u64 = PM_HZ / 100;
    lapic::timer_init(interrupt::CLOCK);
    let pm_start = pm();
    let tsc_start = tsc();
    lapic::timer_start(u32::MAX);
    let mut passed = 0;
    while passed < SPAN {
        passed = pm().wrapping_sub(pm_start) & 0xFF_FFFF;
    }
    let tsc_ticks = tsc() - tsc_start;
    let lapic_ticks = u64::from(u32::MAX - lapic::timer_left());
    lapic::timer_start(0);
    let ns = passed * 1_000_000_000 / PM_HZ;
    TSC_START.store(tsc_start, Ordering::Relaxed);
    TSC_SCALE.store(
        ((u128::from(ns) << 32) / u128::from(tsc_ticks)) as u64,
        Ordering::Relaxed,
    );
    LAPIC_SCALE.store(
        ((u128::from(lapic_ticks) << 32) / u128::from(ns)) as u64,
        Ordering::Relaxed,
    );
    SYSTEM_START.store(calendar(), Ordering::Relaxed);
}

/// Nanoseconds since start; never goes back, one clock for all CPUs.
pub fn now_ns() -> u64 {
    let ticks = tsc().saturating_sub(TSC_START.load(Ordering::Relaxed));
    let ns = ((u128::from(ticks) * u128::from(TSC_SCALE.load(Ordering::Relaxed))) >> 32) as u64;
    LATEST.fetch_max(ns, Ordering::Relaxed).max(ns)
}

/// 100 ns units since 1 January 1601.
pub fn system_time_100ns() -> u64 {
    SYSTEM_START.load(Ordering::Relaxed) + now_ns() / 100
}

/// Busy-waits. Any IRQL.
pub fn stall_us(us: u32) {
    let end = now_ns() + u64::from(us) * 1000;
    while now_ns() < end {
        core::hint::spin_loop();
    }
}

/// Runs `f` as a DPC on `cpu` once [`now_ns`] reaches `deadline_ns`. Any IRQL.
pub fn call_at(deadline_ns: u64, cpu: usize, f: Box<dyn FnOnce() + Send>) -> TimerId {
    assert!(
        cpu < cpu::count(),
        "timer for CPU {cpu}, there are {}",
        cpu::count()
    );
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let key = (deadline_ns, id);
    let first = {
        let mut timers = TIMERS[cpu].lock();
        timers.insert(key, f);
        timers
            .first_key_value()
            .is_some_and(|(first, _)| *first == key)
    };
    if first {
        if cpu == cpu::id() {
            interrupts::without_interrupts(rearm);
        } else {
            lapic::send(cpu, interrupt::KICK);
        }
    }
    TimerId {
        deadline: deadline_ns,
        id,
        cpu,
    }
}

/// True: the function was dropped unrun and never will run. False: it ran, runs, or is queued.
pub fn cancel(timer: TimerId) -> bool {
    let found = TIMERS[timer.cpu].lock().remove(&(timer.deadline, timer.id));
    found.is_some()
}

/// The scheduler wants this CPU woken at `deadline_ns` (`u64::MAX`: not). Interrupts off.
pub(super) fn wake_at(deadline_ns: u64) {
    cpu::this()
        .sched_deadline
        .store(deadline_ns, Ordering::Relaxed);
    rearm();
}

/// Sets this CPU's LAPIC timer to its next deadline. Interrupts off.
pub(super) fn rearm() {
    let this = cpu::this();
    let timer = TIMERS[cpu::id()]
        .lock()
        .first_key_value()
        .map_or(u64::MAX, |((deadline, _), _)| *deadline);
    let next = timer.min(this.sched_deadline.load(Ordering::Relaxed));
    if this.armed.load(Ordering::Relaxed) == next {
        return;
    }
    this.armed.store(next, Ordering::Relaxed);
    if next == u64::MAX {
        lapic::timer_start(0);
        return;
    }
    let ns = next.saturating_sub(now_ns());
    let ticks = (u128::from(ns) * u128::from(LAPIC_SCALE.load(Ordering::Relaxed))) >> 32;
    // A far deadline is approached in steps; a past one comes at once.
    lapic::timer_start(ticks.clamp(1, u128::from(u32::MAX)) as u32);
}

/// From vector 0xD1, interrupts off.
pub(super) fn clock() {
    let this = cpu::this();
    let index = cpu::id();
    this.armed.store(u64::MAX, Ordering::Relaxed);
    loop {
        let due = {
            let mut timers = TIMERS[index].lock();
            match timers.first_entry() {
                Some(first) if first.key().0 <= now_ns() => Some(first.remove()),
                _ => None,
            }
        };
        let Some(due) = due else { break };
        dpc::queue(index, due);
    }
    if this.sched_deadline.load(Ordering::Relaxed) <= now_ns() {
        this.sched_deadline.store(u64::MAX, Ordering::Relaxed);
    }
    rearm();
}

/// The CMOS clock in 100 ns units since 1601; QEMU runs it in UTC.
fn calendar() -> u64 {
    fn cmos(register: u8) -> u64 {
        // SAFETY: selects a CMOS register, NMI left enabled.
        unsafe { Port::<u8>::new(0x70).write(register) };
        // SAFETY: reads the selected register.
        let value = unsafe { Port::<u8>::new(0x71).read() };
        u64::from(value)
    }
    let read = || {
        while cmos(0x0A) & 0x80 != 0 {
            core::hint::spin_loop();
        }
        [0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32].map(cmos)
    };
    let mut raw = read();
    loop {
        let again = read();
        if again == raw {
            break;
        }
        raw = again;
    }
    let binary = cmos(0x0B) & 4 != 0;
    let [second, minute, hour, day, month, year, century] = raw.map(|value| {
        if binary {
            value
        } else {
            (value >> 4) * 10 + (value & 15)
        }
    });
    let century = if (19..=29).contains(&century) {
        century
    } else {
        20
    };
    let year = century * 100 + year;
    // Days from 1 March 1600 (a leap century), counted in years that begin in March.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let y = y - 1600;
    let days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1;
    // 1 January 1601 is 306 days after 1 March 1600.
    (((days - 306) * 24 + hour) * 60 + minute) * 600_000_000 + second * 10_000_000
}
