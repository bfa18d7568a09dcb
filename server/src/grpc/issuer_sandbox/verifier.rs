//! The SMS gateway and the identity verifier, which keep nothing of what they are shown.

use tonic::{Status, Streaming};
use waika::v1;
use waika::v1::verify_photo_request::Part;
use waika_domain::event::Material;
use zeroize::{Zeroize as _, Zeroizing};

use crate::grpc::enums;
use crate::grpc::parse::Fields;
use crate::grpc::status as statuses;
use crate::sandbox::{FaceCheck, identity_is_confirmed, sms_is_deliverable};

/// The largest piece of a photo.
const MOST_IN_A_PIECE: usize = 60 << 10;

pub(super) fn send_code(request: v1::SendCodeRequest) -> Result<v1::SendCodeResponse, Status> {
    let code = Zeroizing::new(request.code);
    let phone = Zeroizing::new(request.phone_number);
    let mut fields = Fields::default();
    let expected = "must be 1 to 64 printable characters";
    fields.text("message_id", &request.message_id, 64, expected);
    let expected = "must be a number with its country code, such as +8613800138000";
    fields.text("phone_number", &phone, 64, expected);
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        fields.refuse("code", "must be six digits");
    }
    let accepted = sms_is_deliverable(&phone);
    fields.finish(Some(v1::SendCodeResponse { accepted }))
}

pub(super) fn identity(
    request: v1::VerifyIdentityRequest,
) -> Result<v1::VerifyIdentityResponse, Status> {
    let mut fields = Fields::default();
    let identity = fields.require("identity", request.identity, "must be given");
    let confirmed = identity.map(|identity| {
        let number = Zeroizing::new(identity.number);
        fields.text("identity.number", &number, 64, "must be 1 to 64 characters");
        identity_is_confirmed(&number)
    });
    fields.finish(confirmed.map(|confirmed| v1::VerifyIdentityResponse { confirmed }))
}

/// Looks at a photo as it comes, and keeps none of it.
pub(super) async fn photo(
    mut stream: Streaming<v1::VerifyPhotoRequest>,
) -> Result<v1::VerifyPhotoResponse, Status> {
    let first = stream.message().await?.and_then(|message| message.part);
    let material = photo_first(first)?;
    let (mut face, mut came) = (FaceCheck::default(), false);
    while let Some(message) = stream.message().await? {
        let Some(Part::Chunk(mut piece)) = message.part else {
            let expected = "must follow the first message, and nothing else";
            return Err(malformed("chunk", expected));
        };
        if !(1..=MOST_IN_A_PIECE).contains(&piece.len()) {
            return Err(malformed("chunk", "must be 1 to 61440 bytes"));
        }
        face.look_at(&piece);
        piece.zeroize();
        came = true;
    }
    if !came {
        return Err(malformed("chunk", "must come at least once"));
    }
    let recognised = match material {
        Material::Face => face.recognises(),
        Material::PassportPage | Material::HandHeldPage => true,
    };
    Ok(v1::VerifyPhotoResponse { recognised })
}

fn photo_first(first: Option<Part>) -> Result<Material, Status> {
    let Some(Part::Photo(photo)) = first else {
        return Err(malformed("photo", "must be the first message"));
    };
    let mut fields = Fields::default();
    let material = fields.within("photo", |fields| {
        let expected = "must be 1 to 128 printable characters";
        fields.text("subject", &photo.subject, 128, expected);
        let material = v1::VerificationMaterial::try_from(photo.material).ok();
        let material = material.and_then(enums::material);
        let expected = "must be PASSPORT_PAGE, FACE or HAND_HELD_PAGE";
        fields.require("material", material, expected)
    });
    fields.finish(material)
}

fn malformed(field: &str, expected: &'static str) -> Status {
    statuses::malformed(vec![(field.to_owned(), expected)])
}
