//! The public API, as rustdoc lists it, and its golden file.
//!
//! A change of the golden file is a change that users of the library can see. After an intended
//! one, `ORAS_UPDATE_GOLDEN=1` writes the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::support::golden::assert_golden_text;

/// All public items with their declarations, methods and trait implementations.
#[test]
fn the_public_api_is_that_of_the_golden_file() {
    let docs = documentation();
    let all = read(&docs.join("all.html"));
    let mut api = String::new();
    let mut paths = BTreeMap::new();
    for page in attribute_values(&all, "<li><a href=\"") {
        // The table of contents.
        if page.starts_with('#') {
            continue;
        }
        let path = item_path(&page);
        let item = item(&page, &read(&docs.join(&page)));
        let _ = writeln!(api, "oras::{path}");
        // An item that several modules export has several pages.
        if let Some(first) = paths.get(&item) {
            let _ = writeln!(api, "  is oras::{first}\n");
            continue;
        }
        api.push_str(&item);
        paths.insert(item, path);
    }
    for line in reexports(&docs, "") {
        api.push_str(&line);
        api.push('\n');
    }
    assert_golden_text("api.txt", &api);
}

/// Fields can be added to all structs with public fields, and to all variants with named fields.
#[test]
fn structs_and_variants_with_public_fields_can_grow() {
    let api = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/api.txt"));
    let mut before = "";
    let mut fixed = Vec::new();
    for line in api.lines() {
        let declaration = line.trim_start();
        let indent = line.len() - declaration.len();
        let has_fields = match indent {
            2 => declaration.starts_with("pub struct ") && declaration.ends_with('{'),
            6 => declaration.ends_with(" {"),
            _ => false,
        };
        if has_fields && before.trim() != "#[non_exhaustive]" {
            fixed.push(declaration);
        }
        before = line;
    }
    assert!(fixed.is_empty(), "{fixed:?}");
}

/// Writes the documentation of the library, and returns its directory.
///
/// It has a target directory of its own, because Cargo locks the other one for other builds.
fn documentation() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = package.join("target/api");
    let output = Command::new(env!("CARGO"))
        .args(["doc", "--quiet", "--locked", "--no-deps", "--lib"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(package)
        .env_remove("RUSTDOCFLAGS")
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    target.join("doc/oras")
}

/// The path of the item on a page, such as `push::PushOptions`.
fn item_path(page: &str) -> String {
    let (module, file) = page.rsplit_once('/').unwrap_or(("", page));
    let name = file.split('.').nth(1).unwrap_or(file);
    format!("{module}/{name}")
        .trim_start_matches('/')
        .replace('/', "::")
}

/// The declaration of the item on a page, its methods, and the traits that it implements.
fn item(page: &str, html: &str) -> String {
    let mut text = String::new();
    let declaration = between(
        html,
        "<pre class=\"rust item-decl\"><code>",
        "</code></pre>",
    )
    .unwrap_or_else(|| panic!("{page} has a declaration"));
    for line in plain_lines(declaration) {
        text.push_str("  ");
        text.push_str(&line);
        text.push('\n');
    }
    let sections = [
        (
            "implementations-list\">",
            "<h4 class=\"code-header\">",
            "</h4>",
        ),
        ("foreign-impls\"", "<h3 class=\"code-header\">", "</h3>"),
        (
            "trait-implementations-list\">",
            "<h3 class=\"code-header\">",
            "</h3>",
        ),
        (
            "synthetic-implementations-list\">",
            "<h3 class=\"code-header\">",
            "</h3>",
        ),
    ];
    for (id, open, close) in sections {
        let Some(start) = section_start(html, id) else {
            continue;
        };
        let end = html[start..]
            .find("<h2 id=\"")
            .map_or(html.len(), |end| start + end);
        let mut lines: Vec<_> = pieces(&html[start..end], open, close)
            .map(one_line)
            .filter(|line| id != "synthetic-implementations-list\">" || is_thread_trait(line))
            // Derived together with PartialEq.
            .filter(|line| !line.contains("StructuralPartialEq"))
            .collect();
        lines.sort();
        for line in lines {
            text.push_str("    ");
            text.push_str(&line);
            text.push('\n');
        }
    }
    text.push('\n');
    text
}

/// The automatic traits that decide how a value is shared by threads.
fn is_thread_trait(line: &str) -> bool {
    line.contains("Send for ") || line.contains("Sync for ")
}

/// The start of the section with an id that ends with `id`.
fn section_start(html: &str, id: &str) -> Option<usize> {
    let quoted = format!("id=\"{id}");
    html.find(&quoted).map(|at| at + quoted.len())
}

/// The public re-exports that have no page, of a module and the modules below it.
fn reexports(docs: &Path, module: &str) -> Vec<String> {
    let html = read(&docs.join(module).join("index.html"));
    let mut lines: Vec<_> = pieces(&html, "<dt id=\"reexport.", "</dt>")
        .filter_map(|entry| between(entry, "<code>", "</code>"))
        .map(|code| format!("oras::{} {}", module.replace('/', "::"), one_line(code)))
        .collect();
    for page in attribute_values(&html, "<a class=\"mod\" href=\"") {
        // Links that do not lead down are those of prose.
        if let Some(child) = page.strip_suffix("/index.html")
            && child.split('/').count() == 1
            && child != ".."
        {
            lines.extend(reexports(docs, &format!("{module}{child}/")));
        }
    }
    lines.sort();
    lines.dedup();
    lines
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

/// The values of the attribute that ends `prefix`.
fn attribute_values(html: &str, prefix: &str) -> Vec<String> {
    pieces(html, prefix, "\"").map(str::to_owned).collect()
}

/// The text between the first `open` and the next `close`.
fn between<'a>(html: &'a str, open: &'a str, close: &'a str) -> Option<&'a str> {
    pieces(html, open, close).next()
}

/// All texts between an `open` and the next `close`.
fn pieces<'a>(html: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    html.split(open)
        .skip(1)
        .filter_map(move |rest| rest.split_once(close).map(|(piece, _)| piece))
}

/// HTML as text in one line.
fn one_line(html: &str) -> String {
    let lines = plain_lines(html).join(" ");
    lines.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines of HTML as text: without tags, without what unfolds a long declaration, and without
/// empty lines.
fn plain_lines(html: &str) -> Vec<String> {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        if tag.starts_with("summary") {
            rest = tag.split_once("</summary>").map_or("", |(_, after)| after);
            continue;
        }
        if tag.starts_with("br") || tag.starts_with("div class=\"where") || tag.starts_with("/div")
        {
            text.push('\n');
        }
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
        .lines()
        .map(|line| line.trim_end().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}
