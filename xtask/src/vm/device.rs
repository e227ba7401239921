// SPDX-License-Identifier: MIT OR Apache-2.0
//! Asks QEMU about the device to drive: which options it takes, and what its PCI configuration
//! space says. So any PCI device that QEMU has can be given a driver, without a table here.

use super::hardware_id::PciFunction;
use super::process::{Event, Output, Process};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Time for one question; QEMU answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// Id of the device under test on QEMU's command line.
pub const DEVICE_ID: &str = "dut";

/// A device that QEMU can make.
#[derive(Clone, Debug)]
pub struct Device {
    /// Value of QEMU's `-device`.
    pub argument: String,
    /// Whether it has a network back-end.
    pub network: bool,
    /// Its configuration space.
    pub function: PciFunction,
}

/// Finds out about `name`, which may carry options: `e1000e,mac=…`.
///
/// # Errors
/// One line: QEMU is missing, does not know the device, or it is no PCI device.
pub fn ask(qemu: &Path, name: &str) -> Result<Device, String> {
    let options = options_of(qemu, name)?;
    let has = |option: &str| {
        options
            .iter()
            .any(|line| line.trim_start().starts_with(&format!("{option}=")))
    };
    if !has("addr") {
        return Err(format!("--device {name}: not a PCI device"));
    }
    let network = has("netdev");
    let mut argument = name.to_owned();
    if network {
        argument.push_str(",netdev=n0");
    }
    if has("romfile") {
        // No boot ROM: the firmware must not use the card before the driver does.
        argument.push_str(",romfile=");
    }
    argument.push_str(&format!(",addr=4,id={DEVICE_ID}"));
    let function = read_configuration(qemu, name, &argument, network)?;
    Ok(Device {
        argument,
        network,
        function,
    })
}

/// Arguments common to every VM with the device, without the device itself.
pub fn network_arguments(network: bool) -> &'static [&'static str] {
    if network {
        &["-netdev", "user,id=n0"]
    } else {
        &[]
    }
}

/// The device's options, one a line, as `-device NAME,help` prints them.
fn options_of(qemu: &Path, name: &str) -> Result<Vec<String>, String> {
    let model = name.split(',').next().unwrap_or_default();
    if model.is_empty() {
        return Err("--device: a QEMU device name is needed, such as e1000e".to_owned());
    }
    let mut command = Command::new(qemu);
    command.args(["-device", &format!("{model},help")]);
    let mut process = Process::spawn(command, false)?;
    let deadline = Instant::now() + PATIENCE;
    let mut out = Vec::new();
    let mut errors = Vec::new();
    loop {
        match process.next(Duration::from_millis(100)) {
            Event::Line(Output::Out(line)) => out.push(line),
            Event::Line(Output::Err(line)) => errors.push(line),
            Event::Ended(_) => break,
            Event::Quiet if Instant::now() < deadline => {}
            Event::Quiet => return Err(format!("{} -device help: no answer", qemu.display())),
        }
    }
    if out.is_empty() {
        let why = errors.first().map_or("no such device", String::as_str);
        return Err(format!(
            "--device {model}: QEMU does not know it ({why}); `{} -device help` lists them",
            qemu.display()
        ));
    }
    Ok(out)
}

/// Starts a VM whose CPU never runs and reads the device's configuration space.
fn read_configuration(
    qemu: &Path,
    name: &str,
    argument: &str,
    network: bool,
) -> Result<PciFunction, String> {
    let mut command = Command::new(qemu);
    command
        .args([
            "-machine",
            "q35",
            "-accel",
            "tcg",
            "-nodefaults",
            "-display",
            "none",
        ])
        .args(["-S", "-qmp", "stdio"])
        .args(network_arguments(network))
        .args(["-device", argument]);
    let mut monitor = Monitor::start(command, name)?;
    let buses = monitor.ask(json!({"execute": "query-pci"}))?;
    let found = buses
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|bus| bus["devices"].as_array().into_iter().flatten())
        .find(|device| device["qdev_id"] == DEVICE_ID)
        .ok_or_else(|| format!("--device {name}: not on the VM's PCI bus"))?;
    let field = |name: &str| {
        found[name]
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| format!("query-pci: no {name} for the device"))
    };
    let address = 1 << 31 | field("bus")? << 16 | field("slot")? << 11 | field("function")? << 8;
    let ids = monitor.read_config(address)?;
    let class = monitor.read_config(address | 0x08)?;
    let subsystem = monitor.read_config(address | 0x2C)?;
    let low = |value: u32| u16::try_from(value & 0xFFFF).unwrap_or_default();
    Ok(PciFunction {
        vendor: low(ids),
        device: low(ids >> 16),
        subsystem_vendor: low(subsystem),
        subsystem: low(subsystem >> 16),
        revision: class.to_le_bytes()[0],
        class: class >> 8,
    })
}

/// A QMP connection over the VM's standard input and output.
struct Monitor<'a> {
    process: Process,
    name: &'a str,
    errors: Vec<String>,
    deadline: Instant,
}

impl<'a> Monitor<'a> {
    fn start(command: Command, name: &'a str) -> Result<Self, String> {
        let mut monitor = Monitor {
            process: Process::spawn(command, true)?,
            name,
            errors: Vec::new(),
            deadline: Instant::now() + PATIENCE,
        };
        monitor.receive("QMP")?;
        monitor.ask(json!({"execute": "qmp_capabilities"}))?;
        Ok(monitor)
    }

    fn ask(&mut self, question: Value) -> Result<Value, String> {
        if self.process.send(&question.to_string()).is_err() {
            // QEMU is ending; what it says about that is on its way.
            return Err(self.receive("return").err().unwrap_or_default());
        }
        self.receive("return")
    }

    /// The next message that has this key; events are skipped.
    fn receive(&mut self, key: &str) -> Result<Value, String> {
        loop {
            match self.process.next(Duration::from_millis(100)) {
                Event::Line(Output::Out(line)) => {
                    let mut message: Value = serde_json::from_str(&line)
                        .map_err(|_| format!("QEMU's monitor says {line:?}"))?;
                    if let Some(value) = message.get_mut(key) {
                        return Ok(value.take());
                    }
                    if let Some(error) = message.get("error") {
                        return Err(format!("QEMU's monitor: {}", error["desc"]));
                    }
                }
                Event::Line(Output::Err(line)) => self.errors.push(line),
                Event::Ended(_) => {
                    let why = match self.errors.last() {
                        Some(line) => line.as_str(),
                        None => "QEMU ended without a word",
                    };
                    return Err(format!("--device {}: {why}", self.name));
                }
                Event::Quiet if Instant::now() < self.deadline => {}
                Event::Quiet => return Err("QEMU's monitor does not answer".to_owned()),
            }
        }
    }

    /// Reads 32 bits of configuration space through the ports 0xCF8 and 0xCFC.
    fn read_config(&mut self, address: u32) -> Result<u32, String> {
        self.command(&format!("o /w 0xcf8 {address:#x}"))?;
        let answer = self.command("i /w 0xcfc")?;
        answer
            .rsplit_once("0x")
            .and_then(|(_, digits)| u32::from_str_radix(digits.trim(), 16).ok())
            .ok_or_else(|| format!("QEMU's monitor answers {answer:?} to a port read"))
    }

    fn command(&mut self, line: &str) -> Result<String, String> {
        let question = json!({
            "execute": "human-monitor-command",
            "arguments": {"command-line": line},
        });
        let answer = self.ask(question)?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }
}
