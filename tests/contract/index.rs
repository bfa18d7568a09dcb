//! A set of descriptors by full names.

use std::collections::BTreeMap;

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    ServiceDescriptorProto,
};

/// Google's own files come along with the set; they are not ours to keep.
const NOT_OURS: &str = "google.";

/// A declaration, and where it stands.
pub(crate) struct Placed<'a, T> {
    /// The file's name.
    pub(crate) file: &'a str,
    /// The full name of the message that it is nested in.
    pub(crate) parent: Option<String>,
    /// What is declared.
    pub(crate) item: &'a T,
}

/// Our files, and what they declare, by name.
#[derive(Default)]
pub(crate) struct Index<'a> {
    /// By path.
    pub(crate) files: BTreeMap<&'a str, &'a FileDescriptorProto>,
    /// By full name, nested ones too.
    pub(crate) messages: BTreeMap<String, Placed<'a, DescriptorProto>>,
    /// By full name, nested ones too.
    pub(crate) enums: BTreeMap<String, Placed<'a, EnumDescriptorProto>>,
    /// By full name.
    pub(crate) services: BTreeMap<String, Placed<'a, ServiceDescriptorProto>>,
}

impl<'a> Index<'a> {
    /// Of a set.
    pub(crate) fn of(set: &'a FileDescriptorSet) -> Self {
        let mut index = Self::default();
        let ours = |file: &&FileDescriptorProto| !file.package().starts_with(NOT_OURS);
        for file in set.file.iter().filter(ours) {
            index.files.insert(file.name(), file);
            for message in &file.message_type {
                index.add_message(file.name(), file.package(), None, message);
            }
            for item in &file.enum_type {
                index.add_enum(file.name(), file.package(), None, item);
            }
            for item in &file.service {
                let name = joined(file.package(), item.name());
                let (file, parent) = (file.name(), None);
                index.services.insert(name, Placed { file, parent, item });
            }
        }
        index
    }

    fn add_message(
        &mut self,
        file: &'a str,
        scope: &str,
        parent: Option<String>,
        item: &'a DescriptorProto,
    ) {
        let name = joined(scope, item.name());
        for nested in &item.nested_type {
            self.add_message(file, &name, Some(name.clone()), nested);
        }
        for nested in &item.enum_type {
            self.add_enum(file, &name, Some(name.clone()), nested);
        }
        self.messages.insert(name, Placed { file, parent, item });
    }

    fn add_enum(
        &mut self,
        file: &'a str,
        scope: &str,
        parent: Option<String>,
        item: &'a EnumDescriptorProto,
    ) {
        let name = joined(scope, item.name());
        self.enums.insert(name, Placed { file, parent, item });
    }
}

/// The name of something within something.
pub(crate) fn joined(scope: &str, name: &str) -> String {
    if scope.is_empty() {
        name.to_owned()
    } else {
        format!("{scope}.{name}")
    }
}
