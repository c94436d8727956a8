"""Sends every example of the document to a new service, and checks the responses.

Usage: examples.py conflict URL KEY           create a pending conflict for the examples; needs the strategy fail_on_conflict
       examples.py send URL KEY DOCUMENT      send the examples, and write the document to a file
       examples.py record URL KEY EXAMPLES    write the responses to the file of examples

Each response must have the documented status and content type, and match the documented schema, without additional fields. The
documented example of a response must match the schema too. Ids in examples are replaced with those of resources that this
script creates first.
"""

import copy
import json
import pathlib
import re
import sys
import time
import urllib.parse

import jsonschema_rs

from service import REGISTRY, Service, finished

PROFILES = "/api/v1/internal/subscription-profiles"
IDS = ("plan_id", "profile_id", "job_id", "conflict_id", "version")
MOST_ITEMS = 3


def profile(service, user_id, instruments):
    body = {"user_id": user_id, "profile_name": "Example", "subscription_type": "live_feed", "instruments": instruments}
    return service.json("POST", PROFILES, body)


def arrange(service):
    """Creates the resources that the examples name. Returns a function from operation and parameter to the id."""
    job = service.json("POST", f"{REGISTRY}/brokers/kite/ingest?force=true", {"source": "kite.csv"})
    assert finished(service, job["job_id"])["status"] == "completed"
    for _ in range(300):
        versions = service.json("GET", f"{REGISTRY}/catalog/versions")["versions"]
        if versions and service.json("GET", f"{REGISTRY}/catalog/summary")["version"] == str(versions[0]["version"]):
            break
        time.sleep(0.1)
    body = {"plan_name": "Example", "subscription_type": "live_feed", "instruments": ["NSE:RELIANCE", "NSE:TCS"]}
    plan = service.json("POST", f"{REGISTRY}/subscriptions/plan?user_id=desk-7", body)
    at_kite = service.json("POST", f"{REGISTRY}/subscriptions/plan?user_id=desk-7", {**body, "broker": "kite", "mode": "full"})

    usual = profile(service, "desk-7", ["NSE:INFY", "NSE:RELIANC"])["profile_id"]
    service.json("PUT", f"{PROFILES}/{usual}", {"profile_name": "Changed"})
    service.json("POST", f"{PROFILES}/{usual}/replan")
    inactive = profile(service, "desk-9", ["NSE:INFY"])["profile_id"]
    service.json("DELETE", f"{PROFILES}/{inactive}")
    conflicts = service.json("GET", f"{PROFILES}/conflicts/users/desk-7?status=pending")["conflicts"]

    ids = {"plan_id": plan["plan_id"], "profile_id": usual, "job_id": job["job_id"], "version": versions[0]["version"]}
    if conflicts:
        ids["conflict_id"] = conflicts[0]["conflict_id"]
    special = {
        "activate_profile": {"profile_id": inactive},
        "explain_plan_instrument": {"plan_id": at_kite["plan_id"]},
        "get_plan_diff": {"plan_id": at_kite["plan_id"]},
        "get_plan_schedule": {"plan_id": at_kite["plan_id"]},
        "get_plan_subscriptions": {"plan_id": at_kite["plan_id"]},
        "rebalance_plan": {"plan_id": at_kite["plan_id"]},
        "deactivate_profile": {"profile_id": profile(service, "desk-10", ["NSE:TCS"])["profile_id"]},
        "restore_profile_version": {"version": 1},
    }
    return lambda operation, name: special.get(operation, {}).get(name, ids.get(name))


def requests_of(document):
    """Yields every operation with its method, path, parameters by location, and bodies with their content types."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            places = {"path": {}, "query": {}, "header": {}}
            for parameter in operation["parameters"]:
                if "example" in parameter:
                    places[parameter["in"]][parameter["name"]] = parameter["example"]
            contents = operation.get("requestBody", {}).get("content", {})
            bodies = [(kind, content["example"]) for kind, content in contents.items() if "example" in content]
            yield method, path, operation, places, bodies or [(None, None)]


def text_of(value):
    return json.dumps(value) if isinstance(value, bool) else str(value)


def closed(schema):
    """Returns the schema with objects that allow only the properties that it names."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        inner["unevaluatedProperties"] = False
    return inner


def validator(document, schema):
    """Returns a validator of responses. Preferences may have any field, and parts of `allOf` are closed together."""
    components = {}
    for name, part in document["components"]["schemas"].items():
        parts = {inner["$ref"].rsplit("/")[-1] for other in document["components"]["schemas"].values()
                 for inner in other.get("allOf", []) if "$ref" in inner}
        if name == "PreferencesBody" or name in parts:
            components[name] = part
        elif "allOf" in part:
            components[name] = {**part, "unevaluatedProperties": False}
        else:
            components[name] = closed(part)
    root = {**copy.deepcopy(schema), "components": {"schemas": components}}
    return jsonschema_rs.Draft202012Validator(root, validate_formats=True)


def shortened(value):
    """Returns the example with short lists, so that people can read it."""
    if isinstance(value, list):
        return [shortened(item) for item in value[:MOST_ITEMS]]
    if isinstance(value, dict):
        return {name: shortened(inner) for name, inner in value.items()}
    # The path of the file on this machine does not belong in an example.
    return re.sub(r"/\S*/kite\.csv", "/srv/instruments/kite.csv", value) if isinstance(value, str) else value


def check(service, document, identify, record):
    count, faults = 0, []
    for method, path, operation, places, bodies in requests_of(document):
        name = operation["operationId"]
        for parameter in IDS:
            value = identify(name, parameter)
            if parameter in places["path"] and value is not None:
                places["path"][parameter] = value
        target = path
        for parameter, value in places["path"].items():
            target = target.replace("{%s}" % parameter, urllib.parse.quote(text_of(value), safe=""))
        if places["query"]:
            target += "?" + urllib.parse.urlencode({key: text_of(value) for key, value in places["query"].items()})
        for kind, example in bodies:
            headers = dict(places["header"], **({"Content-Type": kind} if kind else {}))
            body = None if kind is None else example.encode() if isinstance(example, str) else json.dumps(example).encode()
            status, received, text = service.send(method.upper(), target, body, headers)
            content_type = received.get_content_type()
            count += 1
            contents = operation["responses"]["200"]["content"]
            if status != 200 or content_type not in contents:
                faults.append(f"{name}: {status} {content_type} {text.decode()[:600]}")
                continue
            schema = contents[content_type]["schema"]
            if content_type != "application/json":
                continue
            answer = json.loads(text)
            check_answer = validator(document, schema)
            faults += [f"{name}: response {fault.instance_path}: {fault.message}"[:600] for fault in check_answer.iter_errors(answer)]
            if record is not None:
                record[name]["answer"] = shortened(answer)
            elif (documented := contents[content_type].get("example")) is not None:
                faults += [f"{name}: example {fault.instance_path}: {fault.message}"[:600] for fault in check_answer.iter_errors(documented)]
            if name == "ingest_broker_file":
                finished(service, answer["job_id"])
    return count, faults


def leave_conflict(service):
    body = {"user_id": "desk-7", "profile_name": "Renamed", "subscription_type": "alerts", "instruments": ["NSE:RELIANC"]}
    status, _, text = service.send("POST", PROFILES, body)
    assert status == 409, text.decode()


def main():
    mode, url, key = sys.argv[1:4]
    service = Service(url, key)
    if mode == "conflict":
        leave_conflict(service)
        return
    document = service.json("GET", "/openapi.json")
    file = pathlib.Path(sys.argv[4])
    record = json.loads(file.read_text()) if mode == "record" else None
    count, faults = check(service, document, arrange(service), record)
    if record is None:
        file.write_text(json.dumps(document))
    else:
        lines = [f"  {json.dumps(name)}: {json.dumps(example, ensure_ascii=False)}" for name, example in record.items()]
        file.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    for fault in faults:
        print(fault)
    print(f"examples: {count} sent, {len(faults)} faults")
    sys.exit(1 if faults or count < 40 else 0)


if __name__ == "__main__":
    main()
