// SPDX-License-Identifier: MIT OR Apache-2.0
//! The peer of the traffic scenario: a TCP server on the loopback address, which QEMU's user
//! network shows to the guest at the gateway's address.
//!
//! The client sends one line. `DOWN <bytes>` is answered with that many pseudo-random bytes and
//! the 64 hexadecimal digits of their SHA-256. `UP <bytes>` is followed by that many bytes and
//! answered with the digits of what arrived. After either the client may send the digits that it
//! computed itself, which are compared here: so each side checks the other.

use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most bytes in one transfer.
const BYTES_MAX: u64 = 1 << 32;
/// Longest request line.
const LINE_MAX: usize = 40;
/// Most connections at a time; more are refused.
const CONNECTIONS_MAX: usize = 16;
/// A peer that moves nothing for so long is given up.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// How long the client's own digest is waited for.
const DIGEST_WAIT: Duration = Duration::from_secs(2);
/// How often blocked threads look whether the server is being stopped.
const POLL: Duration = Duration::from_millis(50);

/// Direction of a transfer, seen from the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Server to guest.
    Down,
    /// Guest to server.
    Up,
}

/// One transfer that the server has seen.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Direction.
    pub direction: Direction,
    /// Bytes asked for.
    pub bytes: u64,
    /// Bytes moved.
    pub done: u64,
    /// SHA-256 of what was moved, 64 lower-case digits; empty when the transfer broke off.
    pub digest: String,
    /// What the client says its digest is.
    pub client_digest: Option<String>,
}

impl Transfer {
    /// All bytes moved, and the client's digest, if it sent one, is the same.
    pub fn is_good(&self) -> bool {
        let agrees = |digest: &String| digest.eq_ignore_ascii_case(&self.digest);
        self.done == self.bytes
            && !self.digest.is_empty()
            && self.client_digest.as_ref().is_none_or(agrees)
    }
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    open: AtomicUsize,
    seed: u64,
    transfers: Mutex<Vec<Transfer>>,
}

/// The running server; dropping it ends it.
#[derive(Debug)]
pub struct Server {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts the server on a free port of 127.0.0.1. `seed` chooses the bytes it sends.
    ///
    /// # Errors
    /// One line: no port can be opened.
    pub fn start(seed: u64) -> Result<Self, String> {
        let fail = |error| format!("no TCP server on 127.0.0.1: {error}");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        let port = listener.local_addr().map_err(fail)?.port();
        let shared = Arc::new(Shared {
            seed,
            ..Shared::default()
        });
        let acceptor = std::thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        });
        Ok(Server {
            port,
            shared,
            acceptor: Some(acceptor),
        })
    }

    /// TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The transfers that have ended, once no connection is open any more or `wait` is over.
    pub fn transfers(&self, wait: Duration) -> Vec<Transfer> {
        let until = Instant::now() + wait;
        while self.shared.open.load(Ordering::Acquire) > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        let transfers = self.shared.transfers.lock();
        transfers.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while !shared.stop.load(Ordering::Acquire) {
        let Ok((stream, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        };
        if shared.open.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS_MAX {
            shared.open.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let shared = shared.clone();
        std::thread::spawn(move || {
            if let Some(mut peer) = Peer::new(stream, &shared) {
                peer.serve();
            }
            shared.open.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

/// One connection.
struct Peer<'a> {
    stream: TcpStream,
    shared: &'a Shared,
}

impl<'a> Peer<'a> {
    fn new(stream: TcpStream, shared: &'a Shared) -> Option<Self> {
        stream.set_nonblocking(false).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(POLL)).ok()?;
        stream.set_write_timeout(Some(POLL)).ok()?;
        Some(Peer { stream, shared })
    }

    fn serve(&mut self) {
        let Some((direction, bytes)) = self.request() else {
            return;
        };
        let mut transfer = Transfer {
            direction,
            bytes,
            done: 0,
            digest: String::new(),
            client_digest: None,
        };
        let digest = match direction {
            Direction::Down => self.send_bytes(&mut transfer),
            Direction::Up => self.receive_bytes(&mut transfer),
        };
        if let Some(digest) = digest
            && self.write(digest.as_bytes()).is_some()
        {
            transfer.digest = digest;
            let _ = self.stream.shutdown(Shutdown::Write);
            transfer.client_digest = self.client_digest();
        }
        let transfers = self.shared.transfers.lock();
        transfers
            .unwrap_or_else(PoisonError::into_inner)
            .push(transfer);
    }

    /// The request line, byte by byte: what follows it belongs to the transfer.
    fn request(&mut self) -> Option<(Direction, u64)> {
        let mut line = Vec::new();
        loop {
            let mut byte = [0];
            if self.read(&mut byte, IDLE_MAX)? == 0 || line.len() == LINE_MAX {
                return None;
            }
            if byte == *b"\n" {
                break;
            }
            line.push(byte[0]);
        }
        let line = std::str::from_utf8(&line).ok()?.trim_end();
        let (word, bytes) = line.split_once(' ')?;
        let direction = match word {
            "DOWN" => Direction::Down,
            "UP" => Direction::Up,
            _ => return None,
        };
        let bytes = bytes.parse().ok().filter(|&bytes| bytes <= BYTES_MAX)?;
        Some((direction, bytes))
    }

    fn send_bytes(&mut self, transfer: &mut Transfer) -> Option<String> {
        let mut random = fastrand::Rng::with_seed(self.shared.seed);
        let mut hash = Sha256::new();
        let mut block = vec![0; 64 << 10];
        while transfer.done < transfer.bytes {
            let part = part_of(&mut block, transfer.bytes - transfer.done);
            random.fill(part);
            hash.update(&*part);
            self.write(part)?;
            transfer.done += part.len() as u64;
        }
        Some(hex(hash))
    }

    fn receive_bytes(&mut self, transfer: &mut Transfer) -> Option<String> {
        let mut hash = Sha256::new();
        let mut block = vec![0; 64 << 10];
        while transfer.done < transfer.bytes {
            let part = part_of(&mut block, transfer.bytes - transfer.done);
            let got = self.read(part, IDLE_MAX)?;
            if got == 0 {
                return None;
            }
            hash.update(&part[..got]);
            transfer.done += got as u64;
        }
        Some(hex(hash))
    }

    fn client_digest(&mut self) -> Option<String> {
        let mut digits = [0; 64];
        let mut filled = 0;
        while filled < digits.len() {
            match self.read(&mut digits[filled..], DIGEST_WAIT) {
                None | Some(0) => break,
                Some(got) => filled += got,
            }
        }
        if filled == 0 {
            return None;
        }
        Some(String::from_utf8_lossy(&digits[..filled]).into_owned())
    }

    /// Reads some bytes; 0 at the end of the stream, `None` on an error or after `patience`.
    fn read(&mut self, into: &mut [u8], patience: Duration) -> Option<usize> {
        let until = Instant::now() + patience;
        loop {
            match self.stream.read(into) {
                Ok(got) => return Some(got),
                Err(error) => self.may_retry(&error, until)?,
            }
        }
    }

    /// Writes all bytes; `None` on an error or when the peer takes nothing for too long.
    fn write(&mut self, mut bytes: &[u8]) -> Option<()> {
        let mut until = Instant::now() + IDLE_MAX;
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return None,
                Ok(done) => {
                    bytes = &bytes[done..];
                    until = Instant::now() + IDLE_MAX;
                }
                Err(error) => self.may_retry(&error, until)?,
            }
        }
        Some(())
    }

    fn may_retry(&self, error: &std::io::Error, until: Instant) -> Option<()> {
        let passing = matches!(
            error.kind(),
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
        );
        let stopped = self.shared.stop.load(Ordering::Acquire);
        (passing && !stopped && Instant::now() < until).then_some(())
    }
}

/// As much of the block as is still wanted.
fn part_of(block: &mut [u8], wanted: u64) -> &mut [u8] {
    let length = usize::try_from(wanted).map_or(block.len(), |wanted| wanted.min(block.len()));
    &mut block[..length]
}

fn hex(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
