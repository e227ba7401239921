// SPDX-License-Identifier: MIT OR Apache-2.0
//! The wire: one thread reads frames and checks them, one writes frames and floods.

use super::expected::Matcher;
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use vmhost_wire::control::{FloodState, Totals};
use vmhost_wire::flood;
use vmhost_wire::flows::{self, FLOWS, LENGTHS, Mark};
use vmhost_wire::frame::{self, Spec, Way};

/// Bytes of the length in front of a frame.
const PREFIX: usize = 4;
/// Longer frames do not occur; a length above it means that the stream is out of step.
const FRAME_MAX: usize = 1 << 17;
/// Bytes read at once.
const READ: usize = 1 << 18;
/// Flood frames written at once.
const BURST: u64 = 64;

/// Something to write.
#[derive(Debug)]
pub enum Job {
    /// These frames.
    Send(Vec<Spec>),
    /// Flood frames, as fast as they are taken.
    Flood {
        /// How many.
        frames: u64,
        /// Bytes of each.
        length: usize,
    },
    /// So many frames of the flood of many flows.
    Flows(u64),
}

/// What both threads and the serial line know.
#[derive(Debug, Default)]
pub struct State {
    /// The guest's station address.
    pub guest: [u8; 6],
    /// Frames that are expected.
    pub matcher: Matcher,
    /// The flood.
    pub flood: FloodState,
    /// Frames to the guest.
    pub sent: Totals,
    /// Frames from the guest.
    pub received: Totals,
    last_number: Option<u64>,
    templates: HashMap<usize, Vec<u8>>,
    /// The last number that came of each flow.
    last_of: [Option<u64>; FLOWS],
    /// The templates of each flow that comes, by length.
    of_flow: HashMap<(usize, usize), Vec<u8>>,
    /// The next number of each flow that goes.
    next_of: [u64; FLOWS],
}

/// The state and a signal that it has changed.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    /// Nothing known.
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        }
    }

    /// The state.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, at most one poll.
    pub fn wait<'a>(&self, guard: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(guard, super::POLL);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    /// Forgets everything, for a guest with this address.
    pub fn begin(&mut self, guest: [u8; 6]) {
        *self = Self {
            guest,
            ..Self::default()
        };
    }

    fn take(&mut self, bytes: &[u8]) {
        self.received.count(bytes);
        if let Some(mark) = flows::mark(bytes) {
            self.take_of_flow(bytes, &mark);
            return;
        }
        let Some(number) = flood::number(bytes) else {
            self.matcher.take(bytes);
            return;
        };
        let guest = self.guest;
        let template = self
            .templates
            .entry(bytes.len())
            .or_insert_with(|| flood::template(bytes.len(), guest, Way::ToPeer));
        if flood::matches(bytes, template) {
            self.flood.received += 1;
        } else {
            self.flood.wrong += 1;
        }
        if self.last_number.is_some_and(|last| number <= last) {
            self.flood.disordered += 1;
        }
        self.last_number = Some(number);
    }

    fn take_of_flow(&mut self, bytes: &[u8], mark: &Mark) {
        if self.of_flow.is_empty() {
            for flow in 0..FLOWS {
                for size in 0..LENGTHS.len() {
                    let bytes = flows::template(flow, size, self.guest, Way::ToPeer).bytes;
                    self.of_flow.insert((flow, bytes.len()), bytes);
                }
            }
        }
        let template = self.of_flow.get(&(mark.flow, bytes.len()));
        if template.is_some_and(|template| flows::matches(bytes, mark, template)) {
            self.flood.received += 1;
        } else {
            self.flood.wrong += 1;
        }
        let last = &mut self.last_of[mark.flow];
        if last.is_some_and(|last| mark.number <= last) {
            self.flood.disordered += 1;
        }
        *last = Some(mark.number);
    }
}

/// Runs both threads until the run is over or QEMU has gone.
pub fn run(stream: TcpStream, stop: &AtomicBool, shared: &Shared, jobs: &Receiver<Job>) {
    let Ok(writer) = stream.try_clone() else {
        return;
    };
    std::thread::scope(|scope| {
        scope.spawn(|| read(stream, stop, shared));
        write(writer, stop, shared, jobs);
    });
}

fn read(mut stream: TcpStream, stop: &AtomicBool, shared: &Shared) {
    let mut buffer = vec![0; READ];
    let mut filled = 0;
    while !stop.load(Ordering::Acquire) {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return,
            Ok(count) => filled += count,
            Err(error) if is_wait(&error) => continue,
            Err(_) => return,
        }
        let mut at = 0;
        let mut state = shared.lock();
        while let Some(prefix) = buffer[at..filled].first_chunk::<PREFIX>() {
            let length = u32::from_be_bytes(*prefix) as usize;
            if length > FRAME_MAX {
                state
                    .matcher
                    .complain(format!("QEMU sent a frame of {length} bytes"));
                return;
            }
            let Some(bytes) = buffer[at + PREFIX..filled].get(..length) else {
                break;
            };
            state.take(bytes);
            at += PREFIX + length;
        }
        drop(state);
        shared.changed.notify_all();
        buffer.copy_within(at..filled, 0);
        filled -= at;
    }
}

fn write(mut stream: TcpStream, stop: &AtomicBool, shared: &Shared, jobs: &Receiver<Job>) {
    loop {
        let job = match jobs.recv_timeout(super::POLL) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) if !stop.load(Ordering::Acquire) => continue,
            Err(_) => return,
        };
        let written = match job {
            Job::Send(specs) => send(&mut stream, stop, shared, &specs),
            Job::Flood { frames, length } => flood(&mut stream, stop, shared, frames, length),
            Job::Flows(frames) => flood_of_flows(&mut stream, stop, shared, frames),
        };
        if written.is_none() {
            return;
        }
    }
}

fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn send(stream: &mut TcpStream, stop: &AtomicBool, shared: &Shared, specs: &[Spec]) -> Option<()> {
    let guest = shared.lock().guest;
    let mut out = Vec::new();
    for spec in specs {
        let bytes = frame::build(spec, guest, Way::ToGuest).bytes;
        // QEMU takes a frame of no bytes for one that it could not deliver, and stops.
        if bytes.is_empty() {
            continue;
        }
        push(&mut out, &bytes);
        shared.lock().sent.count(&bytes);
    }
    write_all(stream, stop, &out)
}

fn flood(
    stream: &mut TcpStream,
    stop: &AtomicBool,
    shared: &Shared,
    frames: u64,
    length: usize,
) -> Option<()> {
    let (guest, mut number) = {
        let state = shared.lock();
        (state.guest, state.flood.sent)
    };
    let mut bytes = flood::template(length, guest, Way::ToGuest);
    let mut left = frames;
    while left > 0 {
        let count = left.min(BURST);
        let mut out = Vec::with_capacity(count as usize * (bytes.len() + PREFIX));
        for _ in 0..count {
            flood::set_number(&mut bytes, number);
            push(&mut out, &bytes);
            number += 1;
        }
        write_all(stream, stop, &out)?;
        left -= count;
        let mut state = shared.lock();
        state.flood.sent = number;
        state.sent.count_many(&bytes, count);
    }
    Some(())
}

fn flood_of_flows(
    stream: &mut TcpStream,
    stop: &AtomicBool,
    shared: &Shared,
    frames: u64,
) -> Option<()> {
    let (guest, mut place, mut next) = {
        let state = shared.lock();
        (state.guest, state.flood.sent, state.next_of)
    };
    let mut templates: Vec<_> = (0..FLOWS * LENGTHS.len())
        .map(|n| flows::template(n / LENGTHS.len(), n % LENGTHS.len(), guest, Way::ToGuest))
        .collect();
    let end = place + frames;
    while place < end {
        let mut out = Vec::new();
        let burst = place..(place + BURST).min(end);
        let mut counted = Vec::new();
        for place in burst.clone() {
            let (flow, size) = flows::kind(place);
            let index = flow * LENGTHS.len() + size;
            let frame = &mut templates[index];
            let at = frame.payload;
            frame.bytes[at..at + flows::NUMBER].copy_from_slice(&flows::number_bytes(next[flow]));
            next[flow] += 1;
            push(&mut out, &frame.bytes);
            counted.push(index);
        }
        write_all(stream, stop, &out)?;
        place = burst.end;
        let mut state = shared.lock();
        for index in counted {
            state.sent.count(&templates[index].bytes);
        }
        state.flood.sent = place;
        state.next_of = next;
    }
    Some(())
}

/// Writes everything; `None`: the run is over, or QEMU has gone.
fn write_all(stream: &mut TcpStream, stop: &AtomicBool, mut out: &[u8]) -> Option<()> {
    while !out.is_empty() {
        match stream.write(out) {
            Ok(count) => out = &out[count..],
            // The guest takes nothing for a while: QEMU holds frames back until it has buffers.
            Err(error) if is_wait(&error) && !stop.load(Ordering::Acquire) => {}
            Err(_) => return None,
        }
    }
    Some(())
}

/// Whether a socket only had nothing to do within its timeout.
pub fn is_wait(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
