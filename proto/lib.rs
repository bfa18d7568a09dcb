//! The wire contract of Waika, `waika.v1`, and the health that it is asked for: generated types and nothing else.
//!
//! The sources are the `.proto` files beside this one; read those for the meaning of every field.

/// Package `waika.v1`.
pub mod v1 {
    #![allow(
        missing_docs,
        clippy::pedantic,
        clippy::large_enum_variant,
        clippy::allow_attributes_without_reason,
        reason = "generated code"
    )]

    tonic::include_proto!("waika.v1");

    /// The encoded `FileDescriptorSet` of the contract, for gRPC reflection.
    pub const FILE_DESCRIPTOR_SET: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/waika.v1.bin"));
}

/// Package `grpc.health.v1`: gRPC's own protocol, with `List`.
pub mod health {
    #![allow(
        missing_docs,
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        reason = "generated code"
    )]

    tonic::include_proto!("grpc.health.v1");

    /// The encoded `FileDescriptorSet` of the protocol, for gRPC reflection.
    pub const FILE_DESCRIPTOR_SET: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/grpc.health.v1.bin"));
}

/// Messages that carry secrets print their name and nothing of their content.
macro_rules! redacted {
    ($($message:ident),* $(,)?; $($module:ident::$oneof:ident),* $(,)?) => {
        $(
            impl std::fmt::Debug for v1::$message {
                fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    formatter.debug_struct(stringify!($message)).finish_non_exhaustive()
                }
            }
        )*
        $(
            impl std::fmt::Debug for v1::$module::$oneof {
                fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    formatter.debug_struct(stringify!($oneof)).finish_non_exhaustive()
                }
            }
        )*
    };
}

redacted!(
    AuthoriseRequest,
    BindRequest,
    CardEntry,
    IdentityDocument,
    SendPhoneCodeRequest,
    PhoneCodeSent,
    UnbindRequest,
    VerifyPasswordRequest,
    PaymentToken,
    ChangePasswordRequest,
    ResetPasswordRequest,
    BoundCardProof,
    SubmitVerificationRequest,
    CreatePaymentCodeRequest,
    PaymentCode,
    ReverseRequest,
    VerifyCardRequest,
    SendCodeRequest,
    VerifyIdentityRequest,
    VerifyPhotoRequest,
    VerifierPhoto;
    reset_password_request::Proof,
    reverse_request::Original,
    submit_verification_request::Part,
    verify_photo_request::Part,
);
