//! Compiles the contract in `proto/` to Rust, without protoc.

use std::path::{Path, PathBuf};

use prost::Message as _;

/// Messages that carry a secret: they get no derived `Debug` (see `proto/lib.rs`).
const SECRET_MESSAGES: [&str; 21] = [
    ".waika.v1.AuthoriseRequest",
    ".waika.v1.BindRequest",
    ".waika.v1.CardEntry",
    ".waika.v1.IdentityDocument",
    ".waika.v1.SendPhoneCodeRequest",
    ".waika.v1.PhoneCodeSent",
    ".waika.v1.UnbindRequest",
    ".waika.v1.VerifyPasswordRequest",
    ".waika.v1.PaymentToken",
    ".waika.v1.ChangePasswordRequest",
    ".waika.v1.ResetPasswordRequest",
    ".waika.v1.BoundCardProof",
    ".waika.v1.SubmitVerificationRequest",
    ".waika.v1.CreatePaymentCodeRequest",
    ".waika.v1.PaymentCode",
    ".waika.v1.ReverseRequest",
    ".waika.v1.VerifyCardRequest",
    ".waika.v1.SendCodeRequest",
    ".waika.v1.VerifyIdentityRequest",
    ".waika.v1.VerifyPhotoRequest",
    ".waika.v1.VerifierPhoto",
];

/// Where each package lies, and its name.
const PACKAGES: [(&str, &str); 2] = [
    ("proto/waika/v1", "waika.v1"),
    ("proto/grpc/health/v1", "grpc.health.v1"),
];

#[expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to a build script through the environment"
)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out_dir = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    // Each package is a set of its own: what was released is compared with the first alone.
    for (folder, package) in PACKAGES {
        println!("cargo:rerun-if-changed={folder}");
        let descriptors = protox::compile(proto_files(folder)?, [Path::new("proto")])?;

        // `compile_fds` ignores `file_descriptor_set_path`, so the set for reflection is written here.
        let set = descriptors.encode_to_vec();
        std::fs::write(out_dir.join(format!("{package}.bin")), set)?;

        tonic_prost_build::configure()
            .skip_debug(SECRET_MESSAGES)
            .compile_fds(descriptors)?;
    }
    Ok(())
}

fn proto_files(folder: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
