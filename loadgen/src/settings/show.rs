//! Pure: a whole plan as the TOML that `--plan` reads.

use std::fmt::Write as _;

use super::fields::Settings;
use super::setting::Setting as _;
use crate::preset::Preset;

/// The plan with a comment to each field, and before all of them what is to be expected of it.
pub(crate) fn show(preset: Option<Preset>, settings: &Settings, expected: &[String]) -> String {
    let mut text = String::from(
        "# The whole plan of a run: save it, edit it, and give it to waika-loadgen run --plan FILE.\n",
    );
    for line in expected {
        let _infallible = writeln!(text, "# {line}");
    }
    text.push_str("version = 1\n");
    if let Some(preset) = preset {
        let preset = preset.show();
        let _infallible = writeln!(
            text,
            "# What holds where a field is left out.\npreset = {preset}"
        );
    }
    let mut section = "";
    for line in settings.lines() {
        if line.section != section {
            section = line.section;
            let _infallible = writeln!(text, "\n#{}\n[{section}]", line.about);
        }
        let _infallible = writeln!(text, "#{}\n{} = {}", line.comment, line.key, line.value);
    }
    text
}
