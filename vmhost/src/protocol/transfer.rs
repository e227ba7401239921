// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bulk transfers over TCP against the runner's server at the gateway's address, with digests
//! compared on both sides. PASSIVE only.
//!
//! The server's protocol: the client connects and sends one ASCII line.
//! * `DOWN <bytes>\n`: the server sends exactly that many bytes, then the SHA-256 of them as 64
//!   hexadecimal digits, and closes;
//! * `UP <bytes>\n` followed by that many bytes: the server answers with the SHA-256 of what it
//!   received as 64 hexadecimal digits, and closes.

use super::{Lease, Stack};
use crate::{machine::time, ndis::dice::Dice};
use alloc::{format, string::String, vec, vec::Vec};
use sha2::{Digest, Sha256};
use smoltcp::{iface::SocketHandle, socket::tcp, wire::IpAddress};

/// Socket buffer each way; above the bandwidth-delay product of the emulated link.
const BUFFER: usize = 256 * 1024;
/// How long a connection may take to open.
const CONNECT_LIMIT_NS: u64 = 10_000_000_000;
/// How long a transfer may stand still.
const STALL_LIMIT_NS: u64 = 10_000_000_000;
/// Hexadecimal digits of a SHA-256.
const DIGEST_DIGITS: usize = 64;

/// What one transfer gave.
#[derive(Clone, Debug, Default)]
pub struct Transfer {
    /// Payload bytes moved.
    pub bytes: u64,
    /// All bytes moved and both digests agree.
    pub digest_ok: bool,
    /// Why not, for people; empty when `digest_ok`.
    pub problem: String,
}

impl Stack {
    /// Fetches `bytes` from the server.
    pub fn download(&mut self, lease: &Lease, port: u16, bytes: u64) -> Transfer {
        match self.begin_download(lease, port, bytes) {
            Ok(download) => self.finish_download(download),
            Err(problem) => Transfer {
                problem,
                ..Transfer::default()
            },
        }
    }

    /// Connects and asks for `bytes`, and returns when the first of them are here.
    pub fn begin_download(
        &mut self,
        lease: &Lease,
        port: u16,
        bytes: u64,
    ) -> Result<Download, String> {
        let handle = self.open(lease, port)?;
        let mut download = Download {
            handle,
            sender: Outgoing::new(format!("DOWN {bytes}\n").into_bytes(), 0, self.seed),
            hash: Sha256::new(),
            tail: Vec::new(),
            got: 0,
            bytes,
        };
        self.pull(&mut download);
        Ok(download)
    }

    /// Fetches the rest and compares the digests.
    pub fn finish_download(&mut self, mut download: Download) -> Transfer {
        let ended = loop {
            match self.pull(&mut download) {
                None => break false,
                Some(true) => break true,
                Some(false) => {}
            }
        };
        self.close(download.handle);
        let Download {
            hash,
            tail,
            got,
            bytes,
            ..
        } = download;
        let ours = hex(&hash.finalize());
        let problem = if !ended {
            format!("no byte for 10 s after {got} of {bytes}")
        } else if got != bytes || tail.len() != DIGEST_DIGITS {
            format!("the server closed after {got} of {bytes} bytes")
        } else if tail != ours {
            String::from("the SHA-256 of what arrived differs from the server's")
        } else {
            String::new()
        };
        Transfer {
            bytes: got,
            digest_ok: problem.is_empty(),
            problem,
        }
    }

    /// Takes what arrives next. True: the server has closed; `None`: nothing came for too long.
    fn pull(&mut self, download: &mut Download) -> Option<bool> {
        self.run(time::now_ns() + STALL_LIMIT_NS, |stack| {
            let socket = stack.sockets.get_mut::<tcp::Socket<'_>>(download.handle);
            download.sender.feed(socket, &mut None);
            let mut moved = 0;
            while socket.can_recv() {
                let taken = socket.recv(|data| {
                    let left = usize::try_from(download.bytes - download.got).unwrap_or(usize::MAX);
                    let payload = data.len().min(left);
                    download.hash.update(&data[..payload]);
                    download.got += payload as u64;
                    download.tail.extend_from_slice(&data[payload..]);
                    (data.len(), data.len())
                });
                moved += taken.unwrap_or(0);
            }
            let over = !socket.may_recv() && !socket.can_recv();
            (over || moved > 0).then_some(over)
        })
    }

    /// Sends `bytes` pseudo-random bytes to the server.
    pub fn upload(&mut self, lease: &Lease, port: u16, bytes: u64) -> Transfer {
        let mut result = Transfer::default();
        let handle = match self.open(lease, port) {
            Ok(handle) => handle,
            Err(problem) => return Transfer { problem, ..result },
        };
        let mut sender = Outgoing::new(format!("UP {bytes}\n").into_bytes(), bytes, self.seed);
        let mut hash = Some(Sha256::new());
        let mut answer = Vec::new();
        let mut progress = Progress::new();
        let ended = loop {
            let step = self.run(progress.deadline(), |stack| {
                let socket = stack.sockets.get_mut::<tcp::Socket<'_>>(handle);
                let sent = sender.feed(socket, &mut hash);
                while socket.can_recv() {
                    let got = socket.recv(|data| {
                        answer.extend_from_slice(data);
                        (data.len(), data.len())
                    });
                    if got.is_err() {
                        break;
                    }
                }
                let over = !socket.may_recv() && !socket.can_recv();
                (over || sent > 0).then_some(over)
            });
            match step {
                None => break false,
                Some(true) => break true,
                Some(false) => progress.made(),
            }
        };
        result.bytes = bytes - sender.left;
        self.close(handle);
        let ours = hash.map(|hash| hex(&hash.finalize())).unwrap_or_default();
        result.problem = if !ended {
            format!("no progress for 10 s after {} of {bytes}", result.bytes)
        } else if result.bytes != bytes || answer.len() != DIGEST_DIGITS {
            format!("the server closed after {} of {bytes} bytes", result.bytes)
        } else if answer != ours {
            String::from("the server's SHA-256 differs from that of what was sent")
        } else {
            String::new()
        };
        result.digest_ok = result.problem.is_empty();
        result
    }

    fn open(&mut self, lease: &Lease, port: u16) -> Result<SocketHandle, String> {
        self.next_port += 1;
        let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        socket
            .connect(
                self.interface.context(),
                (IpAddress::Ipv4(lease.gateway), port),
                self.next_port,
            )
            .map_err(|error| format!("connect: {error}"))?;
        let handle = self.sockets.add(socket);
        let open = self.run(time::now_ns() + CONNECT_LIMIT_NS, |stack| {
            let socket = stack.sockets.get::<tcp::Socket<'_>>(handle);
            if socket.may_send() {
                Some(true)
            } else if socket.is_open() {
                None
            } else {
                Some(false)
            }
        });
        if open == Some(true) {
            return Ok(handle);
        }
        self.sockets.remove(handle);
        Err(match open {
            Some(_) => format!("{}:{port} refused the connection", lease.gateway),
            None => format!("{}:{port} did not answer", lease.gateway),
        })
    }

    /// Closes and forgets a connection; waits a moment for the last acknowledgement to leave.
    fn close(&mut self, handle: SocketHandle) {
        self.sockets.get_mut::<tcp::Socket<'_>>(handle).close();
        self.run(time::now_ns() + 200_000_000, |stack| {
            let socket = stack.sockets.get::<tcp::Socket<'_>>(handle);
            (!socket.is_open() || socket.state() == tcp::State::TimeWait).then_some(())
        });
        self.sockets.remove(handle);
    }
}

/// A download under way.
pub struct Download {
    handle: SocketHandle,
    sender: Outgoing,
    hash: Sha256,
    tail: Vec<u8>,
    got: u64,
    bytes: u64,
}

/// The deadline that moves with every byte.
struct Progress(u64);

impl Progress {
    fn new() -> Self {
        Self(time::now_ns() + STALL_LIMIT_NS)
    }

    fn made(&mut self) {
        *self = Self::new();
    }

    fn deadline(&self) -> u64 {
        self.0
    }
}

/// What is to be written: a command line, then `left` pseudo-random bytes.
struct Outgoing {
    line: Vec<u8>,
    written: usize,
    left: u64,
    dice: Dice,
    word: [u8; 8],
    used: usize,
}

impl Outgoing {
    fn new(line: Vec<u8>, bytes: u64, seed: u64) -> Self {
        Self {
            line,
            written: 0,
            left: bytes,
            dice: Dice::new(seed ^ 0x5550_4C4F_4144),
            word: [0; 8],
            used: 8,
        }
    }

    /// Writes what the socket has room for; hashes the payload; returns bytes written.
    fn feed(&mut self, socket: &mut tcp::Socket<'_>, hash: &mut Option<Sha256>) -> usize {
        let mut total = 0;
        while socket.can_send() {
            let sent = socket.send(|room| {
                let count = self.fill(room, hash);
                (count, count)
            });
            match sent {
                Ok(count) if count > 0 => total += count,
                _ => break,
            }
        }
        total
    }

    fn fill(&mut self, room: &mut [u8], hash: &mut Option<Sha256>) -> usize {
        if self.written < self.line.len() {
            let rest = &self.line[self.written..];
            let count = rest.len().min(room.len());
            room[..count].copy_from_slice(&rest[..count]);
            self.written += count;
            return count;
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let count = room.len().min(left);
        for byte in &mut room[..count] {
            if self.used == self.word.len() {
                self.word = self.dice.next().to_le_bytes();
                self.used = 0;
            }
            *byte = self.word[self.used];
            self.used += 1;
        }
        if let Some(hash) = hash {
            hash.update(&room[..count]);
        }
        self.left -= count as u64;
        count
    }
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| b"0123456789abcdef"[usize::from(nibble)])
        .collect()
}
