"""Checks of a deployment, in the order of deploy/compose-test.sh.

Usage: deployment.py Image       the image stocksblitz-instrument-registry:latest
       deployment.py Platform    the running container of the platform
       deployment.py Load        the stack under load: LOAD_MINUTES=0.5 is the duration of a scenario; needs target/release/loadtest
       deployment.py Restarts    the stack while its containers are restarted and killed; requires root
"""

import gzip
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import unittest

import stack
from service import finished
from stack import PLANS, REGISTRY, api, run

IMAGE = "stocksblitz-instrument-registry:latest"
# The maximum size that the image may add to its base image.
ADDED_BYTES_MAX = 60_000_000
CONTAINERS = ("redis", "config-service", "postgres", "instrument-registry")

INSTRUMENTS = 250_000
SECONDS = int(60 * float(os.environ.get("LOAD_MINUTES", "0.5")))
# Longer runs of new plans have a rate limit, because more plans than this cannot be read back in time.
SCENARIOS = {"cold": ["--rate", "1500"] if SECONDS > 60 else [], "warm": [], "mixed": []}
P99_MS_MAX = {"new": 500, "repeat": 100}
MEMORY_MB_MAX = 256


class Image(unittest.TestCase):
    def test_image_is_small(self):
        added = stack.inspect(IMAGE)["Size"] - stack.inspect("debian:bookworm-slim")["Size"]
        print(f"size added to the base image: {added} bytes", flush=True)
        self.assertLessEqual(added, ADDED_BYTES_MAX)

    def test_image_has_user_health_check_and_title(self):
        config = stack.inspect(IMAGE)["Config"]
        self.assertEqual(config["User"], "10001:10001")
        self.assertEqual(config["Healthcheck"]["Test"][0], "CMD-SHELL")
        self.assertEqual(config["Labels"]["org.opencontainers.image.title"], "instrument-registry")

    def test_binary_lists_its_dependencies(self):
        # cargo-auditable adds a section with this name.
        run("docker", "run", "--rm", "--entrypoint", "grep", IMAGE, "--quiet", "--text", r"\.dep-v0", "/usr/local/bin/instrument-registry")

    def test_container_works_read_only_without_a_volume(self):
        variables = ("--env=PORT=8901", "--env=INTERNAL_API_KEY=fake", "--env=CONFIG_SERVICE_URL=http://127.0.0.1:9")
        container = run("docker", "run", "--detach", "--read-only", *variables, IMAGE)
        self.addCleanup(run, "docker", "rm", "--force", container)
        stack.until("/health returns 200", lambda: run("docker", "exec", container, "curl", "-fsS", "http://localhost:8901/health"), 10)


class Platform(unittest.TestCase):
    def test_service_works_as_a_part_of_the_platform(self):
        stack.until_ready()
        api.json("GET", "/health")
        stack.plan()
        stack.check_container(self, stack.inspect("sb-instrument-registry-prod"))


def ingest_catalog():
    columns = ("instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,"
               "segment,exchange")
    rows = [f"{number},{number},STOCK{number},STOCK {number} LIMITED,0,,0,0.05,1,EQ,NSE,NSE" for number in range(1, INSTRUMENTS)]
    rows.append(f"{INSTRUMENTS},{INSTRUMENTS},TCS,TATA CONSULTANCY SERV,0,,0,0.05,1,EQ,NSE,NSE")
    file = gzip.compress("\n".join([columns, *rows, ""]).encode())
    job = api.json("POST", f"{REGISTRY}/brokers/kite/ingest?force=true", file, {"Content-Type": "application/octet-stream"})
    job = finished(api, job["job_id"], seconds=60)
    assert job["status"] == "completed", job
    # The service serves an accepted file after a few seconds.
    stack.until(f"{INSTRUMENTS} instruments are served", lambda: served() >= INSTRUMENTS, 20)


def served():
    return api.json("GET", f"{REGISTRY}/catalog/summary")["total_instruments"]


def send_load(scenario, options):
    """Runs a scenario of the load test, which checks every response and reads all plans back. Returns its report."""
    with tempfile.NamedTemporaryFile("w") as key:
        key.write(api.key)
        key.flush()
        program = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", stack.ROOT / "target")) / "release/loadtest"
        arguments = ["--url", api.url, "--key-file", key.name, "--connections=50", f"--seconds={SECONDS}", "--requests=20000000",
                     f"--seed={random.randrange(1 << 32)}", "--verify", "--json"]
        done = subprocess.run([program, "run", scenario, *arguments, *options], stdout=subprocess.PIPE, check=False)
    # Without a connection there is no report, only the message on standard error.
    report = json.loads(done.stdout or "{}")
    assert done.returncode == 0, {name: report.get(name) for name in ("faults", "verification", "outcomes")}
    return report


class Load(unittest.TestCase):
    def test_service_keeps_its_limits_under_load(self):
        ingest_catalog()
        for scenario, options in SCENARIOS.items():
            with self.subTest(scenario):
                self.check(send_load(scenario, options))
        self.check_memory()

    def check(self, report):
        p99 = {kind: figures["latency"]["p99_ms"] for kind, figures in report["kinds"].items()}
        print(f"{report['scenario']}: {report['goodput_per_second']} per second, p99 in ms: {p99}", flush=True)
        self.assertEqual(report["refused"]["count"], 0)
        self.assertEqual(report["unsent"], 0)
        self.assertGreater(report["seconds"], SECONDS - 2)
        self.assertTrue(p99)
        for kind in P99_MS_MAX.keys() & p99.keys():
            self.assertLess(p99[kind], P99_MS_MAX[kind], kind)

    def check_memory(self):
        # Control groups of version 1 and 2 have different files.
        files = "/proc/1/status /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control"
        text = stack.compose("exec", "-T", "instrument-registry", "sh", "-c", f"cat {files} 2>/dev/null || true")
        peak = int(re.search(r"^VmHWM:\s+(\d+) kB$", text, re.MULTILINE)[1]) >> 10
        print(f"peak resident memory: {peak} MB", flush=True)
        self.assertLessEqual(peak, MEMORY_MB_MAX)
        self.assertEqual(re.findall(r"^oom_kill (\d+)$", text, re.MULTILINE), ["0"])
        self.assertFalse(stack.container()["State"]["OOMKilled"])
        self.assertEqual(stack.container()["RestartCount"], 0)


class Restarts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack.until_whole()
        cls.kept = stack.plan()["plan_id"]

    def check_recovery(self):
        stack.until_whole()
        stack.until_planned()
        api.json("GET", f"{PLANS}/plans/{self.kept}")

    def test_service_recovers_from_a_rolling_restart(self):
        for service in CONTAINERS:
            with self.subTest(service):
                stack.compose("restart", "--timeout", "15", service)
                self.check_recovery()

    def test_service_recovers_from_a_kill_of_each_container(self):
        for service in CONTAINERS:
            with self.subTest(service):
                before = stack.container(service)
                # From outside the engine, because the engine does not restart a container that it stopped itself.
                os.kill(before["State"]["Pid"], signal.SIGKILL)
                count = before["RestartCount"] + 1
                stack.until(f"{service} restarts", lambda: stack.container(service)["RestartCount"] >= count, 30)
                self.check_recovery()


if __name__ == "__main__":
    unittest.main(verbosity=2)
