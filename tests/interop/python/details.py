"""What an error says beyond its code: google.rpc details."""

from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status


def of_error(error):
    """The google.rpc.Status of a call's error: the trailer grpc-status-details-bin."""
    return rpc_status.from_call(error) or status_pb2.Status()


def of_bytes(encoded):
    """The google.rpc.Status of one payment of a stream, which has no trailers of its own."""
    return status_pb2.Status.FromString(encoded)


def find(status, kind):
    """The detail of a kind; an empty one if there is none."""
    found = kind()
    for packed in status.details:
        if packed.Unpack(found):
            break
    return found


def bad_fields(status):
    """The names of the fields that are malformed, sorted."""
    violations = find(status, error_details_pb2.BadRequest).field_violations
    return sorted(violation.field for violation in violations)
