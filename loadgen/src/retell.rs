//! `report`: shows stored results again.

use std::path::PathBuf;

use clap::Args;

use crate::exit::{Exit, Failure};
use crate::output;
use crate::report::document::Document as _;
use crate::report::file::Destination;
use crate::report::outputs::{Form, OutputArgs, Outputs};
use crate::stored::{self, Stored};

/// `report`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReportArgs {
    /// Results that --json wrote, of whatever command
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The form to show them in
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
    /// Write that there instead of to the screen
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    also: OutputArgs,
    /// End as the command did that found it; of several the heaviest
    #[arg(long)]
    exit_code: bool,
}

/// Runs `report`.
pub(crate) fn execute(args: &ReportArgs) -> Result<Exit, Failure> {
    check(args)?;
    let results = args.files.iter().map(|path| stored::read(path));
    let results: Vec<Stored> = results.collect::<Result<_, _>>()?;
    let destination = args.output.as_deref().map(|path| {
        Destination::open(path).map_err(|error| {
            let path = path.display();
            Failure::Tool(format!("--output {path}: cannot be written: {error}"))
        })
    });
    let destination = destination.transpose()?;
    let outputs = Outputs::open(&args.also)?;
    let colours = destination.is_none() && output::is_coloured();
    let mut shown = String::new();
    for (place, result) in results.iter().enumerate() {
        if place > 0 && args.format == Form::Text {
            shown.push('\n');
        }
        shown.push_str(&result.render(args.format, colours)?);
    }
    let mut exit = Exit::Passed;
    if args.exit_code {
        exit = results.iter().map(Stored::exit).fold(exit, Exit::or);
    }
    match destination {
        Some(destination) => {
            exit = exit.once_written(destination.write(&shown).map_err(Failure::tool));
        }
        None => output::document(&shown),
    }
    if let [result] = results.as_slice() {
        exit = exit.once_written(result.write(outputs));
    }
    Ok(exit)
}

/// Refuses what one file cannot hold.
fn check(args: &ReportArgs) -> Result<(), Failure> {
    let is_several = args.files.len() > 1;
    if is_several
        && matches!(
            args.format,
            Form::Json | Form::Junit | Form::Html | Form::Prometheus
        )
    {
        return Err(Failure::Usage(
            "--format: only text and markdown hold several results: show one at a time".to_owned(),
        ));
    }
    if is_several && args.also.is_any() {
        return Err(Failure::Usage(
            "--json, --html, --junit, --markdown and --prometheus hold one result each: show one at a time".to_owned(),
        ));
    }
    let besides = [("--output", args.output.as_deref())];
    args.also.spare(&args.files, &besides)?;
    args.also.apart_from(&besides)
}

/// What a document of any kind makes of something.
macro_rules! of_any {
    ($stored:expr, $document:ident => $made:expr) => {
        match $stored {
            Stored::Run($document) => {
                let $document = $document.as_ref();
                $made
            }
            Stored::Comparison($document) => {
                let $document = $document.as_ref();
                $made
            }
            Stored::Capacity($document) => {
                let $document = $document.as_ref();
                $made
            }
            Stored::Merged($document) => {
                let $document = $document.as_ref();
                $made
            }
            Stored::Bench($document) => {
                let $document = $document.as_ref();
                $made
            }
            Stored::MeshTax($document) => {
                let $document = $document.as_ref();
                $made
            }
        }
    };
}

impl Stored {
    fn render(&self, form: Form, colours: bool) -> Result<String, Failure> {
        of_any!(self, document => form.render(document, colours))
    }

    fn write(&self, outputs: Outputs) -> Result<(), Failure> {
        of_any!(self, document => outputs.write(document))
    }

    fn exit(&self) -> Exit {
        of_any!(self, document => document.exit())
    }
}
