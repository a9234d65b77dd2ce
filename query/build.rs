//! Tells the code which state of the sources it was built from: answers that are kept in a store are read again
//! only by the code that computed them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, io};

fn main() -> io::Result<()> {
    let mut files = BTreeMap::new();
    // What views are made of, and the versions of the libraries that compute them. Cargo runs this in the package.
    for name in ["src", "../Cargo.lock"] {
        println!("cargo:rerun-if-changed={name}");
        collect(Path::new(name), &mut files)?;
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
        files.insert(path.to_owned(), fs::read(path)?);
    }
    Ok(())
}
