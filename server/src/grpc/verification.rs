//! A passport holder's photos, which come in pieces: from messages and back.

use tonic::{Status, Streaming};
use waika::v1;
use waika::v1::submit_verification_request::Part;
use waika::v1::submit_verification_response::Outcome;
use waika_domain::account::Account;
use waika_domain::event::{Event, Material, Review};
use waika_domain::identifiers::{AccountId, IdempotencyKey};
use waika_domain::rules::review::next_materials;
use zeroize::Zeroize as _;

use super::parse::{Digests, Fields};
use super::party::Party;
use super::{enums, outcome, status};
use crate::ledger::{Answered, Call, Ledger, Rpc, VerificationOperation};
use crate::partner::{IdentityVerifier, PhotoUpload};
use crate::sandbox::FaceCheck;

/// The largest photo.
const MOST_BYTES: usize = 4 << 20;
/// The largest piece of one.
const MOST_IN_A_PIECE: usize = 60 << 10;

/// A photo that came whole.
pub(super) struct Parsed {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) photo: VerificationOperation,
}

/// Reads a stream to its end. The photo is digested and looked at as it comes, and not kept: a
/// verifier outside is forwarded each piece. If the stream breaks off, so does what was forwarded.
pub(super) async fn read(
    mut stream: Streaming<v1::SubmitVerificationRequest>,
    party: &Party<'_>,
    (ledger, core): (&Ledger, usize),
    verifier: Option<&IdentityVerifier>,
) -> Result<Parsed, Status> {
    let first = stream.message().await?.and_then(|message| message.part);
    let (key, account, material) = parse_photo(first)?;
    let mut look = match verifier {
        None => Look::Inside(FaceCheck::default()),
        Some(verifier) => {
            // What is stored for a used key is given again, whoever is on this photo.
            let call = Digests::new(party).call(Rpc::SubmitVerification, key.clone());
            if ledger.is_used(core, &account, &call).await? {
                Look::Away
            } else {
                let subject = party.vault.verifier_subject(&account);
                let material = enums::to_material(material);
                let begun = verifier.begin_photo(core, subject, material).await;
                Look::Outside(begun.map_err(status::verifier_unavailable)?)
            }
        }
    };
    let (mut digest, mut bytes) = (party.vault.photo(), 0);
    while let Some(message) = stream.message().await? {
        let mut piece = parse_piece(message.part, bytes)?;
        bytes += piece.len();
        digest.update(&piece);
        look.at(&piece).await?;
        piece.zeroize();
    }
    if bytes == 0 {
        return Err(malformed("chunk", "must come at least once"));
    }
    let digest = digest.finish();
    let call = Digests::new(party)
        .with_number("material", enums::to_material(material).into())
        .with("photo", digest.0)
        .call(Rpc::SubmitVerification, key);
    let photo = VerificationOperation {
        material,
        digest,
        bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        face_matches: look.recognises().await?,
    };
    Ok(Parsed {
        account,
        call,
        photo,
    })
}

/// Who looks at a photo.
enum Look<'a> {
    /// The sandbox.
    Inside(FaceCheck),
    /// The verifier outside.
    Outside(PhotoUpload<'a>),
    /// Nobody: its answer is stored already.
    Away,
}

impl Look<'_> {
    async fn at(&mut self, piece: &[u8]) -> Result<(), Status> {
        match self {
            Self::Inside(face) => face.look_at(piece),
            Self::Outside(upload) => {
                let forwarded = upload.piece(piece).await;
                forwarded.map_err(status::verifier_unavailable)?;
            }
            Self::Away => {}
        }
        Ok(())
    }

    async fn recognises(self) -> Result<bool, Status> {
        match self {
            Self::Inside(face) => Ok(face.recognises()),
            Self::Outside(upload) => {
                let recognised = upload.recognised().await;
                recognised.map_err(status::verifier_unavailable)
            }
            Self::Away => Ok(false),
        }
    }
}

fn parse_photo(first: Option<Part>) -> Result<(IdempotencyKey, AccountId, Material), Status> {
    let Some(Part::Photo(photo)) = first else {
        return Err(malformed("photo", "must be the first message"));
    };
    let mut fields = Fields::default();
    let whole = fields.within("photo", |fields| {
        let key = fields.key(&photo.idempotency_key);
        let account = fields.account(&photo.account_id);
        let material = v1::VerificationMaterial::try_from(photo.material).ok();
        let material = material.and_then(enums::material);
        let expected = "must be PASSPORT_PAGE, FACE or HAND_HELD_PAGE";
        let material = fields.require("material", material, expected);
        Some((key?, account?, material?))
    });
    fields.finish(whole)
}

fn parse_piece(part: Option<Part>, so_far: usize) -> Result<Vec<u8>, Status> {
    let Some(Part::Chunk(piece)) = part else {
        let expected = "must follow the first message, and nothing else";
        return Err(malformed("chunk", expected));
    };
    if !(1..=MOST_IN_A_PIECE).contains(&piece.len()) {
        return Err(malformed("chunk", "must be 1 to 61440 bytes"));
    }
    if so_far + piece.len() > MOST_BYTES {
        let expected = "must be at most 4194304 bytes in all: send a smaller photo";
        return Err(malformed("chunk", expected));
    }
    Ok(piece)
}

fn malformed(field: &str, expected: &'static str) -> Status {
    status::malformed(vec![(field.to_owned(), expected)])
}

pub(super) fn response(answered: &Answered) -> Result<v1::SubmitVerificationResponse, Status> {
    let Event::VerificationSubmitted(submitted) = &answered.event else {
        return Err(status::internal("the stored decision is about no photo"));
    };
    let outcome = match &submitted.outcome {
        Ok(()) => Outcome::Taken(v1::VerificationTaken {
            recognised: submitted.review != Review::FaceFailed,
            photo_bytes: i32::try_from(submitted.bytes).unwrap_or(i32::MAX),
        }),
        Err(refused) => Outcome::Refusal(outcome::plain_refusal!(VerificationRefusal, refused)),
    };
    Ok(v1::SubmitVerificationResponse {
        outcome: Some(outcome),
        review: enums::to_review(submitted.review).into(),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}

/// Where an account's review stands.
pub(super) fn state(account: &Account) -> v1::GetVerificationResponse {
    let review = account.review();
    let next = next_materials(review).iter();
    v1::GetVerificationResponse {
        review: enums::to_review(review).into(),
        next: next
            .map(|&material| enums::to_material(material).into())
            .collect(),
        face_failures: i32::try_from(account.face_failures()).unwrap_or(i32::MAX),
    }
}
