//! Changes that are made on purpose: each that breaks is found once, by its rule and name; others are not.

use prost_types::enum_descriptor_proto::EnumReservedRange;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumOptions, FieldOptions, FileDescriptorSet,
    FileOptions, MessageOptions, MethodDescriptorProto, MethodOptions,
};

use crate::breaks::breaks;
use crate::finding::Rule;
use crate::shop::{deprecated_field, field, message, oneof, range, rpc, shop, text, value};

type Change = fn(&mut FileDescriptorSet);

fn the_order(set: &mut FileDescriptorSet) -> &mut DescriptorProto {
    &mut set.file[0].message_type[0]
}

fn the_state(set: &mut FileDescriptorSet) -> &mut EnumDescriptorProto {
    &mut set.file[0].enum_type[0]
}

fn buy(set: &mut FileDescriptorSet) -> &mut MethodDescriptorProto {
    &mut set.file[0].service[0].method[0]
}

fn reserve(order: &mut DescriptorProto, number: i32, name: &str) {
    order.reserved_range.push(range(number, number + 1));
    order.reserved_name.push(name.to_owned());
}

/// Changes to files, services and RPCs.
const OF_SERVICES: [(Rule, &str, Change); 17] = [
    (Rule::Package, "attic.proto", |set| {
        set.file[1].package = text("shop.v2");
    }),
    (Rule::FileOptions, "attic.proto", |set| {
        set.file[1].options = Some(FileOptions {
            java_package: text("shop"),
            ..FileOptions::default()
        });
    }),
    (Rule::FileOptions, "attic.proto", |set| {
        set.file[1].syntax = None;
    }),
    (Rule::File, "shop.v1.Kept", |set| {
        let moved = set.file[1].message_type.remove(1);
        set.file[0].message_type.push(moved);
    }),
    (Rule::File, "shop.v1.Attic", |set| {
        let moved = set.file[1].service.remove(0);
        set.file[0].service.push(moved);
    }),
    (Rule::File, "shop.v1.State", |set| {
        let moved = set.file[0].enum_type.remove(0);
        set.file[1].enum_type.push(moved);
    }),
    (Rule::Deprecated, "shop.v1.Attic", |set| {
        set.file[1].service.clear();
    }),
    (Rule::Deprecated, "shop.v1.Shop", |set| {
        set.file[0].service[0].name = text("Store");
    }),
    (Rule::Deprecated, "shop.v1.Shop.Buy", |set| {
        set.file[0].service[0].method.remove(0);
    }),
    (Rule::Deprecated, "shop.v1.Shop.Buy", |set| {
        buy(set).name = text("Purchase");
    }),
    (Rule::RpcRequest, "shop.v1.Shop.Buy", |set| {
        buy(set).input_type = text(".shop.v1.Answer");
    }),
    (Rule::RpcResponse, "shop.v1.Shop.Buy", |set| {
        buy(set).output_type = text(".shop.v1.Order");
    }),
    (Rule::RpcStreaming, "shop.v1.Shop.Buy", |set| {
        buy(set).client_streaming = Some(true);
    }),
    (Rule::RpcStreaming, "shop.v1.Shop.Buy", |set| {
        buy(set).server_streaming = Some(true);
    }),
    (Rule::RpcIdempotency, "shop.v1.Shop.Buy", |set| {
        buy(set).options = Some(MethodOptions {
            idempotency_level: Some(1),
            ..MethodOptions::default()
        });
    }),
    (Rule::Deprecated, "shop.v1.Kept", |set| {
        set.file[1].message_type.remove(1);
    }),
    (Rule::Deprecated, "shop.v1.State", |set| {
        set.file[0].enum_type.clear();
    }),
];

/// Changes to messages and fields.
const OF_FIELDS: [(Rule, &str, Change); 23] = [
    (Rule::Deprecated, "shop.v1.Order.Line", |set| {
        the_order(set).nested_type.clear();
    }),
    (Rule::MessageOptions, "shop.v1.Answer", |set| {
        set.file[0].message_type[1].options = Some(MessageOptions {
            no_standard_descriptor_accessor: Some(true),
            ..MessageOptions::default()
        });
    }),
    (Rule::Deprecated, "shop.v1.Order.amount", |set| {
        the_order(set).field.remove(0);
        reserve(the_order(set), 1, "amount");
    }),
    (Rule::Reserved, "shop.v1.Order.note", |set| {
        the_order(set).field.remove(1);
    }),
    (Rule::Reserved, "shop.v1.Order.note", |set| {
        the_order(set).field.remove(1);
        the_order(set).reserved_range.push(range(2, 3));
    }),
    (Rule::Reserved, "shop.v1.Order.note", |set| {
        the_order(set).field.remove(1);
        the_order(set).reserved_name.push("note".to_owned());
    }),
    (Rule::ReservedKept, "shop.v1.Order", |set| {
        the_order(set).reserved_range[0] = range(10, 12);
    }),
    (Rule::ReservedKept, "shop.v1.Order", |set| {
        the_order(set).reserved_range[0] = range(11, 13);
    }),
    (Rule::ReservedKept, "shop.v1.Order", |set| {
        the_order(set).reserved_range.clear();
    }),
    (Rule::ReservedKept, "shop.v1.Order", |set| {
        the_order(set).reserved_name.clear();
    }),
    (Rule::FieldNumber, "shop.v1.Order.amount", |set| {
        the_order(set).field[0].number = Some(30);
    }),
    (Rule::FieldName, "shop.v1.Order.amount", |set| {
        the_order(set).field[0].name = text("sum");
        the_order(set).field[0].json_name = text("sum");
    }),
    (Rule::FieldName, "shop.v1.Order.note", |set| {
        // A number that is used again for something else.
        the_order(set).field[1] = field("weight", 2, Type::Double);
    }),
    (Rule::FieldType, "shop.v1.Order.amount", |set| {
        the_order(set).field[0].r#type = Some(Type::Sint64.into());
    }),
    (Rule::FieldCardinality, "shop.v1.Order.amount", |set| {
        the_order(set).field[0].label = Some(Label::Repeated.into());
    }),
    (Rule::FieldCardinality, "shop.v1.Order.items", |set| {
        the_order(set).field[5].label = Some(Label::Optional.into());
    }),
    (Rule::FieldCardinality, "shop.v1.Order.tip", |set| {
        let tip = &mut the_order(set).field[2];
        (tip.proto3_optional, tip.oneof_index) = (None, None);
        the_order(set).oneof_decl.pop();
    }),
    (Rule::FieldCardinality, "shop.v1.Order.amount", |set| {
        let amount = &mut the_order(set).field[0];
        (amount.proto3_optional, amount.oneof_index) = (Some(true), Some(2));
        the_order(set).oneof_decl.push(oneof("_amount"));
    }),
    (Rule::FieldJsonName, "shop.v1.Order.amount", |set| {
        the_order(set).field[0].json_name = text("Amount");
    }),
    (Rule::FieldOneof, "shop.v1.Order.amount", |set| {
        the_order(set).field[0].oneof_index = Some(0);
        // The fields of a oneof stand together.
        the_order(set).field.swap(0, 2);
    }),
    (Rule::FieldOneof, "shop.v1.Order.cash", |set| {
        the_order(set).field[4].oneof_index = None;
    }),
    (Rule::Oneof, "shop.v1.Order.payer", |set| {
        the_order(set).oneof_decl[0].name = text("source");
    }),
    (Rule::FieldOptions, "shop.v1.Order.amount", |set| {
        the_order(set).field[0].options = Some(FieldOptions {
            jstype: Some(1),
            ..FieldOptions::default()
        });
    }),
];

/// Changes to enums.
const OF_VALUES: [(Rule, &str, Change); 5] = [
    (Rule::Deprecated, "shop.v1.State.STATE_OPEN", |set| {
        the_state(set).value.remove(1);
        the_state(set).reserved_name.push("STATE_OPEN".to_owned());
        reserve_value(the_state(set), 1);
    }),
    (Rule::Reserved, "shop.v1.State.STATE_OLD", |set| {
        the_state(set).value.remove(2);
        reserve_value(the_state(set), 2);
    }),
    (Rule::ReservedKept, "shop.v1.State", |set| {
        the_state(set).reserved_range[0].end = Some(7);
    }),
    (Rule::ValueNumber, "shop.v1.State.STATE_OPEN", |set| {
        the_state(set).value[1].number = Some(3);
    }),
    (Rule::ValueName, "shop.v1.State.STATE_OPEN", |set| {
        the_state(set).value[1].name = text("STATE_OPENED");
    }),
];

fn reserve_value(state: &mut EnumDescriptorProto, number: i32) {
    state.reserved_range.push(EnumReservedRange {
        start: Some(number),
        end: Some(number),
    });
}

/// Changes that nobody can be hurt by.
const HARMLESS: [(&str, Change); 12] = [
    ("nothing", |_| {}),
    ("a new file", |set| {
        let mut file = set.file[1].clone();
        (file.name, file.package) = (text("new.proto"), text("shop.v2"));
        set.file.push(file);
    }),
    ("a new RPC, field, value and message", |set| {
        set.file[0].service[0].method.insert(0, rpc("Return"));
        the_order(set)
            .field
            .insert(0, field("new", 40, Type::Bytes));
        the_state(set).value.insert(1, value("STATE_NEW", 9));
        set.file[0].message_type.insert(0, message("New", vec![]));
    }),
    ("a new field in a oneof", |set| {
        let mut new = field("coin", 40, Type::Bool);
        new.oneof_index = Some(0);
        the_order(set).field.insert(5, new);
    }),
    ("another order of what is declared", |set| {
        set.file.reverse();
        set.file[1].message_type.reverse();
        set.file[1].service[0].method.reverse();
        set.file[1].enum_type[0].value.swap(1, 2);
    }),
    ("deprecated", |set| {
        the_order(set).field[0].options = Some(deprecated_field());
        set.file[0].enum_type[0].options = Some(EnumOptions {
            deprecated: Some(true),
            ..EnumOptions::default()
        });
        set.file[1].options = Some(FileOptions {
            deprecated: Some(true),
            ..FileOptions::default()
        });
    }),
    ("not deprecated any more", |set| {
        the_order(set).field[1].options = None;
        set.file[0].service[0].method[1].options = None;
    }),
    ("a deprecated field goes and is reserved", |set| {
        the_order(set).field.remove(1);
        reserve(the_order(set), 2, "note");
    }),
    ("a deprecated value goes and is reserved", |set| {
        the_state(set).value.remove(2);
        the_state(set).reserved_name.push("STATE_OLD".to_owned());
        reserve_value(the_state(set), 2);
    }),
    ("a deprecated RPC goes", |set| {
        set.file[0].service[0].method.remove(1);
    }),
    ("a deprecated message goes, with all in it", |set| {
        set.file[1].message_type.remove(0);
    }),
    ("more is reserved, in other ranges", |set| {
        the_order(set).reserved_range = vec![range(12, 30), range(9, 11), range(11, 12)];
        the_order(set).reserved_name.push("never".to_owned());
    }),
];

#[test]
fn every_change_that_breaks_is_found_once_and_named() {
    let old = shop();
    let planted = || OF_SERVICES.iter().chain(&OF_FIELDS).chain(&OF_VALUES);
    for (place, (rule, name, change)) in planted().enumerate() {
        let mut new = old.clone();
        change(&mut new);
        let found = breaks(&old, &new);
        let told: Vec<_> = found.iter().map(ToString::to_string).collect();
        let found: Vec<_> = found.iter().map(|f| (f.rule, f.name.as_str())).collect();
        assert_eq!(found, [(*rule, *name)], "change {place}: {told:?}");
        assert!(told[0].contains(name) && told[0].ends_with(rule.mend()));
    }
    for rule in Rule::ALL {
        assert!(planted().any(|(planted, ..)| *planted == rule), "{rule:?}");
    }
}

#[test]
fn a_change_that_breaks_nobody_is_not_told() {
    let old = shop();
    for (what, change) in HARMLESS {
        let mut new = old.clone();
        change(&mut new);
        let told: Vec<_> = breaks(&old, &new).iter().map(ToString::to_string).collect();
        assert_eq!(told, Vec::<String>::new(), "{what}");
    }
}

#[test]
fn a_finding_says_what_it_was_and_is_and_how_to_mend_it() {
    let (old, mut new) = (shop(), shop());
    the_order(&mut new).field.remove(0);
    let told: Vec<_> = breaks(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "shop.v1.Order.amount: was singular int64 amount = 1, is removed without having been deprecated \
             (removed only after a release in which it was deprecated): keep it, set `deprecated = true`, release \
             that, and remove it in a later release",
            "shop.v1.Order.amount: was number 1, is removed, and number 1 and name \"amount\" not reserved \
             (number and name are reserved when a field or value goes): reserve both its number and its name",
        ]
    );
}
