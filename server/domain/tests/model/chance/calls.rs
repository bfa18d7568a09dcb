//! The parts of single calls: who pays what with which proof, and what a form says.

use proptest::bool::weighted;
use proptest::prelude::*;
use waika_domain::decline::IssuerRefusal;
use waika_domain::event::{Scene, WalletRegion};
use waika_domain::identity::DocumentType;
use waika_domain::rules::authorise::Quote;
use waika_domain::version::Channel;

use crate::operation::{
    App, Asks, BindOp, CardResetOp, DocumentOp, Expiry, FormOp, From, Given, Issuer, NewOp, Part,
    PayOp, PersonOp, Proof, Shop, Sum,
};

pub(super) fn pay() -> impl Strategy<Value = PayOp> {
    let scene = prop_oneof![
        12 => Just(Scene::Purchase),
        2 => Just(Scene::RedPacket),
        2 => Just(Scene::Transfer),
        1 => Just(Scene::TopUp),
        1 => Just(Scene::WealthProduct),
    ];
    let shop = prop_oneof![
        20 => Just(Shop::Good),
        1 => Just(Shop::Overseas),
        1 => Just(Shop::NotEnabled),
        1 => Just(Shop::OverseasNotEnabled),
        1 => Just(Shop::Unknown),
    ];
    let quote = prop_oneof![
        16 => Just(Quote::Absent),
        2 => Just(Quote::Holds),
        1 => Just(Quote::Expired),
        1 => Just(Quote::Differs),
    ];
    let key = prop_oneof![12 => Just(None), 1 => (0_u8..4).prop_map(Some)];
    (
        (from(), sum(), scene, shop, proof()),
        (app(), weighted(0.98), key, quote, issuer(3)),
    )
        .prop_map(
            |((from, sum, scene, shop, proof), (app, rolled_out, key, quote, issuer))| PayOp {
                from,
                sum,
                scene,
                shop,
                proof,
                app,
                rolled_out,
                key,
                quote,
                issuer,
            },
        )
}

pub(super) fn proof() -> impl Strategy<Value = Proof> {
    prop_oneof![
        10 => given().prop_map(Proof::Password),
        4 => Just(Proof::FreshToken),
        2 => latest().prop_map(Proof::Token),
        1 => Just(Proof::OtherToken),
        4 => Just(Proof::FreshCode),
        3 => latest().prop_map(Proof::Code),
        1 => Just(Proof::ForeignCode),
        1 => Just(Proof::NoAccount),
    ]
}

pub(super) fn bind(issuer: impl Strategy<Value = Issuer>) -> impl Strategy<Value = BindOp> {
    let card = prop_oneof![16 => 1_u8..=6, 1 => Just(8)];
    (
        (card, phone(), person_op(), given()),
        (asks(), weighted(0.94), form(), weighted(0.93), issuer),
    )
        .prop_map(
            |(
                (card, phone, person, password),
                (asks, code_right, form, holder_matches, issuer),
            )| {
                BindOp {
                    card,
                    phone,
                    person,
                    password,
                    asks,
                    code_right,
                    form,
                    holder_matches,
                    issuer,
                }
            },
        )
}

pub(super) fn person_op() -> impl Strategy<Value = PersonOp> {
    let document = prop_oneof![
        24 => Just(DocumentOp::Usual),
        1 => any_document().prop_map(DocumentOp::Other),
        1 => Just(DocumentOp::Unsupported),
    ];
    (
        person(),
        document,
        weighted(0.03),
        weighted(0.97),
        expiry(3_000),
    )
        .prop_map(|(number, document, abroad, confirmed, expires)| PersonOp {
            number,
            document,
            abroad,
            confirmed,
            expires,
        })
}

pub(super) fn form() -> impl Strategy<Value = FormOp> {
    (
        weighted(0.98),
        app(),
        weighted(0.97),
        weighted(0.97),
        expiry(120),
    )
        .prop_map(|(rolled_out, app, agreed, scheme_right, expires)| FormOp {
            rolled_out,
            app,
            agreed,
            scheme_right,
            expires,
        })
}

pub(super) fn card_reset() -> impl Strategy<Value = CardResetOp> {
    let right = || weighted(0.9);
    (
        from(),
        prop_oneof![3 => Just(true), 2 => Just(false)],
        right(),
        right(),
        right(),
        asks(),
        right(),
        new(),
    )
        .prop_map(
            |(
                card,
                number_right,
                scheme_right,
                expiry_right,
                phone_right,
                asks,
                code_right,
                new,
            )| {
                CardResetOp {
                    card,
                    number_right,
                    scheme_right,
                    expiry_right,
                    phone_right,
                    asks,
                    code_right,
                    new,
                }
            },
        )
}

pub(super) fn new() -> impl Strategy<Value = NewOp> {
    (1_u8..=4, weighted(0.85)).prop_map(|(password, agree)| NewOp { password, agree })
}

pub(super) fn person() -> impl Strategy<Value = u8> {
    prop_oneof![14 => Just(1), 1 => Just(2)]
}

fn asks() -> impl Strategy<Value = Asks> {
    prop_oneof![
        14 => Just(Asks::First),
        5 => Just(Asks::Not),
        1 => (-1_i64..=1).prop_map(Asks::Late),
    ]
}

pub(super) fn phone() -> impl Strategy<Value = u8> {
    prop_oneof![6 => Just(1), 2 => Just(2)]
}

/// Mostly far away: in days for documents, in months for cards.
pub(super) fn expiry(far: Expiry) -> impl Strategy<Value = Expiry> {
    prop_oneof![30 => Just(far), 2 => Just(1), 2 => Just(0), 1 => Just(-1)]
}

pub(super) fn given() -> impl Strategy<Value = Given> {
    prop_oneof![10 => Just(Given::Right), 1 => (1_u8..=4).prop_map(Given::Number)]
}

pub(super) fn from() -> impl Strategy<Value = From> {
    prop_oneof![
        12 => (0_u8..3).prop_map(From::Card),
        1 => Just(From::Gone),
        4 => Just(From::Balance),
    ]
}

pub(super) fn sum() -> impl Strategy<Value = Sum> {
    let edges = vec![1, 20_000, 20_001, 20_016, 20_017, 20_050, 20_150, 25_000];
    prop_oneof![
        6 => (1_i64..=20_000).prop_map(Sum::Fen),
        4 => (20_001_i64..=600_000).prop_map(Sum::Fen),
        3 => prop::sample::select(edges).prop_map(Sum::Fen),
        2 => (-1_i64..=1).prop_map(Sum::Single),
        4 => (-1_i64..=1).prop_map(Sum::Month),
        4 => (-1_i64..=1).prop_map(Sum::Year),
        2 => (-1_i64..=1).prop_map(Sum::Balance),
    ]
}

pub(super) fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        2 => Just(Part::Rest),
        3 => (-1_i64..=1).prop_map(Part::Remaining),
        4 => (1_i64..=60).prop_map(Part::Percent),
        2 => (1_i64..=30_000).prop_map(Part::Fen),
    ]
}

/// Mostly approves; `waits` of 20 times it answers later.
pub(super) fn issuer(waits: u32) -> impl Strategy<Value = Issuer> {
    let refusals = vec![
        IssuerRefusal::ExpiredCard,
        IssuerRefusal::LockedCard,
        IssuerRefusal::LostCard,
        IssuerRefusal::StolenCard,
        IssuerRefusal::PickupCard,
        IssuerRefusal::InsufficientFunds,
        IssuerRefusal::DoNotHonour,
        IssuerRefusal::Unavailable,
    ];
    let refuses = prop::sample::select(refusals).prop_map(Issuer::Refuses);
    let later = if waits == 0 {
        Issuer::Approves
    } else {
        Issuer::Waits
    };
    prop_oneof![14 => Just(Issuer::Approves), 3 => refuses, waits.max(1) => Just(later)]
}

pub(super) fn app() -> impl Strategy<Value = App> {
    let channel = prop::sample::select(vec![Channel::Android, Channel::Ios, Channel::GooglePlay]);
    let versions = vec![
        "8.0.9", "8.0.36", "8.0.37", "8.0.38", "8.0.39", "8.0.40", "8.0.40.1", "8.1",
    ];
    let known = (channel, prop::sample::select(versions)).prop_map(Some);
    prop_oneof![9 => Just(None), 1 => known]
}

/// One of the latest approved payments, mostly.
pub(super) fn which() -> impl Strategy<Value = u8> {
    prop_oneof![8 => 0_u8..6, 1 => 100_u8..106]
}

/// Mostly the latest of a list.
pub(super) fn latest() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(0), 1 => Just(1), 1 => 0_u8..20]
}

pub(super) fn any_document() -> impl Strategy<Value = DocumentType> {
    prop::sample::select(DocumentType::ALL.to_vec())
}

pub(super) fn region() -> impl Strategy<Value = WalletRegion> {
    prop::sample::select(vec![
        WalletRegion::HongKong,
        WalletRegion::Malaysia,
        WalletRegion::Other,
    ])
}
