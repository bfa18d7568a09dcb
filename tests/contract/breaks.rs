//! Compares two versions of a contract, and names every change that breaks somebody who uses it. Pure.
//!
//! Whoever uses it may have compiled it into code, may speak its bytes, or its JSON.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::{
    EnumDescriptorProto, EnumOptions, EnumValueOptions, FileDescriptorProto, FileDescriptorSet,
    MethodDescriptorProto, MethodOptions, ServiceDescriptorProto, ServiceOptions,
};

use crate::fields;
use crate::finding::{Finding, Rule};
use crate::index::{Index, Placed, joined};
use crate::reserved::Reserved;

/// Every break, by kind and name.
pub(crate) fn breaks(old: &FileDescriptorSet, new: &FileDescriptorSet) -> Vec<Finding> {
    let (before, after) = (Index::of(old), Index::of(new));
    let (mut found, renamed) = file_breaks(&before, &after);
    // A package that has another name is one break, and so is a message that goes with all that is nested in it.
    let is_told = |file: &str, parent: Option<&String>| {
        !renamed.contains(file) && parent.is_none_or(|name| after.messages.contains_key(name))
    };
    found.extend(gone_or_moved(
        (&before.messages, &after.messages),
        is_told,
        |old| {
            let options = old.options.as_ref();
            // A map's entries go with the field that is the map.
            options.is_some_and(|o| o.deprecated() || o.map_entry())
        },
    ));
    found.extend(gone_or_moved(
        (&before.enums, &after.enums),
        is_told,
        |old| old.options.as_ref().is_some_and(EnumOptions::deprecated),
    ));
    found.extend(gone_or_moved(
        (&before.services, &after.services),
        is_told,
        |old| old.options.as_ref().is_some_and(ServiceOptions::deprecated),
    ));
    for (name, old, new) in both(&before.messages, &after.messages) {
        found.extend(fields::breaks(name, old, new));
    }
    for (name, old, new) in both(&before.enums, &after.enums) {
        found.extend(enum_breaks(name, old, new));
    }
    for (name, old, new) in both(&before.services, &after.services) {
        found.extend(service_breaks(name, old, new));
    }
    found
}

type Things<'a, T> = BTreeMap<String, Placed<'a, T>>;

/// What stands in both versions.
fn both<'a, T>(
    old: &'a Things<'a, T>,
    new: &'a Things<'a, T>,
) -> impl Iterator<Item = (&'a str, &'a T, &'a T)> {
    old.iter().filter_map(|(name, old)| {
        let new = new.get(name)?;
        Some((name.as_str(), old.item, new.item))
    })
}

/// What is gone without having been announced, and what stands in another file.
fn gone_or_moved<T>(
    (old, new): (&Things<'_, T>, &Things<'_, T>),
    is_told: impl Fn(&str, Option<&String>) -> bool,
    may_go: impl Fn(&T) -> bool,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, placed) in old {
        if !is_told(placed.file, placed.parent.as_ref()) {
            continue;
        }
        match new.get(name) {
            // What is nested moves with its message.
            Some(now) if placed.parent.is_none() => {
                found.extend(Finding::if_differs(Rule::File, name, placed.file, now.file));
            }
            Some(_) => {}
            None if may_go(placed.item) => {}
            None => {
                let was = format!("declared in {}", placed.file);
                let is = "removed without having been deprecated";
                found.push(Finding::new(Rule::Deprecated, name, was, is));
            }
        }
    }
    found
}

/// What has changed in files as wholes, and the files that are in another package.
fn file_breaks<'a>(before: &Index<'a>, after: &Index<'a>) -> (Vec<Finding>, BTreeSet<&'a str>) {
    let mut found = Vec::new();
    let mut renamed = BTreeSet::new();
    for (name, old) in &before.files {
        let Some(new) = after.files.get(name) else {
            continue;
        };
        if old.package() != new.package() {
            renamed.insert(*name);
        }
        let differs = |rule, was: &str, is: &str| Finding::if_differs(rule, name, was, is);
        found.extend(differs(Rule::Package, old.package(), new.package()));
        let (was, is) = (for_generators(old), for_generators(new));
        found.extend(differs(Rule::FileOptions, &was, &is));
    }
    (found, renamed)
}

/// What a file tells those who generate code from it.
fn for_generators(file: &FileDescriptorProto) -> String {
    let mut options = file.options.clone().unwrap_or_default();
    options.deprecated = None;
    let syntax = file.syntax.as_deref().unwrap_or("proto2");
    if options == prost_types::FileOptions::default() {
        syntax.to_owned()
    } else {
        format!("{syntax} with {options:?}")
    }
}

fn enum_breaks(name: &str, old: &EnumDescriptorProto, new: &EnumDescriptorProto) -> Vec<Finding> {
    let mut found = Vec::new();
    let after = Reserved::of_enum(new);
    found.extend(Reserved::of_enum(old).shrunk(name, &after));
    for value in &old.value {
        let full_name = joined(name, value.name());
        let number = value.number();
        let same_name = new.value.iter().find(|other| other.name() == value.name());
        let same_number = new.value.iter().find(|other| other.number() == number);
        match (same_name, same_number) {
            (Some(now), _) => {
                let (was, is) = (number.to_string(), now.number().to_string());
                found.extend(Finding::if_differs(
                    Rule::ValueNumber,
                    &full_name,
                    &was,
                    &is,
                ));
            }
            (None, Some(now)) => {
                let (was, is) = (value.name(), now.name());
                found.push(Finding::new(Rule::ValueName, &full_name, was, is));
            }
            (None, None) => {
                if !value
                    .options
                    .as_ref()
                    .is_some_and(EnumValueOptions::deprecated)
                {
                    let was = format!("number {number}");
                    let is = "removed without having been deprecated";
                    found.push(Finding::new(Rule::Deprecated, &full_name, was, is));
                }
                found.extend(after.removal(&full_name, number, value.name()));
            }
        }
    }
    found
}

fn service_breaks(
    name: &str,
    old: &ServiceDescriptorProto,
    new: &ServiceDescriptorProto,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for rpc in &old.method {
        let full_name = joined(name, rpc.name());
        match new.method.iter().find(|other| other.name() == rpc.name()) {
            Some(now) => found.extend(rpc_breaks(&full_name, rpc, now)),
            None if rpc.options.as_ref().is_some_and(MethodOptions::deprecated) => {}
            None => {
                let is = "removed without having been deprecated";
                found.push(Finding::new(Rule::Deprecated, &full_name, "an RPC", is));
            }
        }
    }
    found
}

fn rpc_breaks(
    name: &str,
    old: &MethodDescriptorProto,
    new: &MethodDescriptorProto,
) -> impl Iterator<Item = Finding> {
    let differs = |rule, was: &str, is: &str| Finding::if_differs(rule, name, was, is);
    let level = |rpc: &MethodDescriptorProto| {
        let options = rpc.options.clone().unwrap_or_default();
        options.idempotency_level().as_str_name()
    };
    [
        differs(Rule::RpcRequest, old.input_type(), new.input_type()),
        differs(Rule::RpcResponse, old.output_type(), new.output_type()),
        differs(Rule::RpcStreaming, streams(old), streams(new)),
        differs(Rule::RpcIdempotency, level(old), level(new)),
    ]
    .into_iter()
    .flatten()
}

/// Which directions of an RPC are streams.
fn streams(rpc: &MethodDescriptorProto) -> &'static str {
    match (rpc.client_streaming(), rpc.server_streaming()) {
        (false, false) => "unary",
        (true, false) => "a client's stream",
        (false, true) => "a server's stream",
        (true, true) => "streams in both directions",
    }
}
