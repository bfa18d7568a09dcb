//! A small contract to plant changes in, made of descriptors.

use prost_types::descriptor_proto::ReservedRange;
use prost_types::enum_descriptor_proto::EnumReservedRange;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, EnumValueOptions,
    FieldDescriptorProto, FieldOptions, FileDescriptorProto, FileDescriptorSet, MessageOptions,
    MethodDescriptorProto, MethodOptions, OneofDescriptorProto, ServiceDescriptorProto,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "every field of a descriptor is optional"
)]
pub(crate) fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(crate) fn field(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: text(name),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        json_name: text(name),
        ..FieldDescriptorProto::default()
    }
}

pub(crate) fn value(name: &str, number: i32) -> EnumValueDescriptorProto {
    EnumValueDescriptorProto {
        name: text(name),
        number: Some(number),
        options: None,
    }
}

pub(crate) fn rpc(name: &str) -> MethodDescriptorProto {
    MethodDescriptorProto {
        name: text(name),
        input_type: text(".shop.v1.Order"),
        output_type: text(".shop.v1.Answer"),
        ..MethodDescriptorProto::default()
    }
}

pub(crate) fn message(name: &str, fields: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto {
        name: text(name),
        field: fields,
        ..DescriptorProto::default()
    }
}

/// `amount`, `note` (deprecated), `tip` (optional), `card` and `cash` (in `payer`), `items` (repeated).
pub(crate) fn order() -> DescriptorProto {
    let mut order = message(
        "Order",
        vec![
            field("amount", 1, Type::Int64),
            field("note", 2, Type::String),
            field("tip", 3, Type::Int64),
            field("card", 4, Type::String),
            field("cash", 5, Type::Bool),
            field("items", 6, Type::String),
        ],
    );
    order.field[1].options = Some(deprecated_field());
    order.field[2].proto3_optional = Some(true);
    order.field[2].oneof_index = Some(1);
    for place in [3, 4] {
        order.field[place].oneof_index = Some(0);
    }
    order.field[5].label = Some(Label::Repeated.into());
    order.oneof_decl = vec![oneof("payer"), oneof("_tip")];
    order.reserved_range = vec![range(10, 13), range(20, 21)];
    order.reserved_name = vec!["gone".to_owned()];
    order.nested_type = vec![message("Line", vec![field("text", 1, Type::String)])];
    order
}

pub(crate) fn oneof(name: &str) -> OneofDescriptorProto {
    OneofDescriptorProto {
        name: text(name),
        options: None,
    }
}

pub(crate) fn range(start: i32, end: i32) -> ReservedRange {
    let (start, end) = (Some(start), Some(end));
    ReservedRange { start, end }
}

pub(crate) fn deprecated_field() -> FieldOptions {
    FieldOptions {
        deprecated: Some(true),
        ..FieldOptions::default()
    }
}

/// A file with an order and a service, and one with what is used by nobody.
pub(crate) fn shop() -> FileDescriptorSet {
    let state = EnumDescriptorProto {
        name: text("State"),
        value: vec![value("STATE_NONE", 0), value("STATE_OPEN", 1), {
            let mut old = value("STATE_OLD", 2);
            old.options = Some(EnumValueOptions {
                deprecated: Some(true),
                ..EnumValueOptions::default()
            });
            old
        }],
        reserved_range: vec![EnumReservedRange {
            start: Some(7),
            end: Some(8),
        }],
        ..EnumDescriptorProto::default()
    };
    let mut old_rpc = rpc("Old");
    old_rpc.options = Some(MethodOptions {
        deprecated: Some(true),
        ..MethodOptions::default()
    });
    let shop = FileDescriptorProto {
        name: text("shop.proto"),
        package: text("shop.v1"),
        message_type: vec![order(), message("Answer", vec![])],
        enum_type: vec![state],
        service: vec![ServiceDescriptorProto {
            name: text("Shop"),
            method: vec![rpc("Buy"), old_rpc],
            options: None,
        }],
        syntax: text("proto3"),
        ..FileDescriptorProto::default()
    };
    let mut old = message("Old", vec![]);
    old.nested_type = vec![message("Inner", vec![])];
    old.options = Some(MessageOptions {
        deprecated: Some(true),
        ..MessageOptions::default()
    });
    let attic = FileDescriptorProto {
        name: text("attic.proto"),
        package: text("shop.v1"),
        message_type: vec![old, message("Kept", vec![])],
        service: vec![ServiceDescriptorProto {
            name: text("Attic"),
            ..ServiceDescriptorProto::default()
        }],
        syntax: text("proto3"),
        ..FileDescriptorProto::default()
    };
    FileDescriptorSet {
        file: vec![shop, attic],
    }
}

/// The same contract with `waika/v1/admin.proto` as it is before it goes.
pub(crate) fn with_deprecated_admin(set: &FileDescriptorSet) -> FileDescriptorSet {
    let mut set = set.clone();
    let admin = |file: &&mut FileDescriptorProto| file.name() == "waika/v1/admin.proto";
    for file in set.file.iter_mut().filter(admin) {
        for message in &mut file.message_type {
            message.options.get_or_insert_default().deprecated = Some(true);
        }
        for item in &mut file.enum_type {
            item.options.get_or_insert_default().deprecated = Some(true);
        }
        for service in &mut file.service {
            service.options.get_or_insert_default().deprecated = Some(true);
        }
    }
    set
}
