"""The steps of an operator who changes the rules' numbers while the server runs."""

import grpc
from google.rpc import error_details_pb2
from waika.v1 import authorisation_pb2 as authorisation
from waika.v1 import policy_pb2

import details
from steps import check, expect, refused

# Keys that are left out are as in weixin-2023.
THRIFTY = """\
name = "thrifty"

[limits]
single_fen = 100000
"""

MISTAKEN = """\
name = "mistaken"

[limits]
single_fen = -1
monthly_fen = 100000
"""


def mistakes(client):
    request = policy_pb2.PutPolicyRequest(idempotency_key="y1", toml=MISTAKEN)
    error = refused(client.admin.PutPolicy, request)
    check("code", error.code(), grpc.StatusCode.INVALID_ARGUMENT)
    bad_request = details.find(details.of_error(error), error_details_pb2.BadRequest)
    told = [violation.description for violation in bad_request.field_violations]
    for key in ("limits.single_fen", "limits.monthly_fen"):
        expect(f"{key} is named: {told}", any(key in mistake for mistake in told))


def put(client):
    answer = client.admin.PutPolicy(
        policy_pb2.PutPolicyRequest(idempotency_key="y2", toml=THRIFTY)
    )
    check("name", answer.policy.name, "thrifty")
    # It does not hold yet.
    check("activated", answer.policy.activated, False)
    listed = client.admin.ListPolicies(policy_pb2.ListPoliciesRequest())
    names = [policy.name for policy in listed.policies]
    check("policies", names, ["thrifty", "weixin-2023"])
    check("active", listed.active, "weixin-2023")


def shadow(client):
    set_shadow(client, "y3", "thrifty")
    decision = client.pay("y4", 1_500_00).authorisation
    # The shadow decides nothing.
    check("outcome", decision.WhichOneof("outcome"), "approval")
    check("policy", decision.policy, "weixin-2023")


def set_shadow(client, key, name):
    request = policy_pb2.SetShadowPolicyRequest(idempotency_key=key, name=name)
    check("shadow", client.admin.SetShadowPolicy(request).name, name)


def shadow_report(client):
    report = client.admin.GetShadowReport(policy_pb2.GetShadowReportRequest())
    check("shadow", report.shadow, "thrifty")
    check("decisions", report.decisions, 1)
    flip = policy_pb2.ShadowFlip(
        active=authorisation.DECLINE_REASON_UNSPECIFIED,  # approved
        shadow=authorisation.DECLINE_REASON_LIMIT_SINGLE,
        rung=authorisation.RUNG_LIMIT_SINGLE,
        count=1,
    )
    check("decisions that would be others", list(report.flips), [flip])
    set_shadow(client, "y5", "")


def activate(client):
    activate_policy(client, "y6", "thrifty")
    # Without a name: the one that holds now.
    holds = client.admin.GetPolicy(policy_pb2.GetPolicyRequest())
    check("holds", holds.policy.name, "thrifty")
    expect("its own limit", "single_fen = 100000\n" in holds.toml)
    expect("the rest as before", "month_fen = 5000000\n" in holds.toml)


def activate_policy(client, key, name):
    request = policy_pb2.ActivatePolicyRequest(idempotency_key=key, name=name)
    answer = client.admin.ActivatePolicy(request)
    check("policy", answer.policy.name, name)
    check("activated", answer.policy.activated, True)


def decides(client):
    decision = client.pay("y7", 1_500_00).authorisation
    check("policy", decision.policy, "thrifty")
    check("reason", decision.decline.reason, authorisation.DECLINE_REASON_LIMIT_SINGLE)
    check("limit", decision.decline.amount_limit.limit_fen, 1_000_00)


def back(client):
    activate_policy(client, "y8", "weixin-2023")
    decision = client.pay("y9", 1_500_00).authorisation
    check("outcome", decision.WhichOneof("outcome"), "approval")
