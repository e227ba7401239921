// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's monitor, for what the other end of a wire cannot say with frames: the cable is pulled, and plugged in again.

use super::wire::is_wait;
use super::{NETDEV, control::write};
use serde_json::{Value, json};
use std::io::Read;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The connection.
#[derive(Debug)]
pub struct Monitor {
    stream: TcpStream,
    /// What has come and is no whole line yet.
    begun: Vec<u8>,
}

impl Monitor {
    /// Greets the monitor.
    ///
    /// # Errors
    /// One line: it does not answer as it should.
    pub fn new(stream: TcpStream, stop: &AtomicBool) -> Result<Self, String> {
        let mut monitor = Self {
            stream,
            begun: Vec::new(),
        };
        monitor.receive("QMP", stop)?;
        monitor.ask(&json!({"execute": "qmp_capabilities"}), stop)?;
        Ok(monitor)
    }

    /// Pulls the cable, or plugs it in.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn set_link(&mut self, up: bool, stop: &AtomicBool) -> Result<(), String> {
        let arguments = json!({"name": NETDEV, "up": up});
        self.ask(
            &json!({"execute": "set_link", "arguments": arguments}),
            stop,
        )
    }

    fn ask(&mut self, question: &Value, stop: &AtomicBool) -> Result<(), String> {
        let line = format!("{question}\n");
        if write(&mut self.stream, stop, line.as_bytes()) {
            self.receive("return", stop)
        } else {
            Err("QEMU's monitor is gone".to_owned())
        }
    }

    /// Waits for a message with this key; events are skipped.
    fn receive(&mut self, key: &str, stop: &AtomicBool) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        loop {
            while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.begun.drain(..=end).collect();
                let message: Value = serde_json::from_slice(&line)
                    .map_err(|error| format!("QEMU's monitor: {error}"))?;
                if message.get(key).is_some() {
                    return Ok(());
                }
                if let Some(error) = message.get("error") {
                    return Err(format!("QEMU's monitor: {}", error["desc"]));
                }
            }
            let mut bytes = [0; 1024];
            match self.stream.read(&mut bytes) {
                Ok(count @ 1..) => self.begun.extend(bytes.iter().take(count)),
                Err(error) if is_wait(&error) && !stop.load(Ordering::Acquire) => {}
                Ok(0) | Err(_) => return Err("QEMU's monitor is gone".to_owned()),
            }
            if Instant::now() >= until {
                return Err("QEMU's monitor does not answer".to_owned());
            }
        }
    }
}
