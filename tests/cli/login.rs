//! `oras login` and `oras logout`.

transcripts! {
    "login":
    passwords,
    tokens,
}
