//! Three servers decide over one database as one would: no affinity, every limit to the fen, every key once.

use std::collections::BTreeSet;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Code;
use waika::v1;

use crate::code::scan;
use crate::postgres_support::{Database, callers, until};
use crate::support::{number, reason_of};
use crate::wallet::{
    Callers, PASSWORD, bind_outcome, decision, given_back, merchant, part, pay, reversal_outcome,
    reverse, reverse_by_key, unbind, unbind_outcome,
};

/// The id of a decision.
fn id_of(answer: &v1::AuthoriseResponse) -> String {
    let decided = answer.authorisation.as_ref().unwrap();
    decided.authorisation_id.clone()
}

/// How many cards an account has.
async fn cards(callers: &mut Callers, account: &str) -> usize {
    let request = v1::ListCardsRequest {
        account_id: account.to_owned(),
    };
    let listed = callers.cards.list_cards(request).await;
    listed.unwrap().into_inner().cards.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_spent_to_the_fen_whoever_decides() {
    let database = Database::start();
    let nodes = database.nodes::<3>();
    let mut callers = callers(&nodes).await;
    let card = callers[0].wallet("a").await;
    // 100 of 600 are more than 50,000.
    let mut tasks = JoinSet::new();
    for number in 0..100 {
        let mut caller = callers[number % 3].clone();
        let request = pay("a", &card, &format!("k{number}"), 60_000);
        tasks.spawn(async move { caller.decision(request).await });
    }
    let answers = tasks.join_all().await;
    let approved = answers.iter().filter(|answer| *answer == "APPROVED");
    assert_eq!(approved.count(), 83, "{answers:?}");
    let declined: BTreeSet<_> = answers
        .iter()
        .filter(|answer| *answer != "APPROVED")
        .collect();
    assert_eq!(declined.len(), 1, "{declined:?}");
    for caller in &mut callers {
        assert_eq!(caller.used("a").await, (83 * 60_000, 83 * 60_000));
    }
    let entries = database
        .query("select count(*) from entry where account_id = 'a' and call_hash is not null");
    assert!(
        entries.parse::<u32>().unwrap() >= 100,
        "each answer is there"
    );
    let conflicts = async {
        let mut all = 0.0;
        for node in &nodes {
            let figure = "waika_store_not_durable_total{outcome=\"conflict\"}";
            all += node.figure(figure).await.unwrap_or_default();
        }
        all
    };
    assert!(conflicts.await > 0.0, "or nothing was proved");
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_a_key_has_one_effect_on_whichever_nodes_it_comes() {
    let database = Database::start();
    let nodes = database.nodes::<3>();
    let mut callers = callers(&nodes).await;
    let card = callers[1].wallet("a").await;
    let mut tasks = JoinSet::new();
    for number in 0..90 {
        let mut caller = callers[number % 3].clone();
        let request = pay("a", &card, &format!("k{}", number / 9), 100);
        tasks.spawn(async move { caller.authorise(request).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let ids: BTreeSet<_> = answers.iter().map(id_of).collect();
    assert_eq!(ids.len(), 10);
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 10);
    for caller in &mut callers {
        assert_eq!(caller.used("a").await, (1_000, 1_000));
    }
    // Another amount under a used key is an error on every node.
    for caller in &mut callers {
        let error = caller
            .authorise(pay("a", &card, "k0", 101))
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::AlreadyExists, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d13_parts_of_a_payment_are_given_back_once_by_all_together() {
    let database = Database::start();
    let nodes = database.nodes::<3>();
    let mut callers = callers(&nodes).await;
    let card = callers[0].wallet("a").await;
    let paid = callers[0].paid("a", &card, "k", 50_017).await;
    let mut tasks = JoinSet::new();
    for number in 0..60 {
        let mut caller = callers[number % 3].clone();
        let request = reverse("a", &format!("r{number}"), &paid.authorisation_id);
        let request = part(request, 901);
        tasks.spawn(async move { caller.reverse(request).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let (given, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| reversal_outcome(answer) == "REVERSED");
    assert_eq!((given.len(), refused.len()), (55, 5));
    let principal: i64 = given
        .into_iter()
        .map(|part| given_back(part).amount_fen)
        .sum();
    assert_eq!(principal, 49_555);
    for caller in &mut callers {
        assert_eq!(caller.used("a").await, (462, 462));
        let standing = caller.standing("a", &paid.authorisation_id).await;
        assert_eq!(standing.remaining_fen, 462);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d31_a_payment_and_its_reversal_meet_whichever_nodes_they_come_to() {
    let database = Database::start();
    let nodes = database.nodes::<2>();
    let [pays, cancels] = callers(&nodes).await;
    let card = pays.clone().wallet("a").await;
    let mut ahead = 0;
    for round in 0..60 {
        let key = format!("k{round}");
        let (mut payer, mut canceller) = (pays.clone(), cancels.clone());
        let payment = payer.authorise(pay("a", &card, &key, 100));
        let reversal = canceller.reverse(reverse_by_key("a", &format!("r{round}"), &key));
        let (answer, given) = tokio::join!(payment, reversal);
        let (answer, given) = (answer.unwrap(), given.unwrap());
        match reversal_outcome(&given) {
            "REVERSED" => assert_eq!(decision(&answer), "APPROVED"),
            other => {
                ahead += 1;
                let words = (other, &*decision(&answer));
                assert_eq!(words, ("RECORDED_AHEAD", "REVERSED_BEFORE_ARRIVAL"));
            }
        }
        assert_eq!(payer.used("a").await, (0, 0));
    }
    eprintln!("{ahead} of 60 were reversed before they came");
}

#[tokio::test(flavor = "multi_thread")]
async fn r39_three_cards_are_bound_however_many_come_to_however_many_nodes() {
    let database = Database::start();
    let nodes = database.nodes::<3>();
    let mut callers = callers(&nodes).await;
    callers[0].wallet("a").await;
    let mut tasks = JoinSet::new();
    for number in 0..9 {
        let mut caller = callers[number % 3].clone();
        let middle = u32::try_from(number).unwrap() + 10;
        tasks.spawn(async move { caller.another_card("a", middle).await });
    }
    let answers = tasks.join_all().await;
    let bound = answers
        .iter()
        .filter(|answer| bind_outcome(answer) == "BOUND");
    assert_eq!(bound.count(), 2);
    for caller in &mut callers {
        assert_eq!(cards(caller, "a").await, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_a_card_that_another_person_binds_elsewhere_is_a_risk_here_within_a_second() {
    let database = Database::start();
    let nodes = database.nodes::<2>();
    let [mut here, mut there] = callers(&nodes).await;
    let ours = here.wallet("a").await;
    here.paid("a", &ours, "before", 100).await;
    let theirs = there.wallet("b").await;
    assert_eq!(
        there.decision(pay("b", &theirs, "theirs", 100)).await,
        "RISK_CARD_SHARED",
        "who binds it has looked"
    );
    let mut number = 0;
    until("the risk", async || {
        number += 1;
        let answer = here
            .decision(pay("a", &ours, &format!("ours {number}"), 100))
            .await;
        answer == "RISK_CARD_SHARED"
    })
    .await;
    // Either node lists what either has opened, and resolves it.
    let tickets = there.tickets().await;
    let accounts: BTreeSet<_> = tickets.iter().map(|ticket| &*ticket.account_id).collect();
    assert_eq!(accounts, BTreeSet::from(["a", "b"]));
    assert_eq!(here.tickets().await, tickets);
    let ours_opened = tickets
        .iter()
        .find(|ticket| ticket.account_id == "a")
        .unwrap();
    there.resolve(ours_opened, v1::RiskVerdict::Clear).await;
    here.paid("a", &ours, "cleared", 100).await;
    let gone = here.unbind(unbind("b", &theirs, "u")).await;
    assert_eq!(unbind_outcome(&gone), "UNBOUND");
    assert_eq!(
        cards(&mut there, "b").await,
        0,
        "who only looks is told what is there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_what_operators_change_on_one_node_holds_on_the_others() {
    let database = Database::start();
    let nodes = database.nodes::<2>();
    let [mut here, mut there] = callers(&nodes).await;
    let card = here.wallet("a").await;
    // Of a merchant that was put a moment ago nobody is told that there is none.
    here.put_merchant(merchant("new")).await;
    let mut request = pay("a", &card, "new", 100);
    request.merchant_id = "new".to_owned();
    assert_eq!(there.decision(request).await, "APPROVED");

    // Each raises the limit in turn, and the other has to hear of it.
    let mut heard_after = Vec::new();
    for change in 0..number("WAIKA_CHANGES").unwrap_or(4) {
        let (one, other) = if change % 2 == 0 {
            (&mut here, &mut there)
        } else {
            (&mut there, &mut here)
        };
        let limit = 30_000 + i64::try_from(change).unwrap();
        let held = format!("name = \"limit-{change}\"\n[limits]\nsingle_fen = {limit}\n");
        one.hold(&held).await;
        let began = Instant::now();
        until("the other limit", async || {
            other.account("a").await.single_limit_fen == limit
        })
        .await;
        heard_after.push(began.elapsed().as_millis());
        let beyond = pay("a", &card, &format!("beyond {change}"), limit + 1);
        assert_eq!(other.decision(beyond).await, "LIMIT_SINGLE");
        let within = pay("a", &card, &format!("within {change}"), limit);
        assert_eq!(other.decision(within).await, "APPROVED");
    }
    heard_after.sort_unstable();
    eprintln!(
        "F12: {} limits raised on one server, honoured by the other after {} ms at the median, {} at most",
        heard_after.len(),
        heard_after[heard_after.len() / 2],
        heard_after[heard_after.len() - 1],
    );

    // A name is one policy's, whoever stores it.
    let error = here
        .put_policy("name = \"limit-1\"\n[limits]\nsingle_fen = 400000\n")
        .await
        .unwrap_err();
    assert_eq!(reason_of(&error), "POLICY_NAME_TAKEN");

    there.freeze("2024-01-31T23:59:59+08:00").await;
    until("the clock", async || {
        let clock = here.admin.get_clock(v1::GetClockRequest {}).await.unwrap();
        clock.into_inner().clock.unwrap().now.unwrap().seconds == 1_706_716_799
    })
    .await;
    // One list of what operators did, the same everywhere.
    let actions = async |callers: &mut Callers| {
        let request = v1::ListOperatorActionsRequest::default();
        let listed = callers.admin.list_operator_actions(request).await;
        listed.unwrap().into_inner().actions
    };
    let listed = actions(&mut here).await;
    assert!(listed.len() >= 6, "{listed:?}");
    assert_eq!(listed, actions(&mut there).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn d10_a_code_pays_once_whichever_node_it_is_shown_to() {
    let database = Database::start();
    let nodes = database.nodes::<3>();
    let mut callers = callers(&nodes).await;
    let card = callers[0].wallet("a").await;
    let code = callers[0].code("a", &card, "c").await;
    let mut tasks = JoinSet::new();
    for number in 0..9 {
        let mut caller = callers[number % 3].clone();
        let request = scan(&code, &format!("k{number}"), 100);
        tasks.spawn(async move { caller.decision(request).await });
    }
    let mut answers = tasks.join_all().await;
    answers.sort();
    assert_eq!(answers[0], "APPROVED", "{answers:?}");
    assert!(
        answers[1..]
            .iter()
            .all(|answer| answer == "PAYMENT_CODE_USED"),
        "{answers:?}"
    );
    let nobodys = callers[2]
        .authorise(scan("130000000000000000", "none", 100))
        .await;
    let again = callers[1]
        .authorise(scan("130000000000000000", "none", 100))
        .await;
    let (nobodys, again) = (nobodys.unwrap(), again.unwrap());
    assert_eq!(decision(&nobodys), "PAYMENT_CODE_INVALID");
    assert!(again.replayed && id_of(&again) == id_of(&nobodys));
    assert_eq!(callers[1].used("a").await, (100, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_guesses_on_every_node_are_counted_as_one_account_s() {
    let database = Database::start();
    let nodes = database.nodes::<3>();
    let mut callers = callers(&nodes).await;
    let card = callers[0].wallet("a").await;
    let mut tasks = JoinSet::new();
    for number in 0..30 {
        let mut caller = callers[number % 3].clone();
        let mut request = pay("a", &card, &format!("k{number}"), 100);
        request.payment_password = "000000".to_owned();
        tasks.spawn(async move { caller.authorise(request).await.map(|it| decision(&it)) });
    }
    let answers = tasks.join_all().await;
    let wrong = answers
        .iter()
        .flatten()
        .filter(|answer| *answer == "PASSWORD_WRONG");
    assert!(wrong.count() <= 5, "{answers:?}");
    let right = callers[1].decision(pay("a", &card, "right", 100)).await;
    assert_eq!(right, "PASSWORD_LOCKED");
    assert_ne!(PASSWORD, "000000");
}
