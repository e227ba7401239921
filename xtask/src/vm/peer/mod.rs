// SPDX-License-Identifier: MIT OR Apache-2.0
//! The traffic peer: the other end of the wire for scenarios that compare every byte.
//!
//! QEMU connects a `stream` netdev (each frame with its length in front) and a serial line to two
//! ports of this process, and its monitor to a third. Over the serial line the checked host says which frames to send and
//! which to expect; both sides compute the frames themselves, see `vmhost/wire`.
//!
//! Nothing here judges by time: a frame counts when it has come, and the host asks.

mod control;
mod expected;
mod monitor;
mod wire;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// QEMU's name of the wire.
const NETDEV: &str = "n0";
/// How often waiting threads look whether the run is over.
const POLL: Duration = Duration::from_millis(20);

/// The running peer; dropping it ends it.
#[derive(Debug)]
pub struct Peer {
    wire: u16,
    serial: u16,
    monitor: u16,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Peer {
    /// Starts the peer on three free ports of 127.0.0.1.
    ///
    /// # Errors
    /// One line: no port can be opened.
    pub fn start() -> Result<Self, String> {
        let fail = |error: std::io::Error| format!("no traffic peer on 127.0.0.1: {error}");
        let listen = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            let port = listener.local_addr()?.port();
            Ok((listener, port))
        };
        let (wire_listener, wire) = listen().map_err(fail)?;
        let (serial_listener, serial) = listen().map_err(fail)?;
        let (monitor_listener, monitor) = listen().map_err(fail)?;
        let stop = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(wire::Shared::new());
        let (jobs, queue) = std::sync::mpsc::channel();
        let threads = vec![
            std::thread::spawn({
                let (stop, shared) = (stop.clone(), shared.clone());
                move || {
                    if let Some(stream) = accept(&wire_listener, &stop) {
                        wire::run(stream, &stop, &shared, &queue);
                    }
                }
            }),
            std::thread::spawn({
                let stop = stop.clone();
                move || {
                    if let Some(stream) = accept(&serial_listener, &stop) {
                        control::run(stream, &monitor_listener, &stop, &shared, &jobs);
                    }
                }
            }),
        ];
        Ok(Self {
            wire,
            serial,
            monitor,
            stop,
            threads,
        })
    }

    /// QEMU's arguments for the network's end, in place of the user network.
    pub fn network_arguments(&self) -> Vec<String> {
        let address = format!("addr.type=inet,addr.host=127.0.0.1,addr.port={}", self.wire);
        vec![
            "-netdev".to_owned(),
            format!("stream,id={NETDEV},server=off,{address}"),
        ]
    }

    /// QEMU's arguments for its monitor.
    pub fn monitor_arguments(&self) -> Vec<String> {
        let address = format!("host=127.0.0.1,port={}", self.monitor);
        vec![
            "-chardev".to_owned(),
            format!("socket,id=monitor,server=off,{address}"),
            "-mon".to_owned(),
            "chardev=monitor,mode=control".to_owned(),
        ]
    }

    /// QEMU's arguments for the serial line.
    pub fn serial_arguments(&self) -> Vec<String> {
        let address = format!("host=127.0.0.1,port={}", self.serial);
        vec![
            "-chardev".to_owned(),
            format!("socket,id=peer,server=off,nodelay=on,{address}"),
            "-device".to_owned(),
            format!(
                "isa-serial,iobase={:#x},irq=4,chardev=peer",
                vmhost_proto::SERIAL_PORT
            ),
        ]
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing more to say; the run has its own verdict.
            let _ = thread.join();
        }
    }
}

/// The one connection that comes.
fn accept(listener: &TcpListener, stop: &AtomicBool) -> Option<TcpStream> {
    while !stop.load(Ordering::Acquire) {
        if let Ok((stream, _)) = listener.accept() {
            // Timeouts, so that no thread outlives the run.
            let ready = stream
                .set_nonblocking(false)
                .and_then(|()| stream.set_nodelay(true))
                .and_then(|()| stream.set_read_timeout(Some(POLL)))
                .and_then(|()| stream.set_write_timeout(Some(POLL)));
            return ready.ok().map(|()| stream);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}
