// SPDX-License-Identifier: MIT OR Apache-2.0
//! Drawings of the documentation: an SVG shows what its text in the language of graphviz says, no more and no less. Only
//! what the drawings here use of that language is understood.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::failure::{Failure, Outcome};

/// Every drawing in `directory`: what its SVG does not show, or shows in addition.
///
/// # Errors
/// A file that cannot be read, or no drawing at all.
pub fn wrong(directory: &Path) -> Outcome<Vec<String>> {
    let entries = fs::read_dir(directory).map_err(|error| Failure::file(directory, &error))?;
    let mut dots: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "dot"))
        .collect();
    dots.sort();
    if dots.is_empty() {
        return Err(Failure::check("no drawing was looked at"));
    }
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| Failure::file(path, &error));
    let mut found = Vec::new();
    for dot in dots {
        let svg = dot.with_extension("svg");
        let name = svg.file_name().unwrap_or_default().to_string_lossy();
        for line in differences(&read(&dot)?, &read(&svg)?) {
            found.push(format!("{name}: {line}; draw it again"));
        }
    }
    Ok(found)
}

/// What one has and the other has not, each as often as it is there.
fn differences(dot: &str, svg: &str) -> Vec<String> {
    let mut missing = said(dot);
    let mut found = Vec::new();
    for shown in shown(svg) {
        match missing.iter().position(|said| *said == shown) {
            Some(at) => drop(missing.swap_remove(at)),
            None => found.push(format!("{shown} is not in the text")),
        }
    }
    found.extend(missing.into_iter().map(|said| format!("{said} is missing")));
    found
}

/// The title of the graph, of nodes and of edges, and each line of a label.
fn said(dot: &str) -> Vec<String> {
    let mut all = Vec::new();
    for line in dot.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("digraph ") {
            all.push(format!("title {:?}", rest.trim_end_matches(['{', ' '])));
        }
        let Some((what, attributes)) = line.split_once('[') else {
            continue;
        };
        let Some((_, label)) = attributes.split_once("label = \"") else {
            continue;
        };
        all.push(format!("title {:?}", what.trim().replace(" -> ", "->")));
        // Up to the quote that is not escaped.
        let label = label.replace("\\\"", "\u{0}");
        let label = label.split('"').next().unwrap_or_default();
        let text = label.replace('\u{0}', "\"");
        all.extend(text.split("\\n").map(|line| format!("text {line:?}")));
    }
    all
}

/// The same of an SVG.
fn shown(svg: &str) -> Vec<String> {
    let content = |line: &str| {
        let inner = line.split_once('>')?.1.split_once("</")?.0;
        Some(plain(inner))
    };
    svg.lines()
        .filter_map(|line| {
            let kind = if line.starts_with("<title>") {
                "title"
            } else if line.starts_with("<text ") {
                "text"
            } else {
                return None;
            };
            Some(format!("{kind} {:?}", content(line)?))
        })
        .collect()
}

fn plain(text: &str) -> String {
    let mut text = text.to_owned();
    for (entity, character) in [
        ("&#45;", "-"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOT: &str = r#"digraph g {
    node [shape = box];
    a [label = "one\nsaid \"two\"", color = "red"];
    a -> b [label = "x-y"];
}"#;
    const SVG: &str = "<title>g</title>\n<title>a</title>\n<text x=\"1\">one</text>\n\
        <text x=\"2\">said &quot;two&quot;</text>\n<title>a&#45;&gt;b</title>\n<text y=\"1\">x&#45;y</text>\n";

    #[test]
    fn a_drawing_shows_its_text() {
        assert_eq!(differences(DOT, SVG), [""; 0]);
    }

    #[test]
    fn what_is_missing_or_more_is_named() {
        for (old, new, wrong) in [
            ("x&#45;y", "x&#45;z", 2),
            ("<title>a</title>\n", "", 1),
            (
                "<title>a&#45;&gt;b</title>",
                "<title>b&#45;&gt;a</title>",
                2,
            ),
            ("<title>a<", "<text z=\"1\">one</text>\n<title>a<", 1),
        ] {
            assert_eq!(
                differences(DOT, &SVG.replace(old, new)).len(),
                wrong,
                "{old}"
            );
        }
    }
}
