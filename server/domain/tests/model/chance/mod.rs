//! How likely what is: weighted so that the interesting states are reached (limits nearly full,
//! locks, expired codes, approvals pending) and most requests have at most one thing wrong.

mod calls;

use proptest::bool::weighted;
use proptest::prelude::*;
use waika_domain::event::{FundsKind, GiveBack, Material, WalletRegion};
use waika_domain::identity::DocumentType;

use self::calls::{
    any_document, app, bind, card_reset, from, given, issuer, new, part, pay, phone, region, sum,
    which,
};
use crate::calendar::{DAY, MINUTE, SECOND};
use crate::operation::{Op, Pause, Reviewed, Sequence, Start};
use crate::terms::Terms;

/// Midnights, month ends and year ends in Shanghai, and a minute or a millisecond before them.
const BEGINNINGS: [&str; 8] = [
    "2024-01-10T12:00:00+08:00",
    "2023-12-31T23:59:59.999+08:00",
    "2023-12-31T23:50:00+08:00",
    "2024-01-31T23:59:00+08:00",
    "2024-02-29T23:59:59.999+08:00",
    "2024-12-01T00:00:00+08:00",
    "2024-02-28T15:59:59Z",
    "2025-02-28T16:00:00Z",
];

pub(crate) fn sequence() -> impl Strategy<Value = Sequence> {
    (start(), prop::collection::vec((pause(), op()), 1..=60))
        .prop_map(|(start, steps)| Sequence { start, steps })
}

fn start() -> impl Strategy<Value = Start> {
    let at = prop::sample::select(&BEGINNINGS[..])
        .prop_map(|text| text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let document = prop_oneof![
        3 => Just(DocumentType::TaiwanTravelPermit),
        3 => Just(DocumentType::Passport),
        1 => any_document(),
    ];
    let region = prop_oneof![24 => Just(WalletRegion::Mainland), 1 => region()];
    let cards = prop_oneof![1 => Just(0), 4 => Just(1), 2 => Just(2), 1 => Just(3)];
    let review = prop_oneof![
        2 => Just(Reviewed::Not),
        3 => Just(Reviewed::Submitted),
        3 => Just(Reviewed::Approved),
        1 => Just(Reviewed::Rejected),
    ];
    let balance = prop_oneof![Just(0), Just(100), 1_i64..=2_000_000];
    (
        at,
        region,
        document,
        terms(),
        cards,
        review,
        balance,
        weighted(0.14),
    )
        .prop_map(
            |(at, region, document, terms, cards, review, balance, unbound)| Start {
                at,
                region,
                document,
                terms,
                cards,
                review,
                balance,
                unbound,
            },
        )
}

fn terms() -> impl Strategy<Value = Terms> {
    let limits = prop_oneof![
        4 => Just((Terms::GUIDE.single, Terms::GUIDE.month, Terms::GUIDE.year)),
        2 => Just((600_000, 900_000, 1_300_000)),
        1 => Just((50_000, 60_000, 61_000)),
        1 => Just((600_000, 1_200_000, 700_000)),
    ];
    let fee = prop_oneof![6 => Just(Terms::GUIDE.fee), 1 => Just(250), 1 => Just(333)];
    let seconds = prop_oneof![3 => Just((300, 60)), 1 => Just((90, 45))];
    (limits, fee, weighted(0.4), weighted(0.3), 0_u8..=2, seconds).prop_map(
        |(limits, fee, deferred, restores, settle, seconds)| Terms {
            single: limits.0,
            month: limits.1,
            year: limits.2,
            fee,
            deferred,
            refund_restores_limit: restores,
            settle_after_days: settle,
            token_seconds: seconds.0,
            code_seconds: seconds.1,
        },
    )
}

fn pause() -> impl Strategy<Value = Pause> {
    prop_oneof![
        8 => Just(Pause::None),
        2 => (1_i64..=999).prop_map(Pause::Pass),
        4 => (1_i64..=120).prop_map(|count| Pause::Pass(count * SECOND)),
        2 => (1_i64..=120).prop_map(|count| Pause::Pass(count * MINUTE)),
        1 => (1_i64..=40 * DAY).prop_map(Pause::Pass),
        6 => (near(), -1_i64..=1).prop_map(|(which, offset)| Pause::To(which, offset)),
        2 => (1_i64..=600).prop_map(|count| Pause::Pass(-count * SECOND)),
    ]
}

/// Mostly the next of what is to come; the last is the year's end.
fn near() -> impl Strategy<Value = u8> {
    prop_oneof![8 => Just(0), 4 => Just(1), 1 => Just(2), 2 => 0_u8..24]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => cards(),
        12 => passwords(),
        6 => wallet(),
        28 => payments(),
        12 => afterwards(),
        1 => prop_oneof![
            terms().prop_map(Op::Set),
            Just(Op::Crash),
            Just(Op::Restart),
        ],
    ]
}

fn cards() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (phone(), weighted(0.85)).prop_map(|(phone, deliverable)| Op::SendCode { phone, deliverable }),
        1 => (15_u8..=18).prop_map(|phones| Op::SendCodes { phones }),
        12 => bind(issuer(4)).prop_map(Op::Bind),
        3 => (any::<u8>(), issuer(0)).prop_map(|(which, issuer)| Op::EndBind { which, issuer }),
        4 => (from(), given()).prop_map(|(card, password)| Op::Unbind { card, password }),
        1 => Just(Op::UnbindAll),
    ]
}

fn passwords() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => (from(), sum(), given()).prop_map(|(from, sum, password)| Op::Verify { from, sum, password }),
        3 => (1_u8..=6).prop_map(|times| Op::VerifyTimes { times, right: false }),
        1 => (15_u8..=18).prop_map(|times| Op::VerifyTimes { times, right: true }),
        2 => (given(), new()).prop_map(|(old, new)| Op::Change { old, new }),
        4 => card_reset().prop_map(Op::ResetByCard),
        1 => (1_u8..=6).prop_map(|times| Op::GuessProof { times }),
        8 => (1_u8..=2, new()).prop_map(|(person, new)| Op::ResetByIdentity { person, new }),
        9 => (weighted(0.6), weighted(0.95)).prop_map(|(approve, known)| Op::ResolveTicket { approve, known }),
        1 => Just(Op::Unlock),
    ]
}

fn wallet() -> impl Strategy<Value = Op> {
    let material = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Material::PassportPage)),
        1 => Just(Some(Material::Face)),
        1 => Just(Some(Material::HandHeldPage)),
    ];
    let kind = prop::sample::select(vec![FundsKind::RedPacket, FundsKind::Transfer]);
    prop_oneof![
        8 => (material, weighted(0.6)).prop_map(|(material, face_matches)| Op::Submit { material, face_matches }),
        3 => weighted(0.4).prop_map(|approve| Op::CodeUnderReview { approve }),
        6 => weighted(0.5).prop_map(|approve| Op::ResolveReview { approve }),
        1 => region().prop_map(Op::SwitchRegion),
        2 => region().prop_map(Op::Trip),
        8 => Just(Op::SwitchRegion(WalletRegion::Mainland)),
        5 => (kind, 1_i64..=1_000_000).prop_map(|(kind, fen)| Op::Receive { kind, fen }),
    ]
}

fn payments() -> impl Strategy<Value = Op> {
    let code =
        (from(), given(), app(), weighted(0.98)).prop_map(|(from, password, app, rolled_out)| {
            Op::CreateCode {
                from,
                password,
                app,
                rolled_out,
            }
        });
    prop_oneof![
        24 => pay().prop_map(Op::Pay),
        4 => (1_u8..=10).prop_map(|times| Op::PayTimes { times }),
        4 => (any::<u8>(), issuer(0)).prop_map(|(which, issuer)| Op::Answer { which, issuer }),
        10 => code,
        1 => (15_u8..=18).prop_map(|times| Op::CreateCodes { times }),
    ]
}

fn afterwards() -> impl Strategy<Value = Op> {
    let kind = prop::sample::select(vec![GiveBack::Reversal, GiveBack::Refund]);
    prop_oneof![
        9 => (which(), kind, part()).prop_map(|(which, kind, part)| Op::GiveBack { which, kind, part }),
        3 => which().prop_map(|which| Op::Settle { which }),
        1 => (0_u8..4).prop_map(|key| Op::ReverseAhead { key }),
        3 => (1_u8..=2, weighted(0.7)).prop_map(|(card, binds)| Op::Stranger { card, binds }),
        4 => (any::<u8>(), any::<bool>()).prop_map(|(which, cleared)| Op::ResolveRisk { which, cleared }),
    ]
}
