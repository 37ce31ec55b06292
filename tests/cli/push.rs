//! `oras push`.

transcripts! {
    "push":
    annotations,
    config,
    directories,
    empty_artifact,
    exported_manifest,
    files,
    files_that_are_not_there,
    formats,
    layouts,
    many_directories,
    pipes,
    source_date_epoch,
    stdin,
    tags,
    verbose,
}
