//! Tells the code which state of the sources it was built from: answers that are kept in a store are read again
//! only by the code that computed them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = BTreeMap::new();
    // What views are made of, and the versions of the libraries that compute them.
    for name in ["src", "../Cargo.lock"] {
        println!("cargo:rerun-if-changed={name}");
        collect(&package.join(name), &mut files)?;
    }
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    println!("cargo:rustc-env=PODTRAIL_SOURCES={:016x}", hasher.finish());
    Ok(())
}

fn collect(path: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.is_file() {
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        files.insert(Path::new(folder).join(name), fs::read(path)?);
    }
    Ok(())
}
