//! The architecture of the crate: layers, import cycles, and test files that are not compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of `src` that make up the library, lowest first. A file imports only from its own
/// folder and from folders above it in this list.
const FOLDERS: [&str; 16] = [
    "docs",
    "limits",
    "text",
    "error",
    "oci",
    "progress",
    "auth",
    "http",
    "fs",
    "credentials",
    "archive",
    "output_dir",
    "store",
    "layout",
    "registry",
    "ops",
];

/// Imports that point upwards: file and folder.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// Files of the library that use the system clock or the environment of the process: file, what it
/// names, and the reason. All other code receives the time and the values of variables.
const PROCESS_ACCESS: &[(&str, &str, &str)] = &[
    ("src/credentials/helper.rs", "SystemClock", "default clock"),
    (
        "src/http/environment.rs",
        "env::var_os",
        "constructors named from_env",
    ),
    ("src/fs/leftovers.rs", "SystemClock", "age of file times"),
    ("src/fs/lock.rs", "SystemClock", "waits for locks"),
    ("src/http/clock.rs", "SystemClock", "definition"),
    ("src/http/clock.rs", "SystemTime::now", "definition"),
    (
        "src/http/ureq/tcp.rs",
        "Instant::now",
        "timeouts of sockets",
    ),
    (
        "src/layout/directory.rs",
        "SystemClock",
        "age of file times",
    ),
    ("src/layout/graph.rs", "SystemClock", "age of file times"),
    ("src/layout/reader.rs", "SystemClock", "age of file times"),
    (
        "src/ops/push/builder.rs",
        "SystemClock",
        "default creation time",
    ),
    (
        "src/ops/push/builder.rs",
        "env::temp_dir",
        "default spool directory",
    ),
    (
        "src/output_dir/file.rs",
        "env::temp_dir",
        "content of files in read-only directories",
    ),
    (
        "src/registry/client/builder.rs",
        "SystemClock",
        "default clock",
    ),
];

/// Cycles between modules: all modules of each cycle.
const CYCLES: &[&[&str]] = &[];

/// Cycles between modules of the command.
const COMMAND_CYCLES: &[&[&str]] = &[];

/// The root directory of the command's modules.
const COMMAND: &str = "src/bin/oras/";

/// A source file with its module path, without comments and unit tests.
struct Source {
    path: String,
    module: String,
    code: String,
}

/// The files of the library.
fn sources() -> Vec<Source> {
    let mut sources = sources_below("src/");
    sources.retain(|source| !source.path.starts_with(COMMAND));
    sources
}

/// The files of the crate with this root directory, except its root module.
fn sources_below(crate_root: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    rust_files(&root.join(crate_root))
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap();
            let path = path.to_string_lossy().replace('\\', "/");
            Source {
                module: module_of(path.strip_prefix(crate_root).unwrap()),
                code: code_of(&text),
                path,
            }
        })
        .filter(|source| {
            !source.path.contains("/test") && !["lib", "main"].contains(&source.module.as_str())
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

/// The module path of a file: `registry::link` for `registry/link.rs`.
fn module_of(path: &str) -> String {
    let path = path.trim_end_matches(".rs");
    path.trim_end_matches("/mod").replace('/', "::")
}

fn folder(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

/// The code of a file without comments and unit tests. Unit tests may import everything.
fn code_of(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let end = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
    code[..end].to_owned()
}

/// The module paths that the code of `module` names, as `crate::…`, `super::…` or `self::…`, with
/// groups in braces written out.
fn named(module: &str, code: &str) -> BTreeSet<String> {
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let mut paths = BTreeSet::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            if code[..at].ends_with(is_path) {
                continue;
            }
            let rest = &code[at..];
            let end = rest.find(|c| !is_path(c)).unwrap_or(rest.len());
            let path = &rest[..end];
            match rest[end..].strip_prefix('{') {
                Some(group) if path.ends_with("::") => {
                    for leaf in leaves(group) {
                        paths.insert(absolute(module, &format!("{path}{leaf}")));
                    }
                }
                _ => {
                    paths.insert(absolute(module, path));
                }
            }
        }
    }
    paths
}

/// The paths in a group of an import, up to its closing brace.
fn leaves(group: &str) -> Vec<String> {
    let mut leaves = Vec::new();
    let mut prefixes = vec![String::new()];
    let mut path = String::new();
    for character in group.chars() {
        match character {
            '{' => prefixes.push(std::mem::take(&mut path)),
            ',' | '}' => {
                let path = std::mem::take(&mut path);
                if !path.is_empty() {
                    leaves.push(prefixes.concat() + &path);
                }
                if character == '}' {
                    prefixes.pop();
                    if prefixes.is_empty() {
                        break;
                    }
                }
            }
            space if space.is_whitespace() => {}
            character => path.push(character),
        }
    }
    leaves
}

/// `super::link` in `registry::client` as `registry::link`.
fn absolute(module: &str, path: &str) -> String {
    let mut parts: Vec<_> = module.split("::").collect();
    let mut segments = path.trim_end_matches("::").split("::").peekable();
    while let Some(segment) = segments.next_if(|it| ["crate", "super", "self"].contains(it)) {
        match segment {
            "crate" => parts.clear(),
            "super" => drop(parts.pop()),
            _ => {}
        }
    }
    parts.extend(segments);
    parts.join("::")
}

/// The longest start of a path that is a module.
fn known<'a>(path: &'a str, modules: &BTreeSet<&str>) -> &'a str {
    let mut known = path;
    while !modules.contains(known) {
        known = known.rfind("::").map_or("", |end| &known[..end]);
        if known.is_empty() {
            break;
        }
    }
    known
}

#[test]
fn folders_import_only_from_folders_above_them() {
    let mut found = BTreeSet::new();
    for source in sources() {
        let layer = |folder: &str| FOLDERS.iter().position(|it| *it == folder);
        let here = layer(folder(&source.module));
        assert!(here.is_some(), "{} is in no layer", source.path);
        for path in named(&source.module, &source.code) {
            if layer(folder(&path)) > here {
                found.insert((source.path.clone(), folder(&path).to_owned()));
            }
        }
    }
    let expected = EXCEPTIONS
        .iter()
        .map(|(file, folder)| ((*file).to_owned(), (*folder).to_owned()));
    assert_eq!(found, expected.collect());
}

/// The code without its re-exports, and the re-exports.
fn split_exports(code: &str) -> (String, String) {
    let begins = |line: &str| {
        ["pub use ", "pub(crate) use ", "pub(super) use "]
            .iter()
            .any(|start| line.trim_start().starts_with(start))
    };
    let (mut rest, mut exports, mut inside) = (String::new(), String::new(), false);
    for line in code.lines() {
        inside |= begins(line);
        let part = if inside { &mut exports } else { &mut rest };
        part.push_str(line);
        part.push('\n');
        inside &= !line.ends_with(';');
    }
    (rest, exports)
}

#[test]
fn modules_do_not_import_each_other_in_cycles() {
    let expected = |cycles: &[&[&str]]| {
        let names = |cycle: &&[&str]| cycle.iter().map(ToString::to_string).collect();
        cycles.iter().map(names).collect::<BTreeSet<Vec<String>>>()
    };
    assert_eq!(cycles(&sources()), expected(CYCLES));
    assert_eq!(cycles(&sources_below(COMMAND)), expected(COMMAND_CYCLES));
}

/// The groups of modules that import each other.
fn cycles(sources: &[Source]) -> BTreeSet<Vec<String>> {
    let modules: BTreeSet<&str> = sources.iter().map(|it| it.module.as_str()).collect();
    let mut code = BTreeMap::new();
    // A re-exported name, as its module and where it comes from.
    let mut exports = BTreeMap::new();
    for source in sources {
        let (rest, exported) = split_exports(&source.code);
        code.insert(source.module.as_str(), rest);
        for path in named(&source.module, &exported) {
            let leaf = path.rsplit("::").next().unwrap_or_default();
            exports.insert(format!("{}::{leaf}", source.module), path);
        }
    }
    let mut reach: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for module in &modules {
        let edges = reach.entry(module).or_default();
        for mut path in &named(module, &code[module]) {
            while let Some(origin) = exports.get(path) {
                path = origin;
            }
            edges.extend(
                modules
                    .get(known(path, &modules))
                    .filter(|it| *it != module),
            );
        }
    }
    loop {
        let before: usize = reach.values().map(BTreeSet::len).sum();
        for module in &modules {
            let further: BTreeSet<&str> = reach[module]
                .iter()
                .flat_map(|it| reach[it].iter().copied())
                .collect();
            reach.entry(module).or_default().extend(further);
        }
        if before == reach.values().map(BTreeSet::len).sum::<usize>() {
            break;
        }
    }
    modules
        .iter()
        .map(|one| {
            let mutual =
                |other: &&&str| reach[one].contains(**other) && reach[*other].contains(one);
            let cycle = modules.iter().filter(mutual);
            cycle.map(ToString::to_string).collect::<Vec<_>>()
        })
        .filter(|cycle| cycle.len() > 1)
        .collect()
}

#[test]
fn the_layer_check_resolves_imports() {
    let code = code_of(
        "// use crate::ops::copy;\nuse crate::registry::link;\nlet x = crate::text::url::Url;\n\
         my_crate::pack();\nuse super::{link::{self, Link}, tags};\n#[cfg(test)]\nmod tests {\n\
         use crate::memory;\n}",
    );
    let named: Vec<_> = named("registry::client", &code).into_iter().collect();
    assert_eq!(
        named,
        [
            "registry::link",
            "registry::link::Link",
            "registry::link::self",
            "registry::tags",
            "text::url::Url"
        ]
    );
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
fn verbs_name_no_store_but_the_one_of_files() {
    for source in sources() {
        if folder(&source.module) == "ops" {
            for path in named(&source.module, &source.code) {
                for store in ["layout", "store::memory", "registry"] {
                    assert!(
                        !path.starts_with(store),
                        "{} works on every store, and names {store}",
                        source.path
                    );
                }
            }
        }
    }
}

#[test]
fn one_directory_names_the_libraries_for_http_and_tls() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let http_folder = source.join("http/ureq");
    for path in rust_files(&source) {
        let code = code_of(&fs::read_to_string(&path).unwrap()).replace("self::ureq::", "");
        let names_one = ["ureq::", "rustls::", "webpki_roots::"]
            .iter()
            .any(|library| code.contains(library));
        assert!(
            !names_one || path.starts_with(&http_folder),
            "{} names an HTTP or TLS library outside src/http/ureq",
            path.display()
        );
    }
}

/// The names of clocks and of functions that read the environment of the process in `code`.
fn process_access(code: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let clocks = ["SystemClock", "SystemTime::now", "Instant::now"];
    let mut names: BTreeSet<String> = clocks
        .into_iter()
        .filter(|clock| code.contains(clock))
        .map(str::to_owned)
        .collect();
    for (at, _) in code.match_indices("env::") {
        let name: String = code[at + 5..].chars().take_while(|c| is_name(*c)).collect();
        // These read no variable: constants of the build, and lists of paths that the caller has.
        let is_pure = ["consts", "join_paths", "split_paths"].contains(&name.as_str());
        if !code[..at].ends_with(is_name) && !is_pure {
            names.insert(format!("env::{name}"));
        }
    }
    names
}

#[test]
fn only_listed_modules_use_the_system_clock_and_the_environment() {
    let found: BTreeSet<(String, String)> = sources()
        .iter()
        .flat_map(|source| {
            let names = process_access(&source.code).into_iter();
            names.map(|name| (source.path.clone(), name))
        })
        .collect();
    let listed = PROCESS_ACCESS
        .iter()
        .map(|(file, name, _)| ((*file).to_owned(), (*name).to_owned()));
    assert_eq!(found, listed.collect());
}

#[test]
fn the_check_of_clock_and_environment_finds_uses() {
    let code = "let now = SystemClock.now(); std::env::var(\"HOME\"); std::env::consts::ARCH; \
        my_env::path(); use std::env::{self, args}; let start = std::time::Instant::now();";
    let found: Vec<String> = process_access(code).into_iter().collect();
    assert_eq!(found, ["Instant::now", "SystemClock", "env::", "env::var"]);
}

#[test]
fn no_test_file_is_forgotten() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for path in rust_files(&tests) {
        // A package of its own.
        if path.starts_with(tests.join("fuzz")) {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy();
        let directory = path.parent().unwrap();
        if directory == tests.join("examples") {
            let declared = format!("path = \"tests/examples/{name}.rs\"\ntest = true");
            assert!(
                include_str!("../../Cargo.toml").contains(&declared),
                "{name}"
            );
            continue;
        }
        let parents = match name.as_ref() {
            "main" => continue,
            // They are included by path.
            "mod" | "updated" if directory == tests.join("support") => continue,
            "mod" => {
                let parent = directory.parent().unwrap();
                vec![parent.join("mod.rs"), parent.with_extension("rs")]
            }
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
        let by_path = format!("#[path = \"../support/{name}.rs\"]\nmod {name};");
        let is_wired = is_wired
            || (directory == tests.join("support") && include_str!("main.rs").contains(&by_path));
        assert!(is_wired, "{} is compiled into no test", path.display());
    }
}
