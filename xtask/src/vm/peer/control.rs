// SPDX-License-Identifier: MIT OR Apache-2.0
//! The serial line: requests of the checked host, one reply to each.

use super::accept;
use super::monitor::Monitor;
use super::wire::{Job, Shared, is_wait};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};
use vmhost_wire::control::{self, MAX_MESSAGE, Reply, Request};

/// Serves the line until the run is over or QEMU has gone.
pub fn run(
    mut stream: TcpStream,
    monitor: &TcpListener,
    stop: &AtomicBool,
    shared: &Shared,
    jobs: &Sender<Job>,
) {
    // Nobody asks for it in most runs.
    let mut line = Line {
        listener: monitor,
        monitor: None,
    };
    while let Some(body) = message(&mut stream, stop) {
        let reply = match control::decode(&body) {
            Some(Request::Link { up }) => match line.set_link(up, stop) {
                Ok(()) => Reply::Done,
                Err(why) => Reply::Failed(why),
            },
            Some(request) => serve(request, stop, shared, jobs),
            None => Reply::Failed("the peer cannot read the request".to_owned()),
        };
        let written = control::encode(&reply).is_some_and(|bytes| write(&mut stream, stop, &bytes));
        if !written {
            return;
        }
    }
}

/// QEMU's monitor, once it is needed.
struct Line<'a> {
    listener: &'a TcpListener,
    monitor: Option<Monitor>,
}

impl Line<'_> {
    fn set_link(&mut self, up: bool, stop: &AtomicBool) -> Result<(), String> {
        let mut monitor = match self.monitor.take() {
            Some(monitor) => monitor,
            None => {
                let stream = accept(self.listener, stop);
                let stream = stream.ok_or_else(|| "QEMU's monitor is not there".to_owned())?;
                Monitor::new(stream, stop)?
            }
        };
        monitor.set_link(up, stop)?;
        self.monitor = Some(monitor);
        Ok(())
    }
}

fn serve(request: Request, stop: &AtomicBool, shared: &Shared, jobs: &Sender<Job>) -> Reply {
    let queue = |job| match jobs.send(job) {
        Ok(()) => Reply::Done,
        Err(_) => Reply::Failed("the wire is gone".to_owned()),
    };
    match request {
        Request::Hello { guest } => {
            shared.lock().begin(guest);
            Reply::Done
        }
        Request::Send(specs) => queue(Job::Send(specs)),
        Request::Expect(frames) => {
            let mut state = shared.lock();
            let guest = state.guest;
            for frame in &frames {
                state.matcher.expect(frame, guest);
            }
            Reply::Done
        }
        Request::Collect { limit_ms } => {
            let begin = Instant::now();
            let limit = Duration::from_millis(limit_ms.into());
            let mut state = shared.lock();
            while state.matcher.is_waiting()
                && begin.elapsed() < state.matcher.patience(limit)
                && !stop.load(Ordering::Acquire)
            {
                state = shared.wait(state);
            }
            Reply::Seen(state.matcher.collect())
        }
        Request::Flood { frames, length } => queue(Job::Flood {
            frames,
            length: length as usize,
        }),
        Request::Flows { frames } => queue(Job::Flows(frames)),
        Request::FloodState => Reply::Flood(shared.lock().flood),
        Request::Link { .. } => Reply::Failed("the wire has no cable".to_owned()),
        Request::Totals => {
            let state = shared.lock();
            Reply::Totals {
                sent: state.sent,
                received: state.received,
            }
        }
    }
}

/// The next message; `None`: the run is over, or the line is.
fn message(stream: &mut TcpStream, stop: &AtomicBool) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    fill(stream, stop, &mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_MESSAGE {
        return None;
    }
    let mut body = vec![0; length];
    fill(stream, stop, &mut body)?;
    Some(body)
}

fn fill(stream: &mut TcpStream, stop: &AtomicBool, out: &mut [u8]) -> Option<()> {
    let mut filled = 0;
    while filled < out.len() {
        match stream.read(&mut out[filled..]) {
            Ok(0) => return None,
            Ok(count) => filled += count,
            Err(error) if is_wait(&error) && !stop.load(Ordering::Acquire) => {}
            Err(_) => return None,
        }
    }
    Some(())
}

/// Writes all of it; `false`: the run is over, or the line is.
pub fn write(stream: &mut TcpStream, stop: &AtomicBool, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if is_wait(&error) && !stop.load(Ordering::Acquire) => {}
            Err(_) => return false,
        }
    }
    true
}
