//! The schemas below `loadgen/schema`, held against the types that they describe.

use std::path::PathBuf;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::bench::facts::{BenchReport, SCHEMA as BENCH_SCHEMA};
use crate::capacity::facts::{CapacityReport, SCHEMA as CAPACITY_SCHEMA};
use crate::gate::facts::{COMPARE_SCHEMA, Comparison, GATE_SCHEMA};
use crate::merge::facts::{Merged, SCHEMA as MERGE_SCHEMA};
use crate::mesh_tax::facts::{MeshTaxReport, SCHEMA as MESH_TAX_SCHEMA};
use crate::report::{Report, SCHEMA as RUN_SCHEMA};

/// A schema by the name that results of its kind carry: every field must be there, and no other.
fn schema<T: JsonSchema>(name: &str) -> (String, Value) {
    let mut schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>();
    RecursiveTransform(close).transform(&mut schema);
    schema.insert(
        "$id".to_owned(),
        json!(format!("urn:{}", name.replace('/', ":"))),
    );
    schema.insert("title".to_owned(), json!(name));
    let mut schema = Value::from(schema);
    schema["properties"]["schema"] = json!({ "const": name });
    (name.to_owned(), schema)
}

/// What is not named is a mistake.
fn close(schema: &mut Schema) {
    if schema.get("properties").is_some() {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
}

fn schemas() -> Vec<(String, Value)> {
    vec![
        schema::<Report>(RUN_SCHEMA),
        schema::<Comparison>(GATE_SCHEMA),
        schema::<Comparison>(COMPARE_SCHEMA),
        schema::<CapacityReport>(CAPACITY_SCHEMA),
        schema::<Merged>(MERGE_SCHEMA),
        schema::<BenchReport>(BENCH_SCHEMA),
        schema::<MeshTaxReport>(MESH_TAX_SCHEMA),
    ]
}

/// `waika-loadgen/run/1` has `loadgen/schema/run-1.schema.json`.
fn file_of(name: &str) -> PathBuf {
    let name = name.strip_prefix("waika-loadgen/").unwrap();
    let name = format!("{}.schema.json", name.replace('/', "-"));
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("schema")
        .join(name)
}

fn text_of(schema: &Value) -> String {
    serde_json::to_string_pretty(schema).unwrap() + "\n"
}

/// With `WAIKA_WRITE_SCHEMAS` set, they are written instead.
#[test]
fn schemas_are_those_of_the_results() {
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let write = std::env::var_os("WAIKA_WRITE_SCHEMAS").is_some();
    for (name, schema) in schemas() {
        let file = file_of(&name);
        if write {
            std::fs::write(&file, text_of(&schema)).unwrap();
        }
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            written == text_of(&schema),
            "{} is not what results of {name} are like: \
             WAIKA_WRITE_SCHEMAS=1 cargo test -p waika-loadgen --lib schemas",
            file.display()
        );
    }
}
