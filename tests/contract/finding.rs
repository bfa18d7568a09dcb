//! What can break a contract, and how a break is told.

use std::fmt;

/// What a caller relies on, one rule each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A file stays in its package.
    Package,
    /// A file keeps its syntax and what its options say to generators.
    FileOptions,
    /// Messages, enums and services stay in their files.
    File,
    /// Only what was deprecated in the last release is removed.
    Deprecated,
    /// A field or a value that is removed leaves its number and its name reserved.
    Reserved,
    /// What is reserved stays reserved.
    ReservedKept,
    /// A field keeps its number.
    FieldNumber,
    /// A number keeps its field's name.
    FieldName,
    /// A field keeps its type.
    FieldType,
    /// A field stays repeated, optional or neither.
    FieldCardinality,
    /// A field keeps its name in JSON.
    FieldJsonName,
    /// A field stays in its oneof, or outside.
    FieldOneof,
    /// A field keeps its default and what its options say to generators.
    FieldOptions,
    /// A oneof keeps its name.
    Oneof,
    /// A message keeps what its options say about its form.
    MessageOptions,
    /// An enum's value keeps its number.
    ValueNumber,
    /// A number keeps its value's name.
    ValueName,
    /// An RPC keeps the type that it takes.
    RpcRequest,
    /// An RPC keeps the type that it answers with.
    RpcResponse,
    /// An RPC stays a stream, or none, in each direction.
    RpcStreaming,
    /// An RPC keeps what it promises about repeats.
    RpcIdempotency,
}

impl Rule {
    /// All of them, in the order in which they are told.
    pub(crate) const ALL: [Self; 21] = [
        Self::Package,
        Self::FileOptions,
        Self::File,
        Self::Deprecated,
        Self::Reserved,
        Self::ReservedKept,
        Self::FieldNumber,
        Self::FieldName,
        Self::FieldType,
        Self::FieldCardinality,
        Self::FieldJsonName,
        Self::FieldOneof,
        Self::FieldOptions,
        Self::Oneof,
        Self::MessageOptions,
        Self::ValueNumber,
        Self::ValueName,
        Self::RpcRequest,
        Self::RpcResponse,
        Self::RpcStreaming,
        Self::RpcIdempotency,
    ];

    /// What must not change.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Package => "the package of a file",
            Self::FileOptions => "syntax and options of a file",
            Self::File => "the file of a message, enum or service",
            Self::Deprecated => "removed only after a release in which it was deprecated",
            Self::Reserved => "number and name are reserved when a field or value goes",
            Self::ReservedKept => "what is reserved",
            Self::FieldNumber => "a field's number",
            Self::FieldName => "a field's name",
            Self::FieldType => "a field's type",
            Self::FieldCardinality => "repeated, optional or neither",
            Self::FieldJsonName => "a field's name in JSON",
            Self::FieldOneof => "the oneof that a field is in, or none",
            Self::FieldOptions => "a field's default, `jstype` and `ctype`",
            Self::Oneof => "a oneof's name",
            Self::MessageOptions => "a message's options of form",
            Self::ValueNumber => "an enum value's number",
            Self::ValueName => "an enum value's name",
            Self::RpcRequest => "what an RPC takes",
            Self::RpcResponse => "what an RPC answers with",
            Self::RpcStreaming => "streams, or none, of an RPC",
            Self::RpcIdempotency => "an RPC's `idempotency_level`",
        }
    }

    /// The rules of `buf breaking` that this one keeps.
    pub(crate) fn of_buf(self) -> &'static [&'static str] {
        match self {
            Self::Package => &["FILE_SAME_PACKAGE", "PACKAGE_NO_DELETE"],
            Self::FileOptions => &["FILE_SAME_*", "ENUM_SAME_TYPE"],
            Self::File => &[
                "FILE_NO_DELETE",
                "MESSAGE_NO_DELETE",
                "ENUM_NO_DELETE",
                "SERVICE_NO_DELETE",
            ],
            Self::Deprecated => &[
                "PACKAGE_MESSAGE_NO_DELETE",
                "PACKAGE_ENUM_NO_DELETE",
                "PACKAGE_SERVICE_NO_DELETE",
                "RPC_NO_DELETE",
                "FIELD_NO_DELETE",
                "ENUM_VALUE_NO_DELETE",
            ],
            Self::Reserved => &[
                "FIELD_NO_DELETE_UNLESS_*_RESERVED",
                "ENUM_VALUE_NO_DELETE_UNLESS_*_RESERVED",
            ],
            Self::ReservedKept => &["RESERVED_MESSAGE_NO_DELETE", "RESERVED_ENUM_NO_DELETE"],
            Self::FieldNumber => &["FIELD_NO_DELETE"],
            Self::FieldName => &["FIELD_SAME_NAME"],
            Self::FieldType => &[
                "FIELD_SAME_TYPE",
                "FIELD_WIRE_COMPATIBLE_TYPE",
                "FIELD_WIRE_JSON_COMPATIBLE_TYPE",
            ],
            Self::FieldCardinality => &[
                "FIELD_SAME_CARDINALITY",
                "FIELD_WIRE_COMPATIBLE_CARDINALITY",
                "FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY",
                "MESSAGE_SAME_REQUIRED_FIELDS",
            ],
            Self::FieldJsonName => &["FIELD_SAME_JSON_NAME"],
            Self::FieldOneof => &["FIELD_SAME_ONEOF"],
            Self::FieldOptions => &[
                "FIELD_SAME_DEFAULT",
                "FIELD_SAME_JSTYPE",
                "FIELD_SAME_CPP_STRING_TYPE",
            ],
            Self::Oneof => &["ONEOF_NO_DELETE"],
            Self::MessageOptions => &[
                "MESSAGE_NO_REMOVE_STANDARD_DESCRIPTOR_ACCESSOR",
                "MESSAGE_SAME_MESSAGE_SET_WIRE_FORMAT",
            ],
            Self::ValueNumber => &["ENUM_VALUE_NO_DELETE"],
            Self::ValueName => &["ENUM_VALUE_SAME_NAME"],
            Self::RpcRequest => &["RPC_SAME_REQUEST_TYPE"],
            Self::RpcResponse => &["RPC_SAME_RESPONSE_TYPE"],
            Self::RpcStreaming => &["RPC_SAME_CLIENT_STREAMING", "RPC_SAME_SERVER_STREAMING"],
            Self::RpcIdempotency => &["RPC_SAME_IDEMPOTENCY_LEVEL"],
        }
    }

    /// What to do instead.
    pub(crate) fn mend(self) -> &'static str {
        match self {
            Self::Package => "put it back; a contract that breaks is a new package beside this one",
            Self::FileOptions | Self::MessageOptions | Self::FieldOptions => "put it back",
            Self::File => "move it back: generated code is imported by its file",
            Self::Deprecated => {
                "keep it, set `deprecated = true`, release that, and remove it in a later release"
            }
            Self::Reserved => "reserve both its number and its name",
            Self::ReservedKept => "reserve it again",
            Self::FieldNumber | Self::ValueNumber => "give it its number back",
            Self::FieldName | Self::ValueName => {
                "give it its name back, or deprecate it and add another with a new number"
            }
            Self::FieldType
            | Self::FieldCardinality
            | Self::FieldJsonName
            | Self::FieldOneof
            | Self::RpcRequest
            | Self::RpcResponse
            | Self::RpcStreaming => "put it back, or deprecate it and add another beside it",
            Self::Oneof => "give it its name back",
            Self::RpcIdempotency => "put it back: clients repeat calls by it",
        }
    }
}

/// One break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What was broken.
    pub(crate) rule: Rule,
    /// The full name of what has changed.
    pub(crate) name: String,
    /// What it was in the release.
    pub(crate) was: String,
    /// What it is.
    pub(crate) is: String,
}

impl Finding {
    /// A break of a rule.
    pub(crate) fn new(
        rule: Rule,
        name: &str,
        was: impl Into<String>,
        is: impl Into<String>,
    ) -> Self {
        let (was, is) = (was.into(), is.into());
        let name = name.to_owned();
        Self {
            rule,
            name,
            was,
            is,
        }
    }

    /// A break if these two differ.
    pub(crate) fn if_differs(rule: Rule, name: &str, was: &str, is: &str) -> Option<Self> {
        (was != is).then(|| Self::new(rule, name, was, is))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            name,
            was,
            is,
        } = self;
        write!(
            formatter,
            "{name}: was {was}, is {is} ({}): {}",
            rule.what(),
            rule.mend()
        )
    }
}
