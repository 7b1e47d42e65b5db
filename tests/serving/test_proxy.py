"""Through the proxy of serving/proxy: a real nginx with TLS on loopback before a service of two workers."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import httpx
import pytest

from serving.proxy import Place, profile
from tests.serving.running_service import Running, until
from tests.serving.slow_clients import LONGEST, Client
from tests.serving.small_bank import OWN

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx on this machine (apt install nginx)")
SLOW_CLIENTS = 120  # of each kind; `make bench-serving` takes 2,500 in all


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate that signs itself, for `localhost`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "cert.pem").write_bytes(made.public_bytes(encoding))
    (folder / "key.pem").write_bytes(key.private_bytes(encoding, form, plain))
    return folder / "cert.pem", folder / "key.pem"


@dataclass
class Proxy:
    """nginx before a service."""

    service: Running
    port: int
    process: subprocess.Popen[bytes]
    certificate: Path
    scheme: str = "https"

    @cached_property
    def trust(self) -> ssl.SSLContext:
        return self.trusting()

    def trusting(self, latest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        """Return how a client trusts the proxy, with protocols up to one."""
        made = ssl.create_default_context(cafile=str(self.certificate))
        made.minimum_version = min(latest, ssl.TLSVersion.TLSv1_2)
        made.maximum_version = latest
        return made

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}"

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.service.token}"}
        return httpx.Client(base_url=self.url, verify=self.trust, headers=headers, timeout=15)

    def attack(self, count: int, head: str, tail: str, seconds: float = 0.0) -> list[Client]:
        """Let slow clients in, and return what became of each."""
        return attack(self.port, self.certificate, count, head, tail, seconds)

    def memory(self) -> int:
        """Return resident bytes of proxy and workers."""
        return sum(map(resident, [*children(self.process.pid), *self.service.workers()]))


def children(process: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(process)], check=False, capture_output=True)
    return [process, *map(int, found.stdout.split())]


def resident(process: int) -> int:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def proxied(service: Running, folder: Path, connections: int = 64, scheme: str = "https") -> Proxy:
    """Start the proxy before a service; without TLS for a load that cannot encrypt quickly enough."""
    port, (cert, key) = free_port(), certificate(folder)
    place = Place(
        folder, f"127.0.0.1:{port}", f"127.0.0.1:{service.port}", cert, key, connections=connections
    )
    encrypted = profile(place)
    found = encrypted if scheme == "https" else encrypted.replace(f":{port} ssl ", f":{port} ")
    (folder / "nginx.conf").write_text(found)
    # Its workers read this folder: the system's user for them may not.
    user = ["-g", "user root;"] if os.getuid() == 0 else []
    assert NGINX is not None
    process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), *user])
    proxy = Proxy(service, port, process, cert, scheme)
    until(lambda: httpx.get(f"{proxy.url}/livez", verify=proxy.trust).status_code == 200)
    return proxy


@pytest.fixture(scope="module")
def proxy(service: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    found = proxied(service, tmp_path_factory.mktemp("nginx"))
    yield found
    found.process.terminate()
    found.process.wait(10)


def offers(client: httpx.Client) -> httpx.Response:
    return client.post("/v1/offers", json={"customer_id": OWN, "channel": "app"})


def test_an_answer_comes_through_encrypted_by_a_current_protocol(proxy: Proxy) -> None:
    with proxy.client() as client:
        answer = offers(client)
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert answer.headers["server"] == "nginx"  # without its version
    assert answer.headers.get_list("content-security-policy") == [
        "default-src 'none'; frame-ancestors 'none'"
    ]
    old = proxy.trusting(ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.raises(ssl.SSLError), socket.create_connection(("localhost", proxy.port)) as raw:
        old.wrap_socket(raw, server_hostname="localhost")
    plain = httpx.get(f"http://localhost:{proxy.port}/livez")
    assert plain.status_code == 400


def test_numbers_are_not_for_the_world_and_another_host_is_misdirected(proxy: Proxy) -> None:
    with proxy.client() as client:
        assert client.get("/metrics").status_code == 404
        assert client.get("/livez", headers={"Host": "evil.example"}).status_code == 421


def test_what_a_client_says_about_who_it_is_for_is_not_believed(proxy: Proxy) -> None:
    said = {
        "X-Forwarded-For": "10.1.2.3",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=10.1.2.3;host=evil.example",
    }
    with proxy.client() as client:
        answer = client.get("/readyz", headers=said)
    assert answer.status_code == 200
    assert "10.1.2.3" not in proxy.service.log()


def test_a_dead_worker_costs_no_answer_of_what_may_be_asked_twice(proxy: Proxy) -> None:
    """F23: questions are asked again of the other worker; then there are two again."""
    found: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        with proxy.client() as client:
            while not stop.is_set():
                found.append(offers(client).status_code)
                found.append(client.get("/readyz").status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    first = proxy.service.workers()[0]
    os.kill(first, signal.SIGKILL)
    until(lambda: len(proxy.service.workers()) == 2 and first not in proxy.service.workers())
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert set(found) == {200}
    assert len(found) > 50


@pytest.mark.parametrize("how", ["declared", "chunked"])
@pytest.mark.parametrize("behind", [True, False], ids=["proxy", "service"])
def test_an_oversized_body_is_refused_while_it_comes(proxy: Proxy, how: str, behind: bool) -> None:
    """F28: 413 before a megabyte was taken, and the memory stays."""
    until(proxy.service.has_begun)  # one that was started a moment ago grows by itself
    before = proxy.memory()
    port = proxy.port if behind else proxy.service.port
    trust = proxy.trusting(ssl.TLSVersion.TLSv1_2)  # the later one sends tickets, which are no answer
    with socket.create_connection(("localhost", port), timeout=10) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
        opened = trust.wrap_socket(raw, server_hostname="localhost") if behind else raw
        length = "Content-Length: 200000000" if how == "declared" else "Transfer-Encoding: chunked"
        head = f"POST /v1/offers HTTP/1.1\r\nHost: localhost:{port}\r\n{length}\r\n"
        head += f"Content-Type: application/json\r\nAuthorization: Bearer {proxy.service.token}\r\n\r\n"
        opened.sendall(head.encode())
        sent = pour(opened, b"1000\r\n" + b" " * 4096 + b"\r\n" if how == "chunked" else b" " * 4096)
        assert opened.recv(65536).startswith(b"HTTP/1.1 413")
    assert sent < 1_000_000
    assert proxy.memory() - before < 20_000_000


def pour(opened: socket.socket, part: bytes) -> int:
    """Send a part again and again until there is an answer, and return the bytes sent."""
    sent = 0
    while sent < 50_000_000:
        answered, free, _ = select.select([opened], [opened], [], 10)
        if answered:
            break
        if free:
            opened.sendall(part)
            sent += len(part)
    return sent


def attack(
    port: int, certificate: Path | None, count: int, head: str, tail: str, seconds: float = 0.0
) -> list[Client]:
    """Let a number of slow clients in within some seconds, and return what became of each."""
    trust = None if certificate is None else str(certificate)
    what = {"port": port, "trust": trust, "count": count, "head": head, "tail": tail, "seconds": seconds}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.serving.slow_clients"],
        input=json.dumps(what),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return [Client(**client) for client in json.loads(ran.stdout)]


def during(run: Callable[[], list[Client]], client: httpx.Client) -> list[Client]:
    """Ask for offers while slow clients are there, and get every answer; return what became of the clients.

    What others feel of them in milliseconds is measured by `make bench-serving`.
    """
    found: list[Client] = []
    attacker = threading.Thread(target=lambda: found.extend(run()))
    attacker.start()
    asked = 0
    while attacker.is_alive():
        assert offers(client).status_code == 200
        asked += 1
        time.sleep(0.02)
    attacker.join()
    assert asked > 5
    return found


@pytest.mark.slow
def test_slow_clients_are_cut_off_and_others_get_their_answers(proxy: Proxy) -> None:
    """F27: headers a byte a second are ended by the proxy; the service never hears of them."""
    head, tail = "GET /livez HTTP/1.1\r\nHost: localhost\r\n", "X-Slow: " + "x" * 30
    with proxy.client() as client:
        slow = during(lambda: proxy.attack(SLOW_CLIENTS, head, tail), client)
    assert max(one.sent for one in slow) < len(tail)
    assert len(slow) == SLOW_CLIENTS


@pytest.mark.slow
def test_clients_that_never_take_their_answers_are_cut_off_and_others_get_theirs(proxy: Proxy) -> None:
    """F27: questions by the hundred, of which no answer is read."""
    head = "GET /static/htmx.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40
    with proxy.client() as client:
        slow = during(lambda: proxy.attack(20, head, ""), client)
    assert min(one.seconds for one in slow) > 1.0  # they were let in, and asked
    assert max(one.seconds for one in slow) < LONGEST


@pytest.mark.slow
def test_bodies_byte_by_byte_hold_nothing_of_the_service_and_little_of_the_proxy(proxy: Proxy) -> None:
    """F27: beyond 64 of an address they are refused at once, and the service is not asked for the others."""
    head = "POST /v1/offers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += "Content-Length: 100\r\n\r\n"
    connected = connections_to(proxy.service.port)
    with proxy.client() as client:
        during(lambda: proxy.attack(60, head, "x" * 8), client)
        assert connections_to(proxy.service.port) <= connected + 2
    tail = "x" * 4
    refused = [one for one in proxy.attack(100, head, tail) if one.answered and one.sent < len(tail)]
    assert len(refused) >= 100 - 64


def connections_to(port: int) -> int:
    """Return how many connections to a port of this machine are open."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    wanted = f"0100007F:{port:04X}"
    return sum(line.split()[2] == wanted and line.split()[3] == "01" for line in lines)


@pytest.mark.slow
def test_without_the_proxy_a_slow_client_is_borne_for_as_long_as_it_likes(proxy: Proxy) -> None:
    """F27: why the proxy is part of the product."""
    head, tail = "GET /livez HTTP/1.1\r\nHost: localhost\r\n", "X-Slow: xxxx"
    slow = attack(proxy.service.port, None, 20, head, tail)
    assert {one.sent for one in slow} == {len(tail)}
