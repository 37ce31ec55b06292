//! Functions on paths. The separator is `/` on every system.

pub(crate) fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => {
                names.pop();
            }
            ".." if is_absolute => {}
            name => names.push(name),
        }
    }
    let names = names.join("/");
    match (is_absolute, &*names) {
        (true, _) => format!("/{names}"),
        (false, "") => ".".to_owned(),
        (false, _) => names,
    }
}

pub(crate) fn base(path: &str) -> &str {
    let name = path.trim_end_matches('/').rsplit('/').next();
    match (path, name.unwrap_or_default()) {
        ("", _) => ".",
        (_, "") => "/",
        (_, name) => name,
    }
}

pub(crate) fn dir(path: &str) -> String {
    let end = path.rfind('/').map_or(0, |slash| slash + 1);
    clean(&path[..end])
}

pub(crate) fn ext(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    let dot = name.rfind('.').unwrap_or(name.len());
    &name[dot..]
}
