"""The steps that look at the wire itself: newer messages, reflection, health."""

from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from waika.v1 import authorisation_pb2 as authorisation

from steps import check, expect

CALLERS = {"waika.v1.AuthorisationService", "waika.v1.CardService"}
OPERATORS = {"waika.v1.AdminService"}
# Reflection lists itself by the version that is asked; Python's client asks v1alpha, Node's v1.
BESIDES = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


def unknown_field(client):
    # Field 1000 of five bytes, as the contract of a later year may have it.
    newer = b"\xc2\x3e\x05later"
    authorise = client.channel.unary_unary(
        "/waika.v1.AuthorisationService/Authorise",
        request_serializer=lambda request: request.SerializeToString() + newer,
        response_deserializer=authorisation.AuthoriseResponse.FromString,
    )
    decision = authorise(client.payment("p5", 10_00)).authorisation
    check("outcome", decision.WhichOneof("outcome"), "approval")
    check("amount", decision.amount_fen, 10_00)


def reflection_lists(client):
    for listener, channel, ours, others in (
        ("callers", client.channel, CALLERS, OPERATORS),
        ("operators", client.admin_channel, OPERATORS, CALLERS),
    ):
        listed = set(ProtoReflectionDescriptorDatabase(channel).get_services())
        check(f"missing for {listener}", (ours | BESIDES) - listed, set())
        check(f"of the other listener for {listener}", others & listed, set())


def reflection_describes(client):
    # What a client can do that has no .proto files at all.
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(client.channel))
    described = pool.FindMessageTypeByName("waika.v1.AuthoriseRequest")
    here = authorisation.AuthoriseRequest.DESCRIPTOR
    check(
        "fields",
        {field.name: field.number for field in described.fields},
        {field.name: field.number for field in here.fields},
    )
    scene = described.fields_by_name["scene"].enum_type
    expect("a type of another message", "SCENE_PURCHASE" in scene.values_by_name)


def health(client):
    # The name "" is the listener as a whole.
    for channel, names in ((client.channel, CALLERS), (client.admin_channel, OPERATORS)):
        stub = health_pb2_grpc.HealthStub(channel)
        for name in sorted(names | {""}):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=name))
            check(f"status of {name!r}", answer.status, health_pb2.HealthCheckResponse.SERVING)
