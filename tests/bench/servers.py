"""Registries on loopback, and a relay that delays their responses."""

import queue
import re
import socket
import subprocess
import threading
import time

CONFIG = """\
version: 0.1
log: {{level: error}}
storage:
  cache: {{blobdescriptor: inmemory}}
  filesystem: {{rootdirectory: {directory}/data}}
  delete: {{enabled: true}}
http:
  addr: 127.0.0.1:{port}
"""
TLS_CONFIG = """\
  tls: {{certificate: {certificate}, key: {key}}}
"""
REQUEST = re.compile(rb'"[A-Z]+ /v2/\S* HTTP/')


class Host:
    """A host that clients connect to."""

    def __init__(self, port, is_tls=False):
        self.name = f"127.0.0.1:{port}"
        self.port = port
        self.is_tls = is_tls
        self.repositories = 0

    def new(self):
        """Returns a reference to a new repository."""
        self.repositories += 1
        return Reference(self, f"bench-{self.port}/r{self.repositories}", "v1")


class Reference:
    """A tag of a repository."""

    def __init__(self, host, repository, tag):
        self.host = host
        self.repository = repository
        self.tag = tag

    def __str__(self):
        return f"{self.host.name}/{self.repository}:{self.tag}"


class Registry(Host):
    """docker-registry, with its own storage."""

    def __init__(self, directory, tls=None):
        super().__init__(free_port(), tls is not None)
        directory.mkdir()
        config = CONFIG.format(directory=directory, port=self.port)
        if tls:
            config += TLS_CONFIG.format(certificate=tls[0], key=tls[1])
        (directory / "config.yml").write_text(config)
        self.log = directory / "log"
        self.process = subprocess.Popen(
            ["docker-registry", "serve", directory / "config.yml"],
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        wait_for(self.port)

    def requests(self):
        """Returns the number of requests so far."""
        return len(REQUEST.findall(self.log.read_bytes()))

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Relay(Host):
    """Delays each direction of the connections to a registry, without a limit on bandwidth."""

    def __init__(self, registry, round_trip):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        super().__init__(self.listener.getsockname()[1], registry.is_tls)
        self.target = registry.port
        self.delay = round_trip / 2
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.target))
            for connection in client, server:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A handshake takes a round trip before the first byte.
            established = time.monotonic() + 2 * self.delay
            self.forward(client, server, established)
            self.forward(server, client, established)

    def forward(self, source, destination, established):
        chunks = queue.SimpleQueue()

        def read():
            while True:
                try:
                    chunk = source.recv(1 << 18)
                except OSError:
                    chunk = b""
                chunks.put((max(time.monotonic(), established) + self.delay, chunk))
                if not chunk:
                    return

        def write():
            while True:
                due, chunk = chunks.get()
                time.sleep(max(0, due - time.monotonic()))
                try:
                    if not chunk:
                        destination.shutdown(socket.SHUT_WR)
                        return
                    destination.sendall(chunk)
                except OSError:
                    return

        for function in read, write:
            threading.Thread(target=function, daemon=True).start()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def certificate(directory):
    """Creates a certificate for 127.0.0.1 and returns the paths of certificate and key."""
    paths = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        + ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-out", paths[0], "-keyout", paths[1]],
        check=True,
        capture_output=True,
    )
    return paths
