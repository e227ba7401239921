// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--count-instructions`: QEMU's counting plugin and the memory that it shares with the guest.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};
use vmhost_proto::meter;

/// The file behind the shared memory.
pub fn prepare(folder: &Path) -> Result<PathBuf, String> {
    let path = folder.join("counts");
    let made = File::create(&path).and_then(|file| file.set_len(meter::SIZE as u64));
    made.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// QEMU's arguments for the plugin and the memory.
pub fn arguments(plugin: &str, memory: &str) -> [String; 6] {
    [
        "-plugin".to_owned(),
        format!("{plugin},counts={memory}"),
        "-object".to_owned(),
        format!(
            "memory-backend-file,id=counts,size={},share=on,mem-path={memory}",
            meter::SIZE
        ),
        "-device".to_owned(),
        "ivshmem-plain,memdev=counts,addr=1e".to_owned(),
    ]
}

/// How often each place of the image was executed, by phase from 1: (place, count).
pub type Histograms = Vec<Vec<(u32, u32)>>;

/// Reads the histograms when QEMU has ended.
pub fn histograms(path: &Path) -> Result<Histograms, String> {
    let explain = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(explain)?;
    let one = |number: usize| {
        let at = meter::histogram(number)?;
        let counts = bytes.get(at..at + meter::PLACES * 4)?.chunks_exact(4);
        Some(
            (0u32..)
                .zip(counts)
                .filter_map(|(place, count)| {
                    let count = u32::from_le_bytes(count.try_into().ok()?);
                    (count != 0).then_some((place, count))
                })
                .collect(),
        )
    };
    Ok((1..=meter::HISTOGRAMS).filter_map(one).collect())
}
