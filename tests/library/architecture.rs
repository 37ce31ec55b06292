//! The shape of the crate: who may know whom, and that no test is forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use oras::digest::Digest;
use oras::memory::MemoryStore;
use oras::registry::Client;
use oras::transport::{Headers, Response, UreqTransport};
use oras::url::Url;
use oras::{Credential, Descriptor, Error, MediaType, RawManifest, Reference};

/// The layers from the bottom up. A module may name those of the layers below its own.
const LAYERS: [(&str, &[&str]); 5] = [
    (
        "vocabulary",
        &[
            "credential",
            "descriptor",
            "digest",
            "error",
            "json",
            "limits",
            "manifest",
            "media_type",
            "platform",
            "quoted",
            "reference",
            "time",
            "url",
        ],
    ),
    (
        "decisions",
        &[
            "auth",
            "filter",
            "referrers",
            "registry::endpoint",
            "registry::link",
            "retry",
        ],
    ),
    (
        "doors",
        &[
            "archive",
            "clock",
            "credentials",
            "lexical",
            "output_dir",
            "random",
            "temporary",
            "transport",
        ],
    ),
    (
        "stores",
        &[
            "cache",
            "content",
            "file_store",
            "layout",
            "memory",
            "registry",
            "store",
        ],
    ),
    (
        "algorithms",
        &[
            "attach", "backup", "copy", "discover", "graph", "index", "pack", "pull", "push",
            "single", "tag",
        ],
    ),
];

/// What modules may name within their own layer, apart from the vocabulary, which is one.
const SIBLINGS: [(&str, &[&str]); 18] = [
    ("archive", &["lexical"]),
    ("credentials", &["clock", "random"]),
    ("output_dir", &["lexical", "random"]),
    ("temporary", &["random"]),
    ("transport", &["clock"]),
    ("store", &["content"]),
    ("cache", &["content", "layout", "store"]),
    ("file_store", &["content", "memory", "store"]),
    ("layout", &["content", "store"]),
    ("memory", &["content", "store"]),
    ("registry", &["content", "store"]),
    ("backup", &["copy"]),
    ("copy", &["graph"]),
    ("index", &["pack"]),
    ("pull", &["copy", "graph"]),
    ("attach", &["copy", "graph", "pack", "push"]),
    ("discover", &["graph"]),
    ("push", &["copy", "pack"]),
];

/// A file of `src`, and the module it belongs to.
struct Source {
    path: String,
    module: String,
    /// Without comments and tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    rust_files(&root.join("src"))
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let path = path
                .strip_prefix(root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            Source {
                module: module_of(&path),
                code: code_of(&text),
                path,
            }
        })
        .filter(|source| {
            !source.path.starts_with("src/bin/")
                && !source.path.contains("/test")
                && !["src/build.rs", "src/lib.rs"].contains(&source.path.as_str())
        })
        .collect()
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// `src/registry/link.rs` as `registry::link` where that has a place of its own, and as `registry` where not.
fn module_of(path: &str) -> String {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    known(&path.replace('/', "::")).to_owned()
}

/// The longest start of a path that has a place among the layers; its first part if none has.
fn known(path: &str) -> &str {
    let mut known = path;
    while layer(known).is_none() {
        match known.rfind("::") {
            Some(end) => known = &known[..end],
            None => break,
        }
    }
    known
}

fn layer(module: &str) -> Option<usize> {
    LAYERS
        .iter()
        .position(|(_, modules)| modules.contains(&module))
}

/// What is left of a file without comments and without its tests, which may know everything.
fn code_of(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let end = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
    code[..end].to_owned()
}

/// Every module that the code names by `crate::`.
fn named(code: &str) -> BTreeSet<String> {
    let mut modules = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        let is_path =
            !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let rest = &code[at + start.len()..];
        assert!(
            !is_path || !rest.starts_with('{'),
            "`use crate::{{…}}` hides what is named; one line for each module, please"
        );
        let end = rest
            .find(|character: char| !character.is_alphanumeric() && !matches!(character, '_' | ':'))
            .unwrap_or(rest.len());
        if is_path {
            modules.insert(known(rest[..end].trim_end_matches(':')).to_owned());
        }
    }
    modules
}

/// Why a module may not name another one.
fn objection(from: &str, to: &str) -> Option<String> {
    let parent = from.split("::").next().unwrap_or(from);
    if from == to {
        return None;
    }
    let (Some(here), Some(there)) = (layer(from), layer(to)) else {
        return Some(format!("{from} or {to} has no place among the layers"));
    };
    if there < here {
        return None;
    }
    let (here_name, _) = LAYERS[here];
    if there > here {
        return Some(format!(
            "{to} is above {from}, which belongs to the {here_name}"
        ));
    }
    let allowed = SIBLINGS
        .iter()
        .any(|(module, siblings)| [from, parent].contains(module) && siblings.contains(&to));
    (here > 0 && !allowed).then(|| format!("{from} and {to} are both {here_name}"))
}

#[test]
fn modules_name_only_what_is_below_them() {
    let mut objections = Vec::new();
    for source in sources() {
        for module in named(&source.code) {
            if let Some(objection) = objection(&source.module, &module) {
                objections.push(format!("{}: {objection}", source.path));
            }
        }
    }
    assert!(objections.is_empty(), "{objections:#?}");
}

#[test]
fn the_guard_sees_what_it_should() {
    let code = code_of(
        "// use crate::copy;\nuse crate::registry::link;\nlet x = crate::url::Url;\n\
         my_crate::pack();\n#[cfg(test)]\nmod tests {\nuse crate::memory;\n}",
    );
    let named: Vec<_> = named(&code).into_iter().collect();
    assert_eq!(named, ["registry::link", "url"]);
    for (from, to, is_fine) in [
        ("registry", "url", true),
        ("registry", "registry::link", true),
        ("registry", "memory", false),
        ("file_store", "memory", true),
        ("memory", "file_store", false),
        ("url", "reference", true),
        ("url", "registry", false),
        ("copy", "layout", true),
        ("copy", "pull", false),
        ("auth", "transport", false),
        ("nowhere", "url", false),
    ] {
        assert_eq!(objection(from, to).is_none(), is_fine, "{from} → {to}");
    }
}

#[test]
fn every_bound_of_bytes_is_in_the_table_of_limits() {
    for source in sources().iter().filter(|it| it.module != "limits") {
        let constants = source.code.split("const MAX_").skip(1);
        let mut names = constants.filter_map(|rest| rest.split(':').next());
        let found = names.find(|name| name.ends_with("_BYTES"));
        assert_eq!(
            found, None,
            "{}: it belongs into src/limits.rs",
            source.path
        );
    }
}

#[test]
fn algorithms_name_no_store_but_the_one_of_files() {
    for source in sources() {
        let [.., (_, algorithms)] = LAYERS;
        if algorithms.contains(&source.module.as_str()) {
            for store in ["layout", "memory", "registry"] {
                assert!(
                    !named(&source.code).contains(store),
                    "{} works on every store, and names {store}",
                    source.path
                );
            }
        }
    }
}

#[test]
fn one_directory_names_the_libraries_for_http_and_tls() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let door = source.join("transport/ureq");
    for path in rust_files(&source) {
        let code = code_of(&fs::read_to_string(&path).unwrap()).replace("self::ureq::", "");
        let names_one = ["ureq::", "rustls::", "webpki_roots::"]
            .iter()
            .any(|library| code.contains(library));
        assert!(
            !names_one || path.starts_with(&door),
            "{} goes past the door",
            path.display()
        );
    }
}

#[test]
fn no_test_file_is_forgotten() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for path in rust_files(&tests) {
        let name = path.file_stem().unwrap().to_string_lossy();
        let directory = path.parent().unwrap();
        let parents = match name.as_ref() {
            "main" => continue,
            // It is included by path.
            "mod" if directory == tests.join("support") => continue,
            "mod" => vec![directory.parent().unwrap().join("mod.rs")],
            _ => vec![
                directory.join("mod.rs"),
                directory.join("main.rs"),
                directory.with_extension("rs"),
            ],
        };
        let module = match name.as_ref() {
            "mod" => directory.file_name().unwrap().to_string_lossy(),
            _ => name.clone(),
        };
        let is_wired = parents
            .iter()
            .filter_map(|parent| fs::read_to_string(parent).ok())
            .any(|text| {
                text.lines()
                    .any(|line| line.trim_start_matches("pub ") == format!("mod {module};"))
            });
        assert!(is_wired, "{} is compiled into no test", path.display());
    }
}

#[test]
fn values_travel_between_threads() {
    fn send<T: Send>() {}
    fn send_and_sync<T: Send + Sync>() {}
    send::<Client>();
    send::<MemoryStore>();
    send::<UreqTransport>();
    send::<Response>();
    send::<oras::layout::LayoutStore>();
    send::<oras::layout::LayoutTarWriter>();
    send::<oras::file_store::FileStore>();
    send_and_sync::<Credential>();
    send_and_sync::<Descriptor>();
    send_and_sync::<Digest>();
    send_and_sync::<Error>();
    send_and_sync::<Headers>();
    send_and_sync::<MediaType>();
    send_and_sync::<RawManifest>();
    send_and_sync::<Reference>();
    send_and_sync::<Url>();
}
