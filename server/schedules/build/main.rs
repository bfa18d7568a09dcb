//! Writes the faulty copies of the commit pipeline: for each mistake the server's sources with that one
//! replacement. A mistake whose place is not there once is left out and named: a test looks for that.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a build that cannot go on has failed, and it speaks with cargo in no other way"
)]

mod mistakes;

use std::path::Path;
use std::{env, fs};

use mistakes::{MISTAKES, Mistake};

const SOURCES: &str = "../src/commit";

fn main() {
    for watched in [SOURCES, "build"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let (mut modules, mut starts, mut lost) = (String::new(), Vec::new(), Vec::new());
    for mistake in MISTAKES {
        let name = mistake.name;
        if let Some(source) = source_with(mistake) {
            modules += &module(mistake, &source);
            starts.push(format!("({name:?}, {name}::start)"));
        } else {
            lost.push(name);
        }
    }
    let text = format!(
        "{modules}
        /// Each that was made.
        pub const STARTS: &[(&str, crate::pipeline::Start)] = &[{}];
        /// Those whose places are not there any more.
        pub const LOST: &[&str] = &{lost:?};",
        starts.join(", ")
    );
    let folder = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&folder).join("planted.rs"), text).expect("cargo made the folder");
}

fn module(Mistake { name, told, .. }: &Mistake, source: &str) -> String {
    format!(
        "pub mod {name} {{
        //! {told}
        //!
        {source}
        crate::pipeline::pipeline!(start, crate::planted::{name});
        }}\n"
    )
}

/// The pipeline in one text, with a mistake.
fn source_with(mistake: &Mistake) -> Option<String> {
    let text = read("mod", mistake)?;
    let lines = text.lines().map(|line| {
        let declared = line
            .strip_suffix(';')
            .and_then(|line| line.strip_prefix("mod "));
        let Some(name) = declared else {
            return Some(line.to_owned());
        };
        Some(format!("mod {name} {{\n{}\n}}", read(name, mistake)?))
    });
    let lines: Option<Vec<_>> = lines.collect();
    Some(lines?.join("\n"))
}

/// A file without its tests and without the blanks before its lines.
fn read(module: &str, mistake: &Mistake) -> Option<String> {
    let text = fs::read_to_string(format!("{SOURCES}/{module}.rs")).expect("it is declared");
    let code = text.split("\n#[cfg(test)]\nmod tests {").next()?;
    let lines: Vec<_> = code.lines().map(str::trim_start).collect();
    let text = lines.join("\n");
    if module != mistake.module {
        return Some(text);
    }
    let mut edits = mistake.edits.iter();
    edits.try_fold(text, |text, (right, wrong)| {
        let (right, wrong) = (right.join("\n"), wrong.join("\n"));
        (text.matches(&right).count() == 1).then(|| text.replace(&right, &wrong))
    })
}
