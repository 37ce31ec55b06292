//! `--format go-template`.

transcripts! {
    "templates":
    addresses,
    arguments,
    blocks,
    dates,
    defaults,
    dictionaries,
    differences,
    encodings,
    language,
    left_out,
    lists,
    numbers,
    paths,
    printing,
    programs,
    texts,
    versions,
    words,
    wrong,
}
