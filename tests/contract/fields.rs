//! What breaks in a message: its fields, its oneofs, what it has reserved.

use std::collections::BTreeSet;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FieldOptions};

use crate::finding::{Finding, Rule};
use crate::index::joined;
use crate::reserved::Reserved;

/// The breaks between two versions of a message.
pub(crate) fn breaks(name: &str, old: &DescriptorProto, new: &DescriptorProto) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(Finding::if_differs(
        Rule::MessageOptions,
        name,
        &form(old),
        &form(new),
    ));
    let before = Reserved::of_message(old);
    let after = Reserved::of_message(new);
    found.extend(before.shrunk(name, &after));
    for field in &old.field {
        let full_name = joined(name, field.name());
        let same_name = new.field.iter().find(|other| other.name() == field.name());
        let same_number = new
            .field
            .iter()
            .find(|other| other.number() == field.number());
        match (same_name, same_number) {
            (Some(now), _) if now.number() != field.number() => {
                let (was, is) = (field.number().to_string(), now.number().to_string());
                found.push(Finding::new(Rule::FieldNumber, &full_name, was, is));
            }
            (Some(now), _) => found.extend(field_breaks(&full_name, (old, field), (new, now))),
            (None, Some(now)) => {
                let (was, is) = (described(field), described(now));
                found.push(Finding::new(Rule::FieldName, &full_name, was, is));
            }
            (None, None) => {
                if !is_deprecated(field) {
                    let was = described(field);
                    let is = "removed without having been deprecated";
                    found.push(Finding::new(Rule::Deprecated, &full_name, was, is));
                }
                found.extend(after.removal(&full_name, field.number(), field.name()));
            }
        }
    }
    found.extend(oneof_breaks(name, old, new));
    found
}

/// True for a field that was announced to go.
pub(crate) fn is_deprecated(field: &FieldDescriptorProto) -> bool {
    field.options.as_ref().is_some_and(FieldOptions::deprecated)
}

/// A field of a message, and the message.
type InMessage<'a> = (&'a DescriptorProto, &'a FieldDescriptorProto);

fn field_breaks(name: &str, old: InMessage<'_>, new: InMessage<'_>) -> Vec<Finding> {
    let differs = |rule, was: &str, is: &str| Finding::if_differs(rule, name, was, is);
    let (before, after) = (old.1, new.1);
    let mut found = vec![
        differs(Rule::FieldType, &type_of(before), &type_of(after)),
        differs(Rule::FieldJsonName, before.json_name(), after.json_name()),
        differs(Rule::FieldOptions, &options_of(before), &options_of(after)),
    ];
    let (was, is) = (oneof_of(old), oneof_of(new));
    // A oneof that is gone is one break, and not one for each of its fields.
    if was.is_none_or(|oneof| oneofs(new.0).contains(oneof)) {
        let said = |oneof: Option<&str>| oneof.unwrap_or("in no oneof").to_owned();
        found.push(differs(Rule::FieldOneof, &said(was), &said(is)));
    }
    if was.is_none() && is.is_none() {
        let (was, is) = (cardinality_of(before), cardinality_of(after));
        found.push(differs(Rule::FieldCardinality, was, is));
    }
    found.into_iter().flatten().collect()
}

/// Oneofs that are gone while fields of theirs are still there.
fn oneof_breaks(name: &str, old: &DescriptorProto, new: &DescriptorProto) -> Vec<Finding> {
    let now = oneofs(new);
    let gone = oneofs(old).into_iter().filter(|oneof| !now.contains(oneof));
    gone.filter_map(|oneof| {
        let of_it = |field: &&FieldDescriptorProto| oneof_of((old, field)) == Some(oneof);
        let fields = old
            .field
            .iter()
            .filter(of_it)
            .map(FieldDescriptorProto::name);
        let is_there = |name: &&str| new.field.iter().any(|field| field.name() == *name);
        let left: Vec<_> = fields.filter(is_there).collect();
        let was = format!("a oneof of {}", left.join(", "));
        let full_name = joined(name, oneof);
        (!left.is_empty()).then(|| Finding::new(Rule::Oneof, &full_name, was, "gone"))
    })
    .collect()
}

/// The oneofs that were written as such; an `optional` field has one of its own in a descriptor.
fn oneofs(message: &DescriptorProto) -> BTreeSet<&str> {
    let fields = message.field.iter();
    fields
        .filter_map(|field| oneof_of((message, field)))
        .collect()
}

fn oneof_of((message, field): InMessage<'_>) -> Option<&str> {
    if field.proto3_optional() {
        return None;
    }
    let place = usize::try_from(field.oneof_index?).ok()?;
    Some(message.oneof_decl.get(place)?.name())
}

fn cardinality_of(field: &FieldDescriptorProto) -> &'static str {
    match field.label() {
        Label::Repeated => "repeated",
        Label::Required => "required",
        Label::Optional if field.proto3_optional() => "optional",
        Label::Optional => "singular",
    }
}

fn type_of(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum | Type::Group => {
            field.type_name().trim_start_matches('.').to_owned()
        }
        scalar => {
            let name = scalar.as_str_name();
            name.trim_start_matches("TYPE_").to_lowercase()
        }
    }
}

fn options_of(field: &FieldDescriptorProto) -> String {
    let options = field.options.clone().unwrap_or_default();
    format!(
        "default {:?}, {}, {}",
        field.default_value(),
        options.jstype().as_str_name(),
        options.ctype().as_str_name()
    )
}

fn form(message: &DescriptorProto) -> String {
    let options = message.options.clone().unwrap_or_default();
    let said = [
        ("map_entry", options.map_entry()),
        ("message_set_wire_format", options.message_set_wire_format()),
        (
            "no_standard_descriptor_accessor",
            options.no_standard_descriptor_accessor(),
        ),
    ];
    let said: Vec<_> = said.iter().filter(|(_, set)| *set).collect();
    let said: Vec<_> = said.iter().map(|(option, _)| *option).collect();
    if said.is_empty() {
        "a plain message".to_owned()
    } else {
        said.join(", ")
    }
}

fn described(field: &FieldDescriptorProto) -> String {
    let (number, name) = (field.number(), field.name());
    format!(
        "{} {} {name} = {number}",
        cardinality_of(field),
        type_of(field)
    )
}
