//! Input files of commands: a path, or `-` for standard input.

use std::io::{self, Read};
use std::path::Path;

use oras::descriptor::TITLE;
use oras::error::IoOp;
use oras::internal::{InputKind, open_once};
use oras::progress::{Event, report};
use oras::push::PushStream;
use oras::store::content::{Content, FileContent, StreamContent};
use oras::{Annotations, Descriptor, Digest, Error, MediaType};

use crate::cli::groups::{Remote, Title};
use crate::error::CliError;
use crate::streams;

/// The argument for standard input.
pub(crate) const STDIN: &str = "-";

/// Rejects reading both a file and a secret from stdin.
pub(crate) fn check(file: &str, remote: &Remote) -> Result<(), CliError> {
    for (is_given, flag, secret) in [
        (remote.password_stdin, "--password-stdin", "password"),
        (
            remote.identity_token_stdin,
            "--identity-token-stdin",
            "identity token",
        ),
    ] {
        if file == STDIN && is_given {
            return Err(CliError::usage(format!(
                "`-` read file from input and `{flag}` read {secret} from input cannot be both used"
            )));
        }
    }
    Ok(())
}

/// Standard input as a layer.
pub(crate) struct Stdin<'t> {
    /// The number of files before it.
    index: usize,
    media_type: Option<&'t str>,
    /// Empty for a layer without title.
    title: String,
}

impl<'t> Stdin<'t> {
    /// Removes stdin from the files to push, if it is among them.
    pub(crate) fn take_from(
        files: &mut Vec<(&'t str, Option<&'t str>)>,
        title: &Title,
        remote: &Remote,
    ) -> Result<Option<Self>, CliError> {
        let Some(index) = files.iter().position(|(path, _)| *path == STDIN) else {
            return match &title.title {
                None => Ok(None),
                Some(_) => Err(CliError::usage(
                    "`--title` names what comes from stdin, which is not among the files",
                )
                .recommend(
                    "Please give `-` as a file, or the title of another one in an annotation file",
                )),
            };
        };
        let (_, media_type) = files.remove(index);
        if files.iter().any(|(path, _)| *path == STDIN) {
            return Err(
                CliError::usage("`-` cannot be given twice: stdin can be read once only")
                    .recommend("A file of that name is `./-`"),
            );
        }
        check(STDIN, remote)?;
        Ok(Some(Self {
            index,
            media_type,
            title: title.title.clone().unwrap_or_default(),
        }))
    }

    /// The title as typed.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Builds the layer with its annotations. A missing title is an error unless `--title ""` is
    /// set.
    pub(crate) fn to_push(
        &self,
        title: &Title,
        mut annotations: Annotations,
    ) -> Result<PushStream<'static>, CliError> {
        if !self.title.is_empty() {
            annotations.insert(TITLE.to_owned(), self.title.clone());
        }
        if title.title.is_none() && !annotations.contains_key(TITLE) {
            return Err(
                CliError::usage("what comes from stdin needs a name to be pulled by").recommend(
                    "Please give one by `--title`, or by the annotation file under \"-\"; `--title \"\"` is none. A file of that \
                     name is `./-`",
                ),
            );
        }
        let mut stream = PushStream::new("", NamedStdin);
        stream.index = self.index;
        stream.media_type = self.media_type.map(MediaType::from);
        stream.annotations = annotations;
        Ok(stream)
    }
}

/// Stdin with its name in read errors.
struct NamedStdin;

impl Read for NamedStdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        streams::Stdin
            .read(buffer)
            .map_err(|error| match error.kind() {
                io::ErrorKind::Interrupted => error,
                _ => Error::io(IoOp::Read, "stdin")(error).into_io(),
            })
    }
}

/// Rejects a config from stdin.
pub(crate) fn check_config(path: &str) -> Result<(), CliError> {
    if path == STDIN {
        return Err(CliError::usage("`--config` cannot be read from stdin")
            .recommend("A file of that name is `./-`"));
    }
    Ok(())
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read(file: &str, limit: u64) -> Result<Vec<u8>, CliError> {
    check_name(file)?;
    let mut reader: Box<dyn Read> = if file == STDIN {
        Box::new(streams::Stdin)
    } else {
        check_kind(
            file,
            |kind| !matches!(kind, InputKind::Special(_)),
            "Please pass its content on stdin: `-` as the file",
        )?;
        Box::new(open_once(Path::new(file)).map_err(|error| unreadable(file, IoOp::Open, error))?)
    };
    let mut bytes = Vec::new();
    (&mut reader)
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(file, IoOp::Read, error))?;
    if bytes.len() as u64 > limit {
        return Err(CliError::new(format!(
            "failed to read {file}: it has more than {limit} bytes"
        )));
    }
    Ok(bytes)
}

/// Properties of a blob that the user specified.
pub(crate) struct BlobProperties {
    /// The media type.
    pub(crate) media_type: MediaType,
    pub(crate) digest: Option<Digest>,
    /// Size in bytes.
    pub(crate) size: Option<u64>,
}

/// Opens a file for upload as a blob. Without a known digest, the file is read once to compute it.
pub(crate) fn blob(
    file: &str,
    claims: BlobProperties,
) -> Result<(Descriptor, Box<dyn Content>), CliError> {
    check_name(file)?;
    let BlobProperties {
        media_type,
        digest,
        size,
    } = claims;
    if file == STDIN {
        let digest = digest.ok_or_else(|| {
            CliError::usage("content digest must be provided if it is read from stdin")
        })?;
        let blob = Descriptor::new(media_type, digest, size.unwrap_or_default());
        return Ok((blob, Box::new(StreamContent::new(streams::Stdin))));
    }
    check_kind(
        file,
        |kind| kind.reason().is_none(),
        "Please pass its content on stdin: `-` as the file, with --size and the digest",
    )?;
    let described = match digest {
        Some(digest) => FileContent::describe_with_digest(file, media_type, digest),
        None => FileContent::describe(file, media_type),
    };
    let described = described.and_then(|described| {
        report(&Event::Prepared(file))?;
        Ok(described)
    });
    let (blob, content) = described.map_err(|error| match &error {
        Error::Io {
            operation: IoOp::Open,
            ..
        } => CliError::from(&error).context(&format!("failed to open {file}")),
        _ => CliError::from(&error),
    })?;
    match size {
        Some(size) if size != blob.size => Err(CliError::new(format!(
            "input size {size} does not match the actual content size {}",
            blob.size
        ))),
        _ => Ok((blob, Box::new(content))),
    }
}

/// Rejects a file that cannot be read twice, or not without blocking. `advice` is an alternative.
/// Files that do not exist are reported later.
pub(crate) fn check_kind(
    path: &str,
    is_accepted: fn(InputKind) -> bool,
    advice: &str,
) -> Result<(), CliError> {
    match InputKind::of_path(Path::new(path)) {
        Ok(kind) if !is_accepted(kind) => {
            let reason = kind.reason().unwrap_or_default();
            Err(CliError::new(format!("failed to open {path}: {reason}")).recommend(advice))
        }
        _ => Ok(()),
    }
}

fn check_name(file: &str) -> Result<(), CliError> {
    if file.is_empty() {
        Err(CliError::usage("missing file name"))
    } else {
        Ok(())
    }
}

fn unreadable(file: &str, operation: IoOp, error: std::io::Error) -> CliError {
    CliError::from(&Error::io(operation, file)(error)).context(&format!("failed to read {file}"))
}
