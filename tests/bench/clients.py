"""The command lines of each client. A client has no method for an operation that it lacks."""

import os
import re
import shutil
import subprocess

ARTIFACT_TYPE = "application/vnd.bench"
IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"
FILE = "application/octet-stream"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Oras:
    """This command, or the original."""

    def __init__(self, name, program):
        self.name = name
        self.program = program

    def version(self):
        return [self.program, "version"]

    def plain(self, reference, side=""):
        return f"--{side}plain-http={'false' if reference.host.is_tls else 'true'}"

    def push(self, reference, files):
        return [self.program, "push", self.plain(reference), str(reference), *files]

    def push_image(self, reference, config, layers):
        config = f"--config={config}:{IMAGE_CONFIG}"
        return self.push(reference, [config, *(f"{layer}:{LAYER}" for layer in layers)])

    def pull(self, reference, output):
        return [self.program, "pull", self.plain(reference), str(reference), "-o", output]

    pull_cached = pull

    def attach(self, reference, file):
        return [self.program, "attach", self.plain(reference), str(reference)] + [
            "--artifact-type",
            ARTIFACT_TYPE,
            file,
        ]

    def copy(self, source, destination):
        sides = self.plain(source, "from-"), self.plain(destination, "to-")
        return [self.program, "cp", *sides, str(source), str(destination)]

    def copy_to_layout(self, source, layout):
        plain = self.plain(source, "from-")
        return [self.program, "cp", plain, str(source), "--to-oci-layout", f"{layout}:v1"]

    def push_layout(self, layout, files):
        return [self.program, "push", "--oci-layout", f"{layout}:v1", *files]

    def pull_layout(self, layout, output):
        return [self.program, "pull", "--oci-layout", f"{layout}:v1", "-o", output]


class Crane:
    """crane copies images."""

    name = "crane"

    def __init__(self, program):
        self.program = program

    def version(self):
        return [self.program, "version"]

    def copy(self, source, destination):
        return [self.program, "copy", str(source), str(destination)]

    def copy_to_layout(self, source, layout):
        return [self.program, "pull", "--format=oci", str(source), layout]


class Regctl:
    """regctl copies images, and pushes and pulls artifacts of files."""

    name = "regctl"

    def __init__(self, program):
        self.program = program

    def version(self):
        return [self.program, "version"]

    def hosts(self, *references):
        return [
            f"--host=reg={reference.host.name},tls=disabled"
            for reference in references
            if not reference.host.is_tls
        ]

    def push(self, reference, files):
        return [*self.put(reference, files), str(reference)]

    def pull(self, reference, output):
        command = [self.program, "artifact", "get", *self.hosts(reference)]
        return command + ["--output", output, str(reference)]

    def attach(self, reference, file):
        return [*self.put(reference, [file]), "--subject", str(reference)]

    def put(self, reference, files):
        command = [self.program, "artifact", "put", *self.hosts(reference), "--file-title"]
        command += ["--artifact-type", ARTIFACT_TYPE]
        for file in files:
            command += ["--file", file, "--file-media-type", FILE]
        return command

    def copy(self, source, destination):
        hosts = self.hosts(source, destination)
        return [self.program, "image", "copy", *hosts, str(source), str(destination)]

    def copy_to_layout(self, source, layout):
        hosts = self.hosts(source)
        return [self.program, "image", "copy", *hosts, str(source), f"ocidir://{layout}:v1"]


class Skopeo:
    """skopeo copies images."""

    name = "skopeo"

    def __init__(self, program):
        self.program = program

    def version(self):
        return [self.program, "--version"]

    def copy(self, source, destination):
        return self.copy_image(source, f"docker://{destination}")

    def copy_to_layout(self, source, layout):
        return self.copy_image(source, f"oci:{layout}:v1")

    def copy_image(self, source, destination):
        command = [self.program, "copy", "--insecure-policy", "--quiet"]
        command += ["--src-tls-verify=false", "--dest-tls-verify=false"]
        return command + [f"docker://{source}", destination]


class Python:
    """ORAS Python, through an interpreter that has it."""

    name = "ORAS Python"
    prelude = (
        "import sys; from oras.client import OrasClient; "
        "client = OrasClient(insecure=sys.argv[1] == 'http'); target = sys.argv[2]; "
    )

    def __init__(self, interpreter):
        self.interpreter = interpreter

    def version(self):
        return [self.interpreter, "-c", "import oras, oras.client; print(oras.__version__)"]

    def call(self, call, reference, arguments):
        scheme = "https" if reference.host.is_tls else "http"
        command = [self.interpreter, "-c", self.prelude + call, scheme, str(reference)]
        return command + arguments

    def push(self, reference, files):
        return self.call("client.push(target=target, files=sys.argv[3:])", reference, list(files))

    def pull(self, reference, output):
        return self.call("client.pull(target=target, outdir=sys.argv[3])", reference, [output])


def find(environment):
    """Returns the clients that are installed: this command first, and the original second."""
    directory = os.path.dirname(os.path.abspath(__file__))
    built = os.path.join(directory, "../../target/release/oras")
    ours = os.path.abspath(os.environ.get("ORAS", built))
    if not os.path.exists(ours):
        raise SystemExit(f"{ours} does not exist: run `cargo build --release`, or set ORAS")
    clients = [Oras("this", ours)]
    original = os.environ.get("ORAS_ORIGINAL") or shutil.which("oras")
    if original and "+rs" not in version(Oras("", original), environment):
        clients.append(Oras("oras", original))
    for kind, program in (Crane, "crane"), (Regctl, "regctl"), (Skopeo, "skopeo"):
        if path := shutil.which(program):
            clients.append(kind(path))
    python = os.environ.get("ORAS_PYTHON")
    if python and version(Python(python), environment):
        clients.append(Python(python))
    return clients


def version(client, environment):
    """Returns the version that a client prints, or nothing if it fails."""
    output = subprocess.run(client.version(), env=environment, capture_output=True, text=True)
    numbers = re.search(r"\d+\.\d+\.\d+(\+rs\.[\d.]+\w*)?", output.stdout)
    return numbers.group() if numbers and output.returncode == 0 else ""
