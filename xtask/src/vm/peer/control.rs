// SPDX-License-Identifier: MIT OR Apache-2.0
//! The serial line: requests of the checked host, one reply to each.

use super::wire::{Job, Shared, is_wait};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};
use vmhost_wire::control::{self, MAX_MESSAGE, Reply, Request};

/// Serves the line until the run is over or QEMU has gone.
pub fn run(mut stream: TcpStream, stop: &AtomicBool, shared: &Shared, jobs: &Sender<Job>) {
    while let Some(body) = message(&mut stream, stop) {
        let reply = match control::decode(&body) {
            Some(request) => serve(request, stop, shared, jobs),
            None => Reply::Failed("the peer cannot read the request".to_owned()),
        };
        let written = control::encode(&reply).is_some_and(|bytes| write(&mut stream, stop, &bytes));
        if !written {
            return;
        }
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

fn write(stream: &mut TcpStream, stop: &AtomicBool, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if is_wait(&error) && !stop.load(Ordering::Acquire) => {}
            Err(_) => return false,
        }
    }
    true
}
