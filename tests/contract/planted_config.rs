//! Mistakes that are made in a service config on purpose: each is found once.

use serde_json::{Value, json};

use crate::service_config::mistakes;
use crate::{contract, read};

type Mistake = fn(&mut Value);

/// The first entry: payments and what gives back.
fn first(config: &mut Value) -> &mut Value {
    &mut config["methodConfig"][0]
}

const PLANTED: [(&str, Mistake); 16] = [
    ("a methodConfig says hedgingPolicy", |config| {
        first(config)["hedgingPolicy"] = json!({ "maxAttempts": 2 });
    }),
    ("the config says loadBalancingPolicy", |config| {
        config["loadBalancingPolicy"] = json!("round_robin");
    }),
    ("loadBalancingConfig is not round_robin", |config| {
        config["loadBalancingConfig"] = json!([{ "pick_first": {} }]);
    }),
    ("\"waika.v1.AdminService\" has no health", |config| {
        config["healthCheckConfig"]["serviceName"] = json!("waika.v1.AdminService");
    }),
    ("retryThrottling lets more than a tenth", |config| {
        config["retryThrottling"]["tokenRatio"] = json!(0.5);
    }),
    ("AuthorisationService.Charge is no RPC", |config| {
        named(config, "waika.v1.AuthorisationService", "Charge");
    }),
    ("AdminService.PutMerchant is no RPC", |config| {
        named(config, "waika.v1.AdminService", "PutMerchant");
    }),
    ("CardService.Bind is named twice", |config| {
        named(config, "waika.v1.CardService", "Bind");
    }),
    ("AuthoriseStream is a stream", |config| {
        named(config, "waika.v1.AuthorisationService", "AuthoriseStream");
    }),
    ("Authorise has no entry", |config| {
        let names = first(config)["name"].as_array_mut().unwrap();
        names.remove(0);
    }),
    ("Authorise has no timeout", |config| {
        alone(config)["timeout"] = json!(5);
    }),
    ("Authorise has 2 s", |config| {
        alone(config)["timeout"] = json!("2s");
    }),
    ("Authorise is tried again more often", |config| {
        alone(config)["retryPolicy"]["maxAttempts"] = json!(3);
    }),
    ("Authorise is tried again after other errors", |config| {
        let codes = json!(["UNAVAILABLE", "DEADLINE_EXCEEDED"]);
        alone(config)["retryPolicy"]["retryableStatusCodes"] = codes;
    }),
    ("Authorise does not say how long", |config| {
        alone(config)["retryPolicy"]["initialBackoff"] = json!("0s");
    }),
    ("Authorise does not say how long", |config| {
        let retry = alone(config)["retryPolicy"].as_object_mut().unwrap();
        retry.remove("backoffMultiplier");
    }),
];

/// Names one more method in the first entry.
fn named(config: &mut Value, service: &str, method: &str) {
    let name = json!({ "service": service, "method": method });
    let names = first(config)["name"].as_array_mut().unwrap();
    names.push(name);
}

/// An entry for payments alone, so that a mistake in it is told once.
fn alone(config: &mut Value) -> &mut Value {
    let mut entry = first(config).clone();
    let names = first(config)["name"].as_array_mut().unwrap();
    entry["name"] = json!([names.remove(0)]);
    let entries = config["methodConfig"].as_array_mut().unwrap();
    entries.push(entry);
    entries.last_mut().unwrap()
}

fn config() -> Value {
    serde_json::from_str(&read("proto/service_config.json")).unwrap()
}

#[test]
fn every_mistake_in_a_service_config_is_found_once() {
    let contract = contract();
    for (expected, mistake) in PLANTED {
        let mut config = config();
        mistake(&mut config);
        let found = mistakes(&config, &contract);
        assert_eq!(found.len(), 1, "{expected}: {found:?}");
        assert!(found[0].contains(expected), "{expected}: {found:?}");
    }
    let mut config = config();
    alone(&mut config);
    assert_eq!(mistakes(&config, &contract), Vec::<String>::new());
}

#[test]
fn what_changes_something_without_a_key_is_not_tried_again() {
    let mut contract = contract();
    let files = contract.file.iter_mut();
    for message in files.flat_map(|file| &mut file.message_type) {
        if message.name() == "RefundRequest" {
            message
                .field
                .retain(|field| field.name() != "idempotency_key");
        }
    }
    let found = mistakes(&config(), &contract);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("Refund changes something without idempotency_key"));
}
