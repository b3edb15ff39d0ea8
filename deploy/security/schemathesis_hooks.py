"""What schemathesis cannot guess: which key and which person it must leave alone, what only a person may ask for, that an Idempotency-Key is for one
request, how a report looks, and that `If-Match: *` fits every version."""

import http.client
import json
import os
import random
import re
import threading
import time
import urllib.parse
import uuid

import schemathesis
from schemathesis.generation import GenerationMode

# Of its own, because the module's generator is what hypothesis repeats cases with.
chance = random.Random(os.environ.get("SEED"))
# What is asked with, and nobody may change: path parameter, what it must not be, what it is instead.
OWN = [
    ("key", os.environ.get("ASSAY_OWN_KEY"), "key_00000000000000000000000000"),
    ("organization", os.environ.get("ASSAY_OWN_ORGANIZATION"), "org_00000000000000000000000000"),
    ("member", os.environ.get("ASSAY_OWN_PERSON"), "usr_00000000000000000000000000"),
    ("user", os.environ.get("ASSAY_OWN_PERSON"), "usr_00000000000000000000000000"),
]
FOR_PERSONS = re.compile(r"/api/v1/(me/.*|admin/.*|auth/switch|organizations)")
REPORT = """<testsuite name="checkout"><testcase name="a voucher lowers the total" time="0.01"/>
<testcase name="an empty basket is refused"><failure message="expected 422, got 500"/></testcase></testsuite>"""


class Person:
    """The one who asks where a key has no account. Its session ends whenever a case succeeds in ending it; then there is another."""

    email, password = os.environ.get("ASSAY_PERSON_EMAIL", ""), os.environ.get("ASSAY_PERSON_PASSWORD", "")
    url = urllib.parse.urlparse(os.environ.get("ASSAY_URL", ""))

    def __init__(self):
        self.lock, self.token, self.since = threading.Lock(), None, 0.0

    def authorization(self):
        with self.lock:
            # Access tokens are good for ten minutes.
            if self.token is None or time.monotonic() - self.since > 300:
                self.token, self.since = f"Bearer {self.log_in()}", time.monotonic()
            return self.token

    def forget(self, token):
        with self.lock:
            if token == self.token:
                self.token = None

    def log_in(self):
        # Cases try passwords, for which their address has to wait: from another one this goes on.
        source = ("127.0.0.3", 0) if self.url.hostname == "127.0.0.1" else None
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.url.hostname, self.url.port, timeout=30, source_address=source)
        connection.request(
            "POST", "/api/v1/auth/login", json.dumps({"email": self.email, "password": self.password}), {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"{self.email} cannot log in: {text}")
        return json.loads(text)["access_token"]


# A piece of an upload is bytes.
schemathesis.serializer.alias("application/partial-upload", "application/octet-stream")

person = Person()


@schemathesis.hook
def before_call(context, case, kwargs):
    changes = case.operation.method.upper() != "GET"
    for name, own, other in OWN if changes and case.path_parameters else []:
        if own and case.path_parameters.get(name) == own:
            case.path_parameters[name] = other
    if FOR_PERSONS.fullmatch(case.operation.path) and case.headers and case.headers.get("Authorization") == f"Bearer {os.environ['ASSAY_API_KEY']}":
        case.headers["Authorization"] = person.authorization()
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    # A key that was used with another payload is refused, rightly.
    if case.headers and case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = (uuid.uuid4().hex + case.headers["Idempotency-Key"])[:255].rstrip()
    # The coverage phase passes over patterns that hold quotes, and takes `If-Match: 0` for a good request.
    if case.headers and not re.fullmatch(r'\*|(W/)?"[!#-~]*"', case.headers.get("If-Match", "*")):
        case.headers["If-Match"] = '"1.0"'
    # `?wait=60` waits for what is done: a second shows the same, and leaves time for the other cases.
    wait = str(case.query.get("wait", "")) if case.query else ""
    if wait.isdigit() and 1 < int(wait) <= 60:
        case.query["wait"] = 1
    # One half of the good requests get further than generated text can.
    if chance.random() < 0.5:
        if case.operation.path.endswith("/uploads") and case.media_type == "application/xml":
            case.body = REPORT
        if case.headers and "If-Match" in case.headers:
            case.headers["If-Match"] = "*"


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code == 401:
        person.forget(response.request.headers.get("Authorization"))
