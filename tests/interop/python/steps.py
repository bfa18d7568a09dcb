"""Runs the steps of a walk in their order, and says of each whether it went well."""

import traceback

import grpc


class Failed(Exception):
    """Something was not as the contract says."""


def check(what, got, expected):
    """Compares an answer with what the contract says."""
    if got != expected:
        raise Failed(f"{what}: {got!r} instead of {expected!r}")


def expect(what, condition):
    """For what is not compared with one value."""
    if not condition:
        raise Failed(what)


def refused(call, request):
    """The error that a call ends with."""
    try:
        call(request)
    except grpc.RpcError as error:
        return error
    raise Failed("the call should have been refused")


def run(steps, *arguments):
    """Prints a line for each step: ok or FAILED, its name and why, with tabs between.

    Returns the exit code. A step that failed does not end the walk: what comes later is worth
    knowing too.
    """
    failed = False
    for name, step in steps:
        try:
            step(*arguments)
            print("ok", name, sep="\t", flush=True)
        except Exception as error:  # Whatever it is, it belongs into the table.
            failed = True
            print("FAILED", name, why(error), sep="\t", flush=True)
    return 1 if failed else 0


def why(error):
    """One line for the table, and for an error that nobody foresaw its trace to standard error."""
    if isinstance(error, Failed):
        text = str(error)
    elif isinstance(error, grpc.RpcError):
        text = f"{error.code().name}: {error.details()}"
    else:
        traceback.print_exc()
        text = repr(error)
    return " ".join(text.split())
