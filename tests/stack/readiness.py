"""Checks whether a running service is ready for use: `make readiness`, for the stack of `make up`.

Usage: readiness.py [-k PATTERN] [CLASS…]    all checks, or those of a class; -k selects checks by name

The checks of `Api` use only the API: with REGISTRY_TEST_URL and REGISTRY_TEST_KEY, they check any service that has the
demonstration catalog. The checks of the other classes stop and pause PostgreSQL, Redis and the config service of the stack
for some seconds, and resume them.
"""

import json
import re
import subprocess
import time
import unittest
import uuid

import stack
from stack import CONFIG, PLANS, Service, api, plan, request_plan


def setUpModule():
    stack.until_ready()


class Api(unittest.TestCase):
    def test_requests_without_a_valid_key_are_rejected(self):
        without_key = Service(api.url, None)
        self.assertEqual(without_key.send("GET", CONFIG).status, 401)
        self.assertEqual(Service(api.url, "wrong").send("GET", CONFIG).status, 401)
        self.assertEqual(api.send("GET", CONFIG).status, 200)
        self.assertEqual(without_key.send("GET", "/health").status, 200)

    def test_health_and_readiness(self):
        health = api.json("GET", "/health")
        self.assertEqual(health["status"], "healthy")
        self.assertEqual(health["service"], "instrument_registry")
        ready = api.json("GET", "/ready")
        self.assertEqual(ready["status"], "ready")
        self.assertEqual(ready["checks"]["database"]["status"], "ok")

    def test_errors_have_the_documented_status_and_code(self):
        path = f"{PLANS}/plan?user_id=u"
        self.assertEqual(api.send("POST", path, b"{", {"Content-Type": "application/json"}).status, 400)
        self.assertEqual(api.send("GET", f"{stack.REGISTRY}/nothing").status, 404)
        self.assertEqual(api.send("PUT", path).status, 405)
        invalid = api.send("POST", path, {})
        self.assertEqual(invalid.status, 422)
        self.assertEqual(invalid.json()["code"], "validation_failed")
        self.assertEqual(len(invalid.json()["errors"]), 3)

    def test_metrics_count_requests(self):
        def described():
            series = "instrument_registry_subscription_plan_descriptions_generated_total"
            line = rf'^{series}\{{(?=.*level="basic").*status="success".*\}} (\d+)$'
            return int(re.search(line, api.send("GET", "/metrics").body.decode(), re.MULTILINE)[1])

        plan_id, before = plan()["plan_id"], described()
        api.json("POST", f"{PLANS}/plan/{plan_id}/describe", {"description_level": "basic"})
        self.assertEqual(described(), before + 1)

    def test_plans_are_cached(self):
        user = uuid.uuid4()
        first = plan(user, instruments=["NSE:TCS", "NSE:INFY"])
        second = plan(user, instruments=["NSE:INFY", "NSE:TCS"])
        self.assertEqual(first["status"], "created")
        self.assertEqual(second["status"], "cached")
        self.assertEqual(second["plan_id"], first["plan_id"])

    def test_optimization_levels(self):
        expected = {"low": "simple_truncation/2", "moderate": "dedup_and_sort/2", "aggressive": "advanced_exchange_prioritization/1"}
        for level, found in expected.items():
            with self.subTest(level):
                data = plan(instruments=["NSE:TCS", "BSE:TCS", "NSE:TCS"], optimization_level=level)["plan_data"]
                self.assertEqual(f"{data['validation_results']['optimization_applied']}/{len(data['instruments'])}", found)

    def test_strictness_levels(self):
        expected = {"lenient": (2, ["malformed"]), "moderate": (1, ["malformed", "unknown"]), "strict": (1, ["malformed", "unknown"])}
        for level, (count, reasons) in expected.items():
            with self.subTest(level):
                data = plan(instruments=["NSE:TCS", "NSE:NOSUCHTHING", "nonsense"], filtering_strictness=level)["plan_data"]
                self.assertEqual(len(data["instruments"]), count)
                self.assertEqual(sorted(rejected["reason"] for rejected in data["rejected"]), reasons)


class Stack(unittest.TestCase):
    def test_settings_come_from_the_config_service(self):
        config, setting = api.json("GET", CONFIG), "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL"
        self.assertEqual(config["configuration"][setting], str(stack.settings()[setting]))
        self.assertEqual(config["sources"][setting], "config_service")

    def test_database_role_owns_nothing_outside_its_schema(self):
        def query(text):
            return stack.compose("exec", "-T", "postgres", "psql", "--username=postgres", "--dbname=registry", "-At", f"--command={text}")

        outside = """select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles r on r.oid = c.relowner
            where r.rolname = 'registry' and n.nspname not in ('instrument_registry', 'pg_toast')"""
        self.assertEqual(query(outside), "0")
        privileges = """select has_schema_privilege('registry', 'public', 'create') or has_database_privilege('registry', 'registry',
            'create') or rolsuper or rolcreatedb or rolcreaterole from pg_roles where rolname = 'registry'"""
        self.assertEqual(query(privileges), "f")
        self.assertEqual(query("select count(*) >= 5 from pg_tables where schemaname = 'instrument_registry'"), "t")

    def test_redis_shares_plans(self):
        self.assertEqual(stack.status_of("redis"), "ok")
        created = plan()
        key = f"instrument_registry:plan:1:{created['plan_data']['cache_key']}"
        self.assertEqual(stack.compose("exec", "-T", "redis", "redis-cli", "get", key), created["plan_id"])

    def test_container_is_as_specified(self):
        found = stack.container()
        stack.check_container(self, found)
        self.assertTrue(found["HostConfig"]["ReadonlyRootfs"])


class PausedDatabase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.id = f"readiness-{uuid.uuid4()}"
        with stack.during("pause", "postgres", "unpause"):
            start = time.monotonic()
            cls.status = request_plan(headers={"X-Correlation-ID": cls.id}).status
            cls.seconds = time.monotonic() - start
        stack.until_whole()
        stack.until_planned()

    def test_requests_end_within_the_timeout(self):
        self.assertIn(self.status, (503, 504))
        self.assertLessEqual(self.seconds, stack.settings()["INSTRUMENT_REGISTRY_PLANNER_TIMEOUT"] + 2)

    def test_log_lines_have_correlation_ids(self):
        def lines():
            log = stack.run("docker", "logs", stack.container()["Id"], stderr=subprocess.STDOUT)
            return [line for line in log.splitlines() if self.id in line]

        stack.until(f"a log line contains {self.id}", lines, 5)
        self.assertEqual(json.loads(lines()[0])["span"]["correlation_id"], self.id)


class MissingDependency(unittest.TestCase):
    def tearDown(self):
        stack.until_whole()
        stack.until_planned()

    def test_plans_are_created_without_redis(self):
        self.check_new_plan_without("redis")

    def test_plans_are_created_without_the_config_service(self):
        self.check_new_plan_without("config_service")

    def check_new_plan_without(self, dependency):
        with stack.during("stop", stack.SERVICE_OF[dependency], "start"):
            stack.until(f"{dependency} is unavailable in /ready", lambda: stack.status_of(dependency) == "unavailable")
            plan()

    def test_only_known_plans_are_served_without_the_database(self):
        def is_rejected():
            response = request_plan()
            return response.status == 503 and int(response.headers.get("Retry-After", 0)) > 0

        user = uuid.uuid4()
        plan(user)
        with stack.during("stop", "postgres", "start"):
            plan(user)
            # A host that is gone does not reject connections: requests time out until the circuit breaker opens.
            stack.until("a new plan request returns 503 with Retry-After", is_rejected)


if __name__ == "__main__":
    unittest.main(verbosity=2)
