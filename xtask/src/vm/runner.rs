// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole run: checks the input, asks QEMU about the device, installs the driver from its INF,
//! starts the server and the VM, and turns what came out into one report or one line of error.

use super::device::{self, Device};
use super::inf::Inf;
use super::inf::install::install;
use super::inf::target::Windows;
use super::peer::Peer;
use super::server::Server;
use super::session::{self, End, Transcript};
use super::verdict::{self, Wanted};
use super::{Offloads, Options, counting, image};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use vmhost_proto::{
    FW_CFG_CONFIG, FW_CFG_DRIVER, Grant, HostConfig, Install, Report, SCENARIOS, Traffic,
};

/// Echo requests of the traffic scenario.
const PINGS: u32 = 4;
/// Seconds that the host gets less than the runner, so that it can still say what hangs.
const HOST_HEAD_START: u32 = 5;

/// The files of one run.
#[derive(Clone, Debug)]
pub struct Files {
    /// The driver image.
    pub driver: PathBuf,
    /// Its INF.
    pub inf: PathBuf,
    /// The checked host.
    pub host: PathBuf,
    /// QEMU's counting plugin, if instructions are counted.
    pub plugin: Option<PathBuf>,
}

/// Runs the VM.
///
/// # Errors
/// One line for everything that is not the driver's fault: bad input, a VM that hangs or ends
/// early. Exit status 2.
pub fn run(options: &Options, files: &Files) -> Result<(Report, counting::Histograms), String> {
    if !SCENARIOS.iter().any(|(name, _)| *name == options.scenario) {
        return Err(format!(
            "--scenario {}: there is no such scenario; --list shows them",
            options.scenario
        ));
    }
    image::check_file(&files.driver)?;
    let inf_shown = files.inf.display();
    let inf_bytes =
        std::fs::read(&files.inf).map_err(|error| format!("{inf_shown}: cannot read: {error}"))?;
    let inf = Inf::parse(&inf_bytes).map_err(|why| format!("{inf_shown}: {why}"))?;
    if !files.host.is_file() {
        return Err(format!(
            "{}: the checked host is not built; ./dev build makes it",
            files.host.display()
        ));
    }
    let device = device::ask(&options.qemu, &options.device)?;
    let mut package = install(
        &inf,
        &device.function,
        Windows::with_ndis(options.ndis_minor),
    )
    .map_err(|why| format!("{inf_shown}: {why}"))?;
    options.override_keywords(&mut package.keywords)?;
    if options.verbose {
        show_package(&package, &device);
    }
    let server = Server::start(options.seed)?;
    let config = host_config(options, package, server.port());
    let folder = tempfile::Builder::new()
        .prefix("ndis-e1000e-vm-")
        .tempdir()
        .map_err(|error| format!("no temporary folder: {error}"))?;
    let config_path = folder.path().join("config.json");
    let json = serde_json::to_vec_pretty(&config).map_err(|error| error.to_string())?;
    std::fs::write(&config_path, json)
        .map_err(|error| format!("{}: cannot write: {error}", config_path.display()))?;

    // Lives until the VM has ended.
    let peer = match vmhost_proto::has_peer(&options.scenario) {
        true if !device.network => {
            let (scenario, device) = (&options.scenario, &options.device);
            return Err(format!("--scenario {scenario}: {device} has no network"));
        }
        true => Some(Peer::start()?),
        false => None,
    };
    let network = match &peer {
        Some(peer) => [
            peer.network_arguments(),
            peer.serial_arguments(),
            peer.monitor_arguments(),
        ]
        .concat(),
        None => device::network_arguments(device.network)
            .iter()
            .map(|&argument| argument.to_owned())
            .collect(),
    };
    let mut command = command_line(options, files, &device, &network, &config_path)?;
    let counts = match &files.plugin {
        Some(plugin) => {
            let path = counting::prepare(folder.path())?;
            command.args(counting::arguments(
                &option_value(plugin)?,
                &option_value(&path)?,
            ));
            Some(path)
        }
        None => None,
    };
    if options.verbose {
        println!("command     {command:?}");
    }
    let limit = (!options.gdb).then(|| Duration::from_secs(options.seconds().into()));
    let transcript = session::run(command, limit)?;
    let wanted = Wanted {
        irq: options.irq.into(),
        messages: options.messages,
        driver: vmhost_proto::has_driver(&options.scenario),
        ours: options.driver.is_none(),
        iommu: !options.no_iommu,
        traffic: options.scenario == "traffic",
        offloads: (options.driver.is_none() && options.keywords.is_empty())
            .then_some(options.offloads == Offloads::On),
        pings: PINGS,
        bytes: options.transfer_bytes(),
    };
    let transfers = server.transfers(Duration::from_millis(500));
    let report = conclude(transcript, options, |report| {
        verdict::judge(report, wanted, &transfers);
    })?;
    let histograms = match counts {
        Some(path) => counting::histograms(&path)?,
        None => Vec::new(),
    };
    Ok((report, histograms))
}

/// `--verbose`: what was found and what an installation would leave in the registry.
fn show_package(package: &Install, device: &Device) {
    println!("device      {}", device.function.hardware_ids()[0]);
    println!(
        "matched     {}: {}",
        package.hardware_id, package.description
    );
    println!("service     {}, image {}", package.service, package.image);
    for keyword in &package.keywords {
        println!("  {} = {:?}", keyword.name, keyword.value);
    }
    println!("interrupts  {:?}", package.interrupt);
}

/// What the host is told.
fn host_config(options: &Options, install: Install, server_port: u16) -> HostConfig {
    HostConfig {
        scenario: options.scenario.clone(),
        seed: options.seed,
        install,
        grant: Grant {
            irq: options.irq.into(),
            messages: options.messages,
        },
        traffic: Traffic {
            server_port,
            bytes_down: options.transfer_bytes(),
            bytes_up: options.transfer_bytes(),
            pings: PINGS,
        },
        frames: options.frames,
        offloads: options.offloads == Offloads::On,
        ndis_minor: options.ndis_minor,
        time_limit_s: if options.gdb {
            u32::MAX
        } else {
            options.seconds().saturating_sub(HOST_HEAD_START).max(1)
        },
        full: options.full,
        verbose: options.verbose,
    }
}

/// QEMU's command line; see docs/vmhost.md for the reasons behind its parts.
fn command_line(
    options: &Options,
    files: &Files,
    device: &Device,
    network: &[String],
    config: &Path,
) -> Result<Command, String> {
    let mut command = Command::new(&options.qemu);
    command.args(["-machine", "q35", "-m", "512", "-display", "none"]);
    command.args(["-nodefaults", "-no-reboot"]);
    command.args(options.accel.arguments(options)?);
    command.args(["-smp", &options.processors().to_string()]);
    if let Some(shift) = options.icount {
        command.args(["-icount", &format!("shift={shift},sleep=on")]);
    }
    command.arg("-kernel").arg(&files.host);
    command.args(["-chardev", "stdio,id=console,signal=off"]);
    command.args(["-device", "isa-debugcon,iobase=0xe9,chardev=console"]);
    command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
    for (name, file) in [
        (FW_CFG_DRIVER, files.driver.as_path()),
        (FW_CFG_CONFIG, config),
    ] {
        let argument = format!("name={name},file={}", option_value(file)?);
        command.args(["-fw_cfg", &argument]);
    }
    if !options.no_iommu {
        // Before the device, whose address space it makes. Messages are not remapped.
        command.args(["-device", "intel-iommu,intremap=off,aw-bits=39"]);
    }
    command.args(network);
    command.args(["-device", &device.argument]);
    if let Some(pcap) = &options.pcap {
        if !device.network {
            return Err(format!("--pcap: {} has no network", options.device));
        }
        // QEMU would report a bad path as an object that cannot be made.
        std::fs::File::create(pcap)
            .map_err(|error| format!("--pcap {}: cannot write: {error}", pcap.display()))?;
        let argument = format!("filter-dump,id=dump,netdev=n0,file={}", option_value(pcap)?);
        command.args(["-object", &argument]);
    }
    if options.gdb {
        println!(
            "QEMU waits for gdb: `gdb {} -ex 'target remote :1234'`, then `continue`",
            files.host.display()
        );
        command.args(["-S", "-gdb", "tcp:127.0.0.1:1234"]);
    }
    Ok(command)
}

/// A path as the value of a QEMU option: commas are doubled.
fn option_value(path: &Path) -> Result<String, String> {
    let text = path
        .to_str()
        .ok_or_else(|| format!("{}: QEMU needs a path in UTF-8", path.display()))?;
    Ok(text.replace(',', ",,"))
}

/// Turns what the VM left into a report, or into the one line for exit status 2. A violation that
/// was seen counts more than the way in which the run broke off.
fn conclude(
    transcript: Transcript,
    options: &Options,
    judge: impl FnOnce(&mut Report),
) -> Result<Report, String> {
    let seconds = transcript.elapsed.as_secs_f64();
    let broken_off = broken_off(&transcript, options);
    let mut report = match (transcript.report, &broken_off) {
        (Some(report), None) => report,
        (report, Some(why)) if !transcript.violations.is_empty() => Report {
            result: "failed".to_owned(),
            reason: why.clone(),
            seed: options.seed,
            ..report.unwrap_or_default()
        },
        (_, Some(why)) => return Err(why.clone()),
        (None, None) => return Err("the VM ended without a report".to_owned()),
    };
    report.seconds = seconds;
    for violation in transcript.violations {
        if !report.verifier.violations.contains(&violation) {
            report.verifier.violations.push(violation);
        }
    }
    judge(&mut report);
    if let Some(why) = broken_off {
        report.reason = format!("{}; then {why}", report.reason);
    }
    Ok(report)
}

/// Why the run did not come to its end, if it did not.
fn broken_off(transcript: &Transcript, options: &Options) -> Option<String> {
    let step = match &transcript.last_step {
        Some(step) => format!("in step \"{step}\""),
        None => "before its first step".to_owned(),
    };
    if let Some(what) = &transcript.fatal {
        return Some(what.clone());
    }
    if let Some(record) = &transcript.unreadable {
        return Some(format!(
            "the host sent a record that the runner cannot read: {record}; build both from one tree"
        ));
    }
    if transcript.report.is_some() {
        return None;
    }
    Some(match transcript.end {
        End::Interrupted => format!("interrupted {step}"),
        End::TimeLimit => format!(
            "the VM hangs {step}: no report within {} s (--time-limit); QEMU was ended",
            options.seconds()
        ),
        End::Finished => format!("the VM ended without a report {step}"),
        End::Exited(status) => {
            let why = match (transcript.errors.last(), status.code()) {
                (Some(line), _) => format!("QEMU says: {line}"),
                // `-no-reboot` turns a triple fault into an orderly end.
                (None, Some(0)) => "the CPU reset itself (triple fault)".to_owned(),
                (None, _) => format!("QEMU's {status}"),
            };
            format!("the VM ended without a report {step}: {why}")
        }
    })
}
