//! Pushes files and directories to a registry, and pulls them into a directory.
//!
//! ```text
//! cargo run --example push_pull -- push localhost:5000/hello:v1 README.md src
//! cargo run --example push_pull -- pull localhost:5000/hello:v1 out
//! ```

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;

use oras::pull::{PullOptions, Pulled, pull};
use oras::push::{PushFile, PushOptions, push};
use oras::registry::Client;
use oras::store::{Source, Target};
use oras::{Descriptor, MediaType};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [verb, reference, paths @ ..] = arguments.as_slice() else {
        return Err("usage: push_pull push|pull <registry/repository:tag> <path>…".into());
    };
    let (repository, tag) = Client::new().open(reference)?;
    let mut out = io::stdout();
    match (verb.as_str(), paths) {
        ("push", files) => {
            let manifest = push_files(&repository, &tag, files)?;
            writeln!(out, "{reference} is {}", manifest.digest)?;
        }
        ("pull", [directory]) => {
            for file in pull_files(&repository, &tag, directory)?.files {
                writeln!(out, "{}", file.path.display())?;
            }
        }
        _ => return Err("pull needs one directory".into()),
    }
    Ok(())
}

/// Pushes files and directories as the layers of an artifact. The tag is set last.
fn push_files<P: AsRef<Path>>(
    target: &dyn Target,
    tag: &str,
    paths: &[P],
) -> oras::Result<Descriptor> {
    let mut options = PushOptions::default();
    options.artifact_type = Some(MediaType::new("application/vnd.example.files"));
    options.files = paths.iter().map(PushFile::from).collect();
    Ok(push(target, Some(tag), options)?.descriptor().clone())
}

/// Pulls all files of an artifact. Each appears when it is complete and verified.
fn pull_files(source: &dyn Source, tag: &str, directory: &str) -> oras::Result<Pulled> {
    let mut options = PullOptions::default();
    options.output = directory.into();
    pull(source, tag, options)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use oras::store::memory::MemoryStore;

    use super::*;

    #[test]
    fn files_and_directories_come_back() {
        let program = env::current_exe().unwrap();
        let directory = program.with_extension("files");
        fs::create_dir_all(directory.join("in/docs")).unwrap();
        fs::write(directory.join("in/hello.txt"), "hello").unwrap();
        fs::write(directory.join("in/docs/guide.md"), "# Guide").unwrap();

        let store = MemoryStore::new();
        let paths = ["in/hello.txt", "in/docs"].map(|path| directory.join(path));
        push_files(&store, "v1", &paths).unwrap();
        let out = directory.join("out");
        let pulled = pull_files(&store, "v1", out.to_str().unwrap()).unwrap();

        let paths: Vec<_> = pulled.files.into_iter().map(|file| file.path).collect();
        assert_eq!(paths, [out.join("hello.txt"), out.join("docs")]);
        let guide = fs::read_to_string(out.join("docs/guide.md")).unwrap();
        assert_eq!(guide, "# Guide");
        fs::remove_dir_all(directory).unwrap();
    }
}
