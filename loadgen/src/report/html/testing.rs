//! What the tests of all pages have in common.

/// Where pages are kept, to be looked at: `WAIKA_PAGES=FOLDER cargo test -p waika-loadgen`.
const FOLDER: Option<&str> = option_env!("WAIKA_PAGES");

/// Keeps a page under a name, checks what must be true of every page, and gives it back.
pub(super) fn keep(name: &str, page: String) -> String {
    if let Some(folder) = FOLDER {
        std::fs::write(format!("{folder}/{name}.html"), &page).unwrap();
    }
    assert!(page.len() < 600_000, "{name} has {} bytes", page.len());
    for words in [
        "NaN",
        "inf\"",
        "inf ",
        "nan",
        "-0.0 ",
        "width=\"-",
        "height=\"-",
    ] {
        assert!(!page.contains(words), "{name}: {words}");
    }
    check_well_formed(&page);
    check_ids(&page);
    page
}

/// Checks that a page has these words.
pub(super) fn check_says(page: &str, words: &[&str]) {
    for word in words {
        assert!(page.contains(word), "no {word:?}");
    }
}

/// Checks that a page has none of these words.
pub(super) fn check_silent(page: &str, words: &[&str]) {
    for word in words {
        assert!(!page.contains(word), "{word:?}");
    }
}

/// Every tag is closed by its like.
fn check_well_formed(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let body = page.strip_prefix("<!DOCTYPE html>").unwrap();
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        assert!(!text.contains('>'), "a stray > after <{tag}>");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "</{name}> closes something else"),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split_whitespace().next().unwrap()),
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "never closed");
}

/// No id stands twice, and what refers to one finds it.
fn check_ids(page: &str) {
    let mut ids: Vec<&str> = attributes(page, " id=\"").collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id stands twice");
    for names in attributes(page, " aria-labelledby=\"") {
        for name in names.split(' ') {
            assert!(ids.contains(&name), "no {name}");
        }
    }
}

fn attributes<'a>(page: &'a str, begin: &'a str) -> impl Iterator<Item = &'a str> {
    page.split(begin)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
}
