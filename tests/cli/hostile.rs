//! Hostile and broken input: what others send and what is in the way.

transcripts! {
    "hostile":
    aliases,
    archives,
    servers,
    titles,
    web_site,
}
