"""What schemathesis cannot guess: which key it must leave alone, that an Idempotency-Key is for one request, how a report looks, and that
`If-Match: *` fits every version."""

import os
import random
import re
import uuid

import schemathesis
from schemathesis.generation import GenerationMode

OWN_KEY = os.environ.get("ASSAY_OWN_KEY", "")
NO_KEY = "key_00000000000000000000000000"
OWN_ORGANIZATION = os.environ.get("ASSAY_OWN_ORGANIZATION", "")
NO_ORGANIZATION = "org_00000000000000000000000000"
REPORT = """<testsuite name="checkout"><testcase name="a voucher lowers the total" time="0.01"/>
<testcase name="an empty basket is refused"><failure message="expected 422, got 500"/></testcase></testsuite>"""


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.path_parameters and case.path_parameters.get("key") == OWN_KEY and case.operation.method.upper() != "GET":
        case.path_parameters["key"] = NO_KEY
    # Nor may its organization be deleted, suspended or left.
    if case.path_parameters and case.path_parameters.get("organization") == OWN_ORGANIZATION and case.operation.method.upper() != "GET":
        case.path_parameters["organization"] = NO_ORGANIZATION
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    # A key that was used with another payload is refused, rightly.
    if case.headers and case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = (uuid.uuid4().hex + case.headers["Idempotency-Key"])[:255].rstrip()
    # The coverage phase passes over patterns that hold quotes, and takes `If-Match: 0` for a good request.
    if case.headers and not re.fullmatch(r'\*|(W/)?"[!#-~]*"', case.headers.get("If-Match", "*")):
        case.headers["If-Match"] = '"1.0"'
    # One half of the good requests get further than generated text can.
    if random.random() < 0.5:
        if case.operation.path.endswith("/uploads") and case.media_type == "application/xml":
            case.body = REPORT
        if case.headers and "If-Match" in case.headers:
            case.headers["If-Match"] = "*"
