"""Rules that an OpenAPI document cannot state, because they are between fields or depend on the time or the configuration.

Changes generated valid requests so that they follow the rules. Generated invalid requests stay unchanged.
"""

import re
import uuid

import schemathesis
from schemathesis.core import NotSet

LATER = "2099-12-31T10:00:00Z"
SECRET_WORDS = ("password", "secret", "token", "key")
UPLOAD_ONLY = ("file_name", "mode", "priority", "exchanges", "segments", "instrument_types")


@schemathesis.hook
def before_call(context, case, kwargs):
    meta = case.meta
    if meta is not None and not meta.generation.mode.is_positive:
        return
    operation = case.operation.definition.raw.get("operationId")
    query = case.query if isinstance(case.query, dict) else {}
    body = case.body if isinstance(case.body, dict) else {}

    # An idempotency key belongs to one request.
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    # `cursor` and `offset` cannot be combined.
    if "cursor" in query and "offset" in query:
        del query["offset"]
    if operation == "resolve_instruments" and not {"symbol", "isin"} & query.keys():
        query["symbol"] = "RELIANCE"
        case.query = query
    # The tiers of a broker depend on the configuration.
    if operation == "get_broker_limits" and "tier" in query:
        query["tier"] = "standard"
    if operation == "get_calendar":
        in_order(query, "from", "to")
    # A plan may have no connections, and the SDK form is that of the plan's broker.
    if operation in ("get_plan_subscriptions", "get_plan_schedule"):
        query.pop("connection", None)
    if operation in ("get_plan_subscriptions", "get_plan_schedule") and "format" in query:
        query["format"] = "json"
    # Without a database or a log, the other requests would test nothing.
    if operation == "force_breaker" and "action" in body:
        body["action"] = "reset"
    if operation == "set_log_level" and "level" in body:
        body["level"] = "warn"
    if operation == "search_instruments":
        in_order(body.get("filters"), "min_lot_size", "max_lot_size")
    if operation in ("ingest_broker_file", "import_profiles"):
        follow_content_type(case, operation, query, body)
    if operation == "import_profiles":
        for profile in body.get("profiles") or []:
            follow_profile(profile)
    if operation == "create_plan":
        follow_plan(case, body)
    follow_profile(body)
    follow_selectors(body)


def follow_plan(case, body):
    """The options of a broker require a broker, and accounts are those of the settings. A dry run has no key."""
    if body.get("dry_run") and case.headers:
        case.headers.pop("Idempotency-Key", None)
    has_broker = body.get("broker") is not None
    follow_broker_options(body, has_broker)
    selectors = 0
    for item in body.get("items") or []:
        if not isinstance(item, dict):
            continue
        follow_broker_options(item, has_broker)
        if item.get("selector") is not None:
            selectors += 1
            follow_selectors({"selectors": [item["selector"]]})
            if selectors > 20:
                del item["selector"]
                item["instrument"] = "NSE:TCS"


def follow_broker_options(fields, has_broker):
    """Every mode includes the last price."""
    fields.pop("tier", None)
    # A previous plan must be of the same user and broker.
    fields.pop("previous_plan_id", None)
    valid_options = (("min_mode", "ltp"), ("accounts", 1), ("connections", 1), ("placement", "spread"), ("pinned", False))
    for name, valid in valid_options:
        if fields.get(name) is None:
            continue
        if has_broker:
            fields[name] = valid
        else:
            del fields[name]


def follow_content_type(case, operation, query, body):
    """Options in the query are for uploads only. The file that JSON names must exist."""
    # A request without a body is not an upload.
    is_json = isinstance(case.body, NotSet) or case.media_type not in (
        "application/octet-stream",
        "text/csv",
        "text/plain",
    )
    if operation == "import_profiles":
        if is_json:
            query.pop("profile_name", None)
            query.pop("subscription_type", None)
        else:
            case.body = csv_of(case.body)
        return
    if not is_json:
        if query.get("mode") == "on_demand" and not {"exchanges", "segments", "instrument_types"} & query.keys():
            query["segments"] = "NSE_EQ"
        return
    for name in UPLOAD_ONLY:
        query.pop(name, None)
    if not body:
        return
    body["source"] = "kite.csv"
    if body.get("broker_id") is not None:
        body["broker_id"] = case.path_parameters["broker_id"]
    if body.get("mode") == "on_demand" and not any((body.get("filters") or {}).values()):
        body["filters"] = {"segments": ["NSE_EQ"]}
    case.body = body


def csv_of(body):
    """A file without a header has one column and at least one row."""
    data = getattr(body, "data", body)
    text = data.decode(errors="ignore") if isinstance(data, bytes) else str(data)
    return re.sub(r"[^A-Za-z0-9:\n-]", "", text).strip() or "NSE:RELIANCE"


def follow_profile(profile):
    """A profile expires in the future and contains no secrets."""
    if not isinstance(profile, dict):
        return
    if profile.get("expires_at") is not None:
        profile["expires_at"] = LATER
    preferences = profile.get("preferences")
    if isinstance(preferences, dict):
        profile["preferences"] = preferences = without_secrets(preferences)
        follow_selectors(preferences)
        if preferences.get("min_mode") is not None:
            preferences["min_mode"] = "ltp"
        if isinstance(preferences.get("min_modes"), dict):
            preferences["min_modes"] = dict.fromkeys(preferences["min_modes"], "ltp")
        # The tiers, accounts and connections of a broker depend on the configuration.
        preferences.pop("tier", None)
        for name in ("accounts", "connections"):
            if preferences.get(name) is not None:
                preferences[name] = 1


def without_secrets(value):
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: inner for name, inner in value.items() if not any(word in name.lower() for word in SECRET_WORDS)}
    return {name: without_secrets(inner) for name, inner in kept.items()}


def follow_selectors(fields):
    """A selector has at least one criterion, and its strikes are in order."""
    for selector in fields.get("selectors") or []:
        if not isinstance(selector, dict):
            continue
        if not any(selector.get(name) is not None for name in ("underlying", "exchanges", "instrument_types")):
            selector["underlying"] = "NIFTY"
        in_order(selector, "min_strike", "max_strike")


def in_order(fields, low, high):
    if isinstance(fields, dict) and None not in (fields.get(low), fields.get(high)) and fields[low] > fields[high]:
        fields[low], fields[high] = fields[high], fields[low]
