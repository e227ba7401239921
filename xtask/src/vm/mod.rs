// SPDX-License-Identifier: MIT OR Apache-2.0
//! `./dev vm`: installs the driver from its INF into the checked host, runs it in QEMU on an
//! emulated card, and reports. Exit status 0: all held; 1: the driver broke a rule, leaked or
//! did not move the traffic; 2: the run could not be made or did not come to an end.

pub mod counting;
mod device;
mod hardware_id;
mod image;
mod inf;
mod peer;
mod process;
mod runner;
mod server;
mod session;
mod table;
mod verdict;

use crate::build;
use crate::failure::{Failure, Outcome};
use crate::project::root;
use clap::{Args, ValueEnum};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use vmhost_proto::{Irq, Keyword, MAX_CPUS, RegistryValue, Report, SCENARIOS};

/// The scenario that takes as long as it is told.
const SOAK: &str = "soak";

/// Options of `./dev vm`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Interrupt that the host grants; `auto` is what Windows would choose
    #[arg(long, value_enum, value_name = "KIND", default_value_t = IrqKind::Auto)]
    pub irq: IrqKind,

    /// At most so many messages are granted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2048))]
    pub messages: Option<u32>,

    /// Processors of the VM, 16 at most; 2, for the soak 4
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CPUS)))]
    pub cpus: Option<u32>,

    /// Scenario to run
    #[arg(long, value_name = "NAME", default_value = SCENARIOS[0].0)]
    pub scenario: String,

    /// List the scenarios and end
    #[arg(long)]
    pub list: bool,

    /// Seed of every random choice; a run with the same seed makes the same ones
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Write the report as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Record the frames on the wire
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,

    /// Run this driver instead of building ndis_e1000e.sys
    #[arg(long, value_name = "FILE.sys", requires = "inf")]
    pub driver: Option<PathBuf>,

    /// INF (or INX) of --driver
    #[arg(long, value_name = "FILE.inf", requires = "driver")]
    pub inf: Option<PathBuf>,

    /// QEMU device to drive, with options if wanted: e1000e,mac=02:00:00:00:00:01
    #[arg(long, value_name = "QEMU-DEVICE", default_value = "e1000e")]
    pub device: String,

    /// Put a virtual IOMMU before the device: it reaches live shared memory and live SG lists only, at
    /// logical addresses that are not the physical ones. This is the default
    #[arg(long, overrides_with = "no_iommu")]
    pub iommu: bool,

    /// Leave the IOMMU out: logical addresses are the physical ones
    #[arg(long)]
    pub no_iommu: bool,

    /// How the VM's processors are run
    #[arg(long, value_enum, value_name = "KIND", default_value_t = Accel::Tcg)]
    pub accel: Accel,

    /// Count the driver's instructions with a QEMU plugin: fills isr_instructions_max, and the
    /// instructions of the scenario `cost`
    #[arg(long)]
    pub count_instructions: bool,

    /// The VM's time runs by its instructions, 2^N ns for each, and not by the clock; one CPU
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=10))]
    pub icount: Option<u8>,

    /// Wait for gdb on port 1234 before the first instruction; sets no time limit
    #[arg(long)]
    pub gdb: bool,

    /// Seconds after which a run without a report is ended; 120, for the soak more by its frames
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..))]
    pub time_limit: Option<u32>,

    /// Frames each way in the soak scenario
    #[arg(long, value_name = "N", default_value_t = 10_000_000,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub frames: u64,

    /// Every step of a sweep (low-resources, removal) instead of a choice, which takes minutes to hours,
    /// so set --time-limit too; a million interrupts in t04
    #[arg(long)]
    pub full: bool,

    /// MiB to transfer each way in the traffic scenario
    #[arg(long, value_name = "MIB", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(0..=4096))]
    pub transfer: u32,

    /// Whether the protocol leaves checksums and segmentation to the miniport, as far as it offers them, or does
    /// them itself
    #[arg(long, value_enum, value_name = "ON|OFF", default_value_t = Offloads::On)]
    pub offloads: Offloads,

    /// NDIS 6 minor version that the host offers, and with it the Windows that the INF sees: 84 is
    /// NDIS 6.84 of Windows 10 2004, 87 NDIS 6.87 of Windows 11 22H2
    #[arg(long, value_name = "N", default_value_t = 87,
          value_parser = clap::value_parser!(u8).range(20..=89))]
    pub ndis_minor: u8,

    /// Give a keyword of the driver's registry key another value than the INF does; repeatable. A
    /// keyword of the INF keeps its type, any other is a string
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = keyword)]
    pub keywords: Vec<(String, String)>,

    /// Show the device, the installation and QEMU's command line
    #[arg(short, long)]
    pub verbose: bool,

    /// QEMU to use
    #[arg(long, value_name = "FILE", default_value = "qemu-system-x86_64")]
    pub qemu: PathBuf,

    /// Checked host to boot instead of building vmhost
    #[arg(long, value_name = "FILE")]
    pub host: Option<PathBuf>,
}

/// Splits `NAME=VALUE`.
fn keyword(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE is expected".to_owned()),
    }
}

/// The value of `--set` for a keyword that has `old`, if it has one.
fn keyword_value(
    name: &str,
    value: &str,
    old: Option<&RegistryValue>,
) -> Result<RegistryValue, String> {
    let number = || {
        let parsed = match value.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => value.parse(),
        };
        parsed.map_err(|_| format!("--set {name}={value}: {name} is a number of 32 bits"))
    };
    match old {
        Some(RegistryValue::Dword(_)) => number().map(RegistryValue::Dword),
        Some(RegistryValue::MultiSz(_) | RegistryValue::Binary(_)) => Err(format!(
            "--set {name}={value}: {name} is neither a number nor a string"
        )),
        Some(RegistryValue::Sz(_)) | None => Ok(RegistryValue::Sz(value.to_owned())),
    }
}

impl Options {
    /// Gives the keywords of `--set` their values. Names are those of the registry: in any case.
    fn override_keywords(&self, keywords: &mut Vec<Keyword>) -> Result<(), String> {
        for (name, value) in &self.keywords {
            let place = keywords
                .iter()
                .position(|keyword| keyword.name.eq_ignore_ascii_case(name));
            let old = place.map(|place| &keywords[place].value);
            let value = keyword_value(name, value, old)?;
            match place {
                Some(place) => keywords[place].value = value,
                None => keywords.push(Keyword {
                    name: name.clone(),
                    value,
                }),
            }
        }
        Ok(())
    }

    /// Processors of the VM.
    fn processors(&self) -> u32 {
        let usual = if self.scenario == SOAK { 4 } else { 2 };
        self.cpus.unwrap_or(usual)
    }

    /// Seconds for the run: a soak may move no more than a thousand frames a second, so slow can
    /// a busy machine be.
    fn seconds(&self) -> u32 {
        let more = if self.scenario == SOAK {
            u32::try_from(self.frames / 1000).unwrap_or(u32::MAX / 2)
        } else {
            0
        };
        self.time_limit.unwrap_or(120 + more)
    }

    fn transfer_bytes(&self) -> u64 {
        u64::from(self.transfer) << 20
    }
}

/// Interrupt kind of `--irq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IrqKind {
    /// MSI-X, else MSI, else the line, as the device and the INF allow
    Auto,
    /// MSI-X
    Msix,
    /// MSI
    Msi,
    /// The interrupt line
    Line,
}

impl From<IrqKind> for Irq {
    fn from(kind: IrqKind) -> Irq {
        match kind {
            IrqKind::Auto => Irq::Auto,
            IrqKind::Msix => Irq::Msix,
            IrqKind::Msi => Irq::Msi,
            IrqKind::Line => Irq::Line,
        }
    }
}

/// Who does checksums and segmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Offloads {
    /// The miniport
    On,
    /// The protocol; the miniport is told to leave them alone
    Off,
}

/// Accelerator of `--accel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Accel {
    /// Emulation: everywhere the same
    Tcg,
    /// Hardware virtualisation; needs /dev/kvm
    Kvm,
}

impl Accel {
    fn arguments(self, options: &Options) -> Result<[&'static str; 4], String> {
        match self {
            Accel::Tcg if options.icount.is_some() && options.processors() != 1 => {
                Err("--icount: only with --cpus 1".to_owned())
            }
            Accel::Tcg if options.icount.is_some() => {
                Ok(["-accel", "tcg,thread=single", "-cpu", "max"])
            }
            Accel::Tcg => Ok(["-accel", "tcg,thread=multi", "-cpu", "max"]),
            Accel::Kvm if options.count_instructions || options.icount.is_some() => {
                Err("--accel kvm: instructions are counted only by emulation".to_owned())
            }
            Accel::Kvm if !Path::new("/dev/kvm").exists() => {
                Err("--accel kvm: there is no /dev/kvm; leave the option out to emulate".to_owned())
            }
            Accel::Kvm => Ok(["-accel", "kvm", "-cpu", "host"]),
        }
    }
}

/// Runs one VM, prints the report, and says by the exit status whether all held.
pub fn run(options: Options) -> ExitCode {
    let options = &options;
    if options.list {
        for (name, line) in SCENARIOS {
            println!("{name:<10} {line}");
        }
        return ExitCode::SUCCESS;
    }
    // Before the run, not after it.
    if let Err(failure) = can_write_json(options) {
        eprintln!("vm: {failure}");
        return failure.exit_code();
    }
    let outcome = run_report(options).and_then(|report| {
        write_json(options, &report)?;
        Ok(report)
    });
    match outcome {
        Ok(report) => {
            let _ = write!(std::io::stdout(), "\n{}", table::render(&report));
            if report.result == "ok" {
                ExitCode::SUCCESS
            } else {
                eprintln!("vm: failed: {}", report.reason);
                ExitCode::from(1)
            }
        }
        Err(failure) => {
            eprintln!("vm: {failure}");
            let report = Report {
                result: "failed".to_owned(),
                reason: failure.to_string(),
                seed: options.seed,
                ..Report::default()
            };
            if let Err(failure) = write_json(options, &report) {
                eprintln!("vm: {failure}");
            }
            failure.exit_code()
        }
    }
}

/// Runs one VM and returns its report; the log goes to standard output.
///
/// # Errors
/// One line for a run that could not be made or did not come to an end.
pub fn run_report(options: &Options) -> Outcome<Report> {
    run_counted(options).map(|(report, _)| report)
}

/// As [`run_report`], with what was executed where; nothing without `--count-instructions`.
///
/// # Errors
/// As [`run_report`].
pub fn run_counted(options: &Options) -> Outcome<(Report, counting::Histograms)> {
    let host = match &options.host {
        Some(host) => host.clone(),
        None => build::vmhost()?,
    };
    let (driver, inf) = match (&options.driver, &options.inf) {
        (Some(driver), Some(inf)) => (driver.clone(), inf.clone()),
        _ => {
            let driver = build::driver(build::Profile::Release)?;
            (driver, root().join("inf/ndis_e1000e.inx"))
        }
    };
    let plugin = if options.count_instructions {
        Some(build::plugin()?)
    } else {
        None
    };
    let files = runner::Files {
        driver,
        inf,
        host,
        plugin,
    };
    runner::run(options, &files).map_err(Failure::input)
}

/// Whether the report can be written; leaves no file behind that was not there.
fn can_write_json(options: &Options) -> Outcome {
    let Some(path) = &options.json else {
        return Ok(());
    };
    let is_new = !path.exists();
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map_err(|error| Failure::input(format!("--json {}: {error}", path.display())))?;
    if is_new {
        // Written again at the end; a file that cannot be removed is no reason to stop.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

fn write_json(options: &Options, report: &Report) -> Outcome {
    let Some(path) = &options.json else {
        return Ok(());
    };
    let json = serde_json::to_string_pretty(report)
        .map_err(|error| Failure::input(format!("--json: {error}")))?;
    std::fs::write(path, json + "\n").map_err(|error| Failure::file(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn set(arguments: &[&str]) -> Result<Vec<Keyword>, String> {
        let mut keywords = vec![
            Keyword {
                name: "Number".to_owned(),
                value: RegistryValue::Dword(1),
            },
            Keyword {
                name: "*Text".to_owned(),
                value: RegistryValue::Sz("1".to_owned()),
            },
        ];
        let line = Line::try_parse_from(["vm"].iter().chain(arguments))
            .map_err(|error| error.to_string())?;
        line.options.override_keywords(&mut keywords)?;
        Ok(keywords)
    }

    #[test]
    fn keywords_are_replaced_in_their_type_and_added_as_strings() {
        let arguments = [
            "--set",
            "number=0x10",
            "--set",
            "*Text=a=b",
            "--set",
            "New=3",
        ];
        let values: Vec<_> = set(&arguments)
            .expect("good keywords")
            .into_iter()
            .map(|keyword| keyword.value)
            .collect();
        let text = |text: &str| RegistryValue::Sz(text.to_owned());
        assert_eq!(values, [RegistryValue::Dword(16), text("a=b"), text("3")]);
    }

    #[test]
    fn what_is_no_keyword_is_refused() {
        for bad in ["Number", "=1", "Number=x", "Number=4294967296"] {
            assert!(set(&["--set", bad]).is_err(), "{bad}");
        }
    }
}
