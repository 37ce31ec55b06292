//! Tests of the output directory, and their fixture, which checks that nothing outside changes.
#![cfg(unix)]

mod directories;
mod files;
mod mounts;
mod permissions;
mod stale_temps;
mod titles;

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::{OutputDir, OutputOptions};
use crate::error::{Error, IoOp, Result};
use crate::fs::testing::TempDir;

const KEEP: OutputOptions = OutputOptions {
    keep_old_files: true,
    allow_traversal: false,
};
const ANYWHERE: OutputOptions = OutputOptions {
    keep_old_files: false,
    allow_traversal: true,
};

/// An output directory `out` next to a directory `outside`.
struct Fixture {
    temp: Rc<TempDir>,
    output: OutputDir,
}

impl Fixture {
    fn new() -> Self {
        Self::with(OutputOptions::default())
    }

    fn with(options: OutputOptions) -> Self {
        let temp = Rc::new(TempDir::new());
        fs::create_dir(temp.path().join("outside")).unwrap();
        fs::write(temp.path().join("outside/secret"), "secret").unwrap();
        let output = OutputDir::open(temp.path().join("out"), options).unwrap();
        Self { temp, output }
    }

    /// The same directories, opened as by another process.
    fn reopen(&self) -> Self {
        let temp = Rc::clone(&self.temp);
        let output = OutputDir::open(temp.path().join("out"), self.output.options).unwrap();
        Self { temp, output }
    }

    fn existing(self, name: &str, content: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join("out").join(name)
    }

    fn write(&self, title: &str, content: &str) -> Result<PathBuf> {
        let mut file = self.output.create_file(title)?;
        file.write_all(content.as_bytes())
            .map_err(Error::io(IoOp::Write, title))?;
        file.commit()
    }

    /// Writes a directory with these files, links (`name -> target`) and directories (`name/`).
    fn write_directory(&self, title: &str, content: &[&str]) -> Result<PathBuf> {
        let directory = self.output.create_directory(title)?;
        fill(directory.dir(), content);
        directory.commit()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Entries of the output directory. Checks that nothing outside has changed.
    fn tree(&self) -> Vec<String> {
        let (inside, around): (Vec<_>, Vec<_>) = self
            .temp
            .tree()
            .into_iter()
            .partition(|name| name.starts_with("out/"));
        assert_eq!(around, ["outside/", "outside/secret"]);
        assert_eq!(
            fs::read(self.temp.path().join("outside/secret")).unwrap(),
            b"secret"
        );
        inside
            .iter()
            .map(|name| name["out/".len()..].to_owned())
            .filter(|name| !name.is_empty())
            .collect()
    }
}

fn fill(dir: &cap_std::fs::Dir, content: &[&str]) {
    for name in content {
        if let Some((name, target)) = name.split_once(" -> ") {
            dir.symlink(target, name).unwrap();
        } else if let Some(name) = name.strip_suffix('/') {
            dir.create_dir_all(name).unwrap();
        } else {
            if let Some(parent) = Path::new(name).parent() {
                dir.create_dir_all(parent).unwrap();
            }
            dir.write(name, "new").unwrap();
        }
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}
