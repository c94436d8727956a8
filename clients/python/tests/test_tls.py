"""Both clients against a service behind TLS, whose certificate a private CA could have signed."""

import http.server
import ssl
import subprocess
import threading

import pytest

from instrument_registry import ConfigurationError, NotFound, Retries


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """A rejected certificate is not an error of the test."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The files of a certificate of `localhost` that has signed itself, and of its key."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem", "-out", folder / "ca.pem"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "ca.pem", folder / "key.pem"


@pytest.fixture
def https(certificate):
    """The address of a server with the certificate. It knows no path."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_rejected_certificate_is_not_retried(kind, https, caplog):
    caplog.set_level("INFO", logger="instrument_registry.transport")
    with kind(https, "key", retries=Retries(pause=0)) as registry, pytest.raises(ConfigurationError) as raised:
        registry.plan("plan_1")
    assert raised.value.code == "certificate_rejected"
    assert "CERTIFICATE_VERIFY_FAILED" in raised.value.detail
    assert "`verify`, or set SSL_CERT_FILE" in raised.value.detail
    assert caplog.records == []


def test_a_private_ca_can_be_an_argument(kind, https, certificate):
    context = ssl.create_default_context(cafile=certificate[0])
    with kind(https, "key", verify=context) as registry, pytest.raises(NotFound):
        registry.plan("plan_1")


def test_a_private_ca_can_be_in_the_environment(kind, https, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with kind(https, "key") as registry, pytest.raises(NotFound):
        registry.plan("plan_1")


@pytest.mark.parametrize("url", ["127.0.0.1:8901", "localhost:8901", "registry", "ftp://registry"])
def test_a_url_has_a_scheme(kind, url):
    with pytest.raises(ValueError, match="expected a URL that starts with `http://` or `https://`, got"):
        kind(url, "key")
