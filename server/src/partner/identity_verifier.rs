//! The identity verifier outside, which compares documents and faces (R36, R51).

use bytes::Bytes;
use waika::v1;
use waika::v1::verify_photo_request::Part;
use zeroize::Zeroize as _;

use super::questions::{NoAnswer, Questions};
use super::upload::Upload;
use super::{Method, secret_frame};
use crate::config::Target;

/// The verifier.
pub(crate) struct IdentityVerifier {
    questions: Questions,
    verify_identity: Method<v1::VerifyIdentityRequest, v1::VerifyIdentityResponse>,
    verify_photo: Method<v1::VerifyPhotoRequest, v1::VerifyPhotoResponse>,
}

impl std::fmt::Debug for IdentityVerifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("IdentityVerifier")
            .finish_non_exhaustive()
    }
}

/// What a person entered of a document, as it will be asked for. Wiped when dropped.
pub(crate) struct IdentityAsked(Bytes);

impl IdentityAsked {
    /// Copies a document, and wipes all of the copy but what will be sent.
    pub(crate) fn of(identity: &v1::IdentityDocument) -> Self {
        let mut request = v1::VerifyIdentityRequest {
            identity: Some(identity.clone()),
        };
        let frame = secret_frame(&request);
        if let Some(identity) = &mut request.identity {
            identity.number.zeroize();
            identity.holder_name.zeroize();
        }
        Self(frame)
    }
}

impl IdentityVerifier {
    /// Nothing is connected before it is needed.
    pub(crate) fn new(target: &Target, cores: usize) -> Self {
        Self {
            questions: Questions::new("identity_verifier", target, cores),
            verify_identity: Method::new(
                target,
                "/waika.v1.IdentityVerifierService/VerifyIdentity",
            ),
            verify_photo: Method::new(target, "/waika.v1.IdentityVerifierService/VerifyPhoto"),
        }
    }

    /// Whether what was entered matches the document's own register (R36).
    pub(crate) async fn confirms(
        &self,
        core: usize,
        IdentityAsked(frame): IdentityAsked,
    ) -> Result<bool, NoAnswer> {
        let asking = async {
            let line = self.questions.line(core)?;
            let answer = line.call(&self.verify_identity, frame).await?;
            Ok(answer.confirmed)
        };
        self.questions.answer(asking).await
    }

    /// Begins to forward a photo. The subject is who it is of, told apart and not named.
    pub(crate) async fn begin_photo(
        &self,
        core: usize,
        subject: String,
        material: v1::VerificationMaterial,
    ) -> Result<PhotoUpload<'_>, NoAnswer> {
        let photo = v1::VerifyPhotoRequest {
            part: Some(Part::Photo(v1::VerifierPhoto {
                subject,
                material: material.into(),
            })),
        };
        let beginning = async {
            let line = self.questions.line(core)?;
            let mut upload = line.upload(&self.verify_photo).await?;
            upload.send(secret_frame(&photo)).await;
            Ok(upload)
        };
        Ok(PhotoUpload {
            upload: self.questions.step(beginning).await?,
            questions: &self.questions,
        })
    }
}

/// A photo on its way to the verifier. Dropped before it is whole, it is broken off there too.
pub(crate) struct PhotoUpload<'a> {
    upload: Upload<v1::VerifyPhotoRequest, v1::VerifyPhotoResponse>,
    questions: &'a Questions,
}

impl PhotoUpload<'_> {
    /// Forwards a piece, once the verifier has room for it.
    pub(crate) async fn piece(&mut self, piece: &[u8]) -> Result<(), NoAnswer> {
        let mut request = v1::VerifyPhotoRequest {
            part: Some(Part::Chunk(piece.to_vec())),
        };
        let frame = secret_frame(&request);
        if let Some(Part::Chunk(copy)) = &mut request.part {
            copy.zeroize();
        }
        let sending = async {
            self.upload.send(frame).await;
            Ok(())
        };
        self.questions.step(sending).await
    }

    /// The photo is whole: whether it was recognised.
    pub(crate) async fn recognised(self) -> Result<bool, NoAnswer> {
        let asking = async {
            let answer = self.upload.finish().await?;
            Ok(answer.recognised)
        };
        self.questions.answer(asking).await
    }
}
