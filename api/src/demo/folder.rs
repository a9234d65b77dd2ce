//! Writes a history into a folder.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{DemoOutput, Truth};

/// Writes `<folder>/trail/AWSLogs/…` in the layout of a trail bucket,
/// `<folder>/inventory/<cluster>/…` and `<folder>/truth/truth.ndjson`.
#[derive(Debug)]
pub struct FolderOutput {
    trail: PathBuf,
    inventory: PathBuf,
    last: PathBuf,
    truth: BufWriter<File>,
}

impl FolderOutput {
    /// Creates the folder and the truth file; an existing truth file is
    /// replaced, existing trail objects and inventory files stay.
    pub fn create(folder: &Path) -> io::Result<Self> {
        let trail = folder.join("trail");
        let truth = folder.join("truth");
        fs::create_dir_all(&trail)?;
        fs::create_dir_all(&truth)?;
        let truth = BufWriter::new(File::create(truth.join("truth.ndjson"))?);
        Ok(Self {
            trail,
            inventory: folder.join("inventory"),
            last: PathBuf::new(),
            truth,
        })
    }

    /// Writes what is still buffered. Dropping without it loses errors.
    pub fn finish(mut self) -> io::Result<()> {
        self.truth.flush()
    }
}

impl DemoOutput for FolderOutput {
    fn trail_object(&mut self, key: &str, gz: &[u8]) -> io::Result<()> {
        let path = self.trail.join(key);
        if let Some(parent) = path.parent().filter(|parent| *parent != self.last) {
            fs::create_dir_all(parent)?;
            self.last = parent.to_owned();
        }
        fs::write(path, gz)
    }

    fn inventory_file(&mut self, path: &str, json: &[u8]) -> io::Result<()> {
        let path = self.inventory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, json)
    }

    fn truth(&mut self, row: &Truth<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.truth, row)?;
        self.truth.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests;
