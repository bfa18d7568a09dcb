//! Who makes a call.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The name of a caller: a SPIFFE id, or what the mesh calls it. Empty for nobody in particular, where callers
/// are not told apart. Cloning it copies no text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller(Option<Arc<str>>);

impl Caller {
    /// True where callers are not told apart.
    pub fn is_nobody(&self) -> bool {
        self.0.is_none()
    }
}

impl Deref for Caller {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

impl From<&str> for Caller {
    fn from(name: &str) -> Self {
        Self((!name.is_empty()).then(|| name.into()))
    }
}

impl From<Arc<str>> for Caller {
    fn from(name: Arc<str>) -> Self {
        Self((!name.is_empty()).then_some(name))
    }
}
