//! Events of policies (D24). What a policy says is the server's to read: here it is a text.

/// A policy was stored under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyPut {
    /// Its name.
    pub name: Box<str>,
    /// Its file.
    pub text: Box<str>,
}

/// A policy is in force from now on, as far as its own dates say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyActivated {
    /// Its name.
    pub name: Box<str>,
}

/// A policy is evaluated beside the one in force, or none is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyShadowed {
    /// Its name; None for none.
    pub name: Option<Box<str>>,
}
