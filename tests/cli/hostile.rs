//! Hostile and broken input: servers, archives, titles, and obstacles in the output directory.

transcripts! {
    "hostile":
    aliases,
    archives,
    control_characters,
    servers,
    titles,
    web_site,
}
