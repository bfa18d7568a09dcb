//! `proto/service_config.json`, which callers give their gRPC library, agrees with the contract: nothing is tried
//! again that could be done twice, and nothing is forgotten.

use std::collections::BTreeSet;

use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use serde_json::{Value, json};

use crate::index::{Index, joined};
use crate::{assert_none, contract, read};

/// The services of the callers' listener.
const CALLERS: [&str; 2] = ["waika.v1.AuthorisationService", "waika.v1.CardService"];
/// What makes a call that changes something safe to repeat.
const KEY: &str = "idempotency_key";
/// What may be said of a method; hedging may not.
const OF_A_METHOD: [&str; 4] = ["name", "timeout", "waitForReady", "retryPolicy"];
/// Seconds. The libraries above gRPC's C core end a call one to two seconds before the time that a config gives it
/// (github.com/grpc/grpc/issues/34547): two seconds are to be left for a call and its second attempt.
const MIN_TIMEOUT: f64 = 4.0;
/// What is said of the whole channel.
const OF_A_CHANNEL: [&str; 4] = [
    "healthCheckConfig",
    "loadBalancingConfig",
    "methodConfig",
    "retryThrottling",
];

/// One RPC of the callers' services.
struct Rpc<'a> {
    name: String,
    declared: &'a MethodDescriptorProto,
    has_key: bool,
}

impl Rpc<'_> {
    fn is_stream(&self) -> bool {
        self.declared.client_streaming() || self.declared.server_streaming()
    }

    /// What only reads may be asked twice. A quote spends nothing.
    fn reads(&self) -> bool {
        let name = self.declared.name();
        name.starts_with("Get") || name.starts_with("List") || name == "Quote"
    }
}

/// Every RPC that callers make.
fn rpcs<'a>(index: &Index<'a>) -> Vec<Rpc<'a>> {
    let services = CALLERS.iter().filter_map(|name| index.services.get(*name));
    let methods = services.flat_map(|service| &service.item.method);
    let named = CALLERS.iter().flat_map(|service| {
        let methods = index.services.get(*service).map(|found| &found.item.method);
        let methods = methods.into_iter().flatten();
        methods.map(move |method| joined(service, method.name()))
    });
    named
        .zip(methods)
        .map(|(name, declared)| {
            let request = declared.input_type().trim_start_matches('.');
            let request = index.messages.get(request);
            let has_key = request.is_some_and(|message| {
                let mut fields = message.item.field.iter();
                fields.any(|field| field.name() == KEY)
            });
            Rpc {
                name,
                declared,
                has_key,
            }
        })
        .collect()
}

/// Everything that is wrong with a config, one sentence each.
pub(crate) fn mistakes(config: &Value, set: &FileDescriptorSet) -> Vec<String> {
    let index = Index::of(set);
    let rpcs = rpcs(&index);
    let mut found = of_channel(config);
    let mut seen = BTreeSet::new();
    let methods = config["methodConfig"].as_array();
    for entry in methods.into_iter().flatten() {
        found.extend(unknown_keys("a methodConfig", entry, &OF_A_METHOD));
        for name in entry["name"].as_array().into_iter().flatten() {
            let said = |key: &str| name[key].as_str().unwrap_or_default();
            let name = joined(said("service"), said("method"));
            if !seen.insert(name.clone()) {
                found.push(format!("{name} is named twice"));
            }
            match rpcs.iter().find(|rpc| rpc.name == name) {
                Some(rpc) => found.extend(of_method(rpc, entry)),
                None => found.push(format!("{name} is no RPC of the callers' services")),
            }
        }
    }
    let forgotten = rpcs.iter().filter(|rpc| !rpc.is_stream());
    let forgotten = forgotten.filter(|rpc| !seen.contains(&rpc.name));
    found.extend(forgotten.map(|rpc| format!("{} has no entry", rpc.name)));
    found
}

/// What is said of the channel as a whole.
fn of_channel(config: &Value) -> Vec<String> {
    let mut found = unknown_keys("the config", config, &OF_A_CHANNEL);
    if config["loadBalancingConfig"] != json!([{ "round_robin": {} }]) {
        found.push(
            "loadBalancingConfig is not round_robin: only the first server is used".to_owned(),
        );
    }
    let health = &config["healthCheckConfig"]["serviceName"];
    if !health.as_str().is_some_and(|name| CALLERS.contains(&name)) {
        found.push(format!("{health} has no health on the callers' listener"));
    }
    let throttling = &config["retryThrottling"];
    let tokens = throttling["maxTokens"].as_u64().unwrap_or_default();
    let ratio = throttling["tokenRatio"].as_f64().unwrap_or_default();
    if !(1..=1000).contains(&tokens) || ratio <= 0.0 || ratio > 0.1 {
        found.push("retryThrottling lets more than a tenth be tried again".to_owned());
    }
    found
}

/// What is said of one method.
fn of_method(rpc: &Rpc<'_>, entry: &Value) -> Vec<String> {
    let name = &rpc.name;
    if rpc.is_stream() {
        return vec![format!(
            "{name} is a stream: it ends by itself, and is not tried again"
        )];
    }
    let mut found = Vec::new();
    match seconds(&entry["timeout"]) {
        None => found.push(format!("{name} has no timeout in seconds")),
        Some(timeout) if timeout < MIN_TIMEOUT => found.push(format!(
            "{name} has {timeout} s: Python and C++ end it up to two seconds early"
        )),
        Some(_) => {}
    }
    let retry = &entry["retryPolicy"];
    if retry.is_null() {
        return found;
    }
    if !rpc.has_key && !rpc.reads() {
        found.push(format!(
            "{name} changes something without {KEY}, and would be tried again"
        ));
    }
    if retry["maxAttempts"] != 2 {
        found.push(format!("{name} is tried again more often than once"));
    }
    if retry["retryableStatusCodes"] != json!(["UNAVAILABLE"]) {
        found.push(format!(
            "{name} is tried again after other errors than UNAVAILABLE"
        ));
    }
    let waits = ["initialBackoff", "maxBackoff"].map(|key| seconds(&retry[key]));
    if waits.contains(&None) || retry["backoffMultiplier"].as_f64().is_none() {
        found.push(format!(
            "{name} does not say how long to wait before it is tried again"
        ));
    }
    found
}

/// A duration as a config writes it, such as `0.1s`; nothing for none.
fn seconds(value: &Value) -> Option<f64> {
    let text = value.as_str()?.strip_suffix('s')?;
    text.parse().ok().filter(|seconds| *seconds > 0.0)
}

/// A key that a library would pass over in silence, because it is misspelt.
fn unknown_keys(what: &str, value: &Value, known: &[&str]) -> Vec<String> {
    let keys = value.as_object().into_iter().flat_map(|map| map.keys());
    let unknown = keys.filter(|key| !known.contains(&key.as_str()));
    unknown.map(|key| format!("{what} says {key}")).collect()
}

#[test]
fn the_service_config_agrees_with_the_contract() {
    let config = serde_json::from_str(&read("proto/service_config.json")).unwrap();
    assert_none("proto/service_config.json", &mistakes(&config, &contract()));
}
