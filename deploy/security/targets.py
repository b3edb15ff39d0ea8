"""usage: targets.py URL KEY FOLDER LIMIT

Writes a request file for sqlmap for each route of openapi.json that takes a parameter: real objects in the path, so that a query is reached,
and a `*` behind every value that an attacker can choose.
"""
import json
import os
import re
import sys
import urllib.parse
import urllib.request

url, key, folder, limit = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
document = json.load(urllib.request.urlopen(f"{url}/openapi.json"))


def ask(method, path, body=None, kind="application/json"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{url}/api/v1{path}", data=data, method=method)
    request.add_header("Authorization", f"Bearer {key}")
    if data is not None:
        request.add_header("Content-Type", kind)
    return json.loads(urllib.request.urlopen(request).read() or b"{}")


def objects():
    """One object of each kind, by the name that paths give it."""
    made = {"project": "sql"}
    ask("POST", "/projects", {"name": "SQL", "slug": "sql"})
    report = b'<testsuites><testsuite name="s"><testcase classname="a" name="b"><failure message="m">t</failure></testcase></testsuite></testsuites>'
    made["run"] = ask("POST", "/projects/sql/uploads?wait=30", report, "application/xml")["run_id"]
    results = ask("GET", f"/runs/{made['run']}/results")["data"]
    made["result"] = results[0]["id"]
    made["test"] = results[0].get("test_id") or results[0].get("test") or "tst_00000000000000000000000000"
    made["suite"] = ask("POST", "/projects/sql/suites", {"name": "s"})["id"]
    made["case"] = ask("POST", f"/suites/{made['suite']}/cases", {"name": "c", "http": {"url": "http://127.0.0.1/"}})["id"]
    made["schedule"] = ask("POST", "/projects/sql/schedules", {"suite": made["suite"], "name": "s", "cron": "0 0 1 1 *", "time_zone": "UTC"})["id"]
    made["channel"] = ask("POST", "/channels", {"name": "c", "kind": "WEBHOOK", "url": f"{url}/"})["channel"]["id"]
    return made


def resolve(schema):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def value(schema, depth=0, name=""):
    """Something that the schema allows, its texts marked."""
    schema = resolve(schema)
    given = schema.get("examples", [schema.get("example")])[0]
    if isinstance(given, str):
        return f"{given}*"
    if name == "url":
        return f"{url}/*"
    for word in ("allOf", "anyOf", "oneOf"):
        if word in schema:
            return value(schema[word][0], depth)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if schema.get("enum"):
        return f"{schema['enum'][-1]}*"
    if kind == "object" or "properties" in schema:
        return {} if depth > 3 else {part_name: value(part, depth + 1, part_name) for part_name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [value(schema.get("items", {}), depth + 1)]
    if kind in ("integer", "number"):
        return 1
    if kind == "boolean":
        return True
    return "x*"


def request(method, path, operation, made):
    parameters = [document["components"]["parameters"][p["$ref"].rsplit("/", 1)[1]] if "$ref" in p else p for p in operation.get("parameters", [])]
    text = re.sub(r"\{(\w+)\}", lambda match: f"{made.get(match.group(1), 'x')}*", path)
    query = [f"{p['name']}={urllib.parse.quote(str(p.get('example', 1 if resolve(p.get('schema', {})).get('type') == 'integer' else 'x')))}*" for p in parameters if p.get("in") == "query"]
    if query:
        text += "?" + "&".join(query)
    lines = [f"{method.upper()} {text} HTTP/1.1", f"Host: {urllib.parse.urlparse(url).netloc}", f"Authorization: Bearer {key}", "Accept: application/json"]
    body = ""
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        lines.append("Content-Type: application/json")
        body = json.dumps(value(content["application/json"].get("schema", {})))
    return "\r\n".join(lines) + "\r\n\r\n" + body if "*" in text or "*" in body else None


os.makedirs(folder)
made = objects()
count = 0
# What deletes comes last, so that the others find their objects.
routes = [(method, path, operation) for path, methods in document["paths"].items() for method, operation in methods.items() if method in ("get", "post", "put", "patch", "delete")]
routes.sort(key=lambda route: (route[0] == "delete", route[1]))
streams = lambda operation: "text/event-stream" in json.dumps(operation.get("responses", {}))
for method, path, operation in routes:
    text = None if streams(operation) else request(method, path, operation, made)
    if text and count < limit:
        name = re.sub(r"\W+", "-", f"{method}{path}")
        open(f"{folder}/{count:03d}-{name}.request", "w", newline="").write(text)
        count += 1
print(f"{count} routes")
