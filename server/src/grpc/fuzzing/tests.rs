//! What the corpora begin with is more than refused: else they would be no beginning.

use prost::Message as _;
use waika::v1::{AuthoriseResponse, authorisation};

use super::*;

/// The names of those inputs of which a call is refused as malformed.
fn malformed() -> Vec<String> {
    let mut malformed = Vec::new();
    for (name, input) in seeds::calls() {
        let world = World::open();
        let mut input = Input::new(&input);
        let mut is_malformed = false;
        while !input.is_at_end() {
            let rpc = rpc(input.byte()).unwrap();
            let message = world.with_names(input.delimited());
            let answer = world.services.answer(rpc.path, &message);
            let answered = world.runtime.block_on(answer);
            is_malformed |= answered.is_err_and(|status| status.code() == Code::InvalidArgument);
        }
        if is_malformed {
            malformed.push(name);
        }
    }
    malformed
}

#[test]
fn most_of_what_the_corpora_begin_with_is_decided() {
    let with_tokens_of_nobody = ["photo", "list-authorisations", "list-tickets"];
    assert_eq!(malformed(), with_tokens_of_nobody);
}

#[test]
fn a_payment_of_the_corpora_is_approved() {
    let calls = seeds::calls();
    let (_, input) = calls.iter().find(|(name, _)| name == "authorise").unwrap();
    let world = World::open();
    let mut input = Input::new(input);
    let rpc = rpc(input.byte()).unwrap();
    let message = world.with_names(input.delimited());
    let answer = world.services.answer(rpc.path, &message);
    let answered = world.runtime.block_on(answer).unwrap();
    let response = AuthoriseResponse::decode(&answered[PREFIX_BYTES..]).unwrap();
    let outcome = response.authorisation.unwrap().outcome;
    let is_approved = matches!(outcome, Some(authorisation::Outcome::Approval(_)));
    assert!(is_approved, "{outcome:?}");
}
