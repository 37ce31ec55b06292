//! `oras repo ls`.

transcripts! {
    "repo_ls":
    passwords,
    repositories,
    tokens,
    web_site,
}
