//! `oras push`.

transcripts! {
    "push":
    annotations,
    config,
    directories,
    empty_artifact,
    executable,
    exported_manifest,
    files,
    files_that_are_not_there,
    formats,
    if_absent,
    layouts,
    many_directories,
    pipes,
    source_date_epoch,
    stdin,
    tags,
    verbose,
}
