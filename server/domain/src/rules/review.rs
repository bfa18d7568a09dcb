//! A passport holder's review, as an operator resolves it (R49 to R55, D5).

use crate::account::Account;
use crate::event::{Review, ReviewResolved};

/// Resolves a review that waits for it; anything else is left as it is.
pub fn resolve(account: &Account, approve: bool) -> ReviewResolved {
    match account.review() {
        Review::Required => {
            let review = if approve {
                Review::Approved
            } else {
                Review::Rejected
            };
            ReviewResolved {
                approve,
                resolved: true,
                review,
            }
        }
        review @ (Review::NotRequired | Review::Approved | Review::Rejected) => ReviewResolved {
            approve,
            resolved: false,
            review,
        },
    }
}
