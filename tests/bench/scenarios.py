"""The scenarios. Each is a generator: it prepares a run, and yields the command to measure."""

import gzip
import itertools
import os
import shutil

SCENARIOS = {}


class Command:
    """A command to measure. `output` must contain `files` files afterwards."""

    def __init__(self, arguments, cwd=None, output=None, files=0, environment=None):
        self.arguments = arguments
        self.cwd = cwd
        self.output = output
        self.files = files
        self.environment = environment or {}


def scenario(title, rounds=1):
    """Declares a scenario, with a multiple of the usual rounds."""

    def declare(function):
        SCENARIOS[function.__name__.replace("_", "-")] = (title, rounds, function)
        return function

    return declare


class Input:
    """Files in a directory of their own, or the directory as one argument."""

    def __init__(self, directory, count, size, is_tree=False):
        self.directory = directory
        self.count = count
        parent = directory / "tree" if is_tree else directory
        parent.mkdir(parents=True)
        self.files = ["tree"] if is_tree else []
        for number in range(count):
            file = parent / f"file{number:05}"
            if is_tree:
                file = parent / f"{number // 500:03}" / file.name
                file.parent.mkdir(exist_ok=True)
            else:
                self.files.append(file.name)
            write_random(file, size)

    def change(self):
        """Changes the content of one file."""
        file = self.directory / self.files[len(self.files) // 2]
        write_random(file, file.stat().st_size)


def write_random(file, size):
    with file.open("wb") as stream:
        for start in range(0, size, 1 << 24):
            stream.write(os.urandom(min(1 << 24, size - start)))


@scenario("start-up (`version`)", rounds=5)
def start_up(bench, client):
    while True:
        yield Command(client.version())


def push_new(bench, client, host, data):
    while True:
        yield Command(client.push(host.new(), data.files), data.directory)


def push_again(bench, client, host, data, changed):
    reference = host.new()
    command = Command(client.push(reference, data.files), data.directory)
    bench.run(command)
    while True:
        if changed:
            data.change()
        yield command


def pull_new(bench, client, host, data, environment=None):
    reference = bench.pushed(host, data)
    while True:
        output = bench.new_directory()
        command = client.pull(reference, output)
        yield Command(command, None, output, data.count, environment)
        shutil.rmtree(output)


def pull_again(bench, client, host, data):
    output = bench.new_directory()
    command = client.pull(bench.pushed(host, data), output)
    command = Command(command, None, output, data.count)
    bench.run(command)
    while True:
        yield command


SMALL = "200 × 4 KiB"


@scenario(f"push {SMALL}, new")
def push(bench, client):
    return push_new(bench, client, bench.http, bench.input(200, 4096))


@scenario("… again, unchanged")
def push_unchanged(bench, client):
    return push_again(bench, client, bench.http, bench.input(200, 4096), changed=False)


@scenario("… again, one file changed")
def push_changed(bench, client):
    return push_again(bench, client, bench.http, bench.input(200, 4096), changed=True)


@scenario(f"pull {SMALL}")
def pull(bench, client):
    return pull_new(bench, client, bench.http, bench.input(200, 4096))


@scenario("… again")
def pull_unchanged(bench, client):
    return pull_again(bench, client, bench.http, bench.input(200, 4096))


@scenario("20 ms round trip: push 40 × 4 KiB, new")
def far_push(bench, client):
    return push_new(bench, client, bench.far, bench.input(40, 4096))


@scenario("… again, one file changed")
def far_push_changed(bench, client):
    return push_again(bench, client, bench.far, bench.input(40, 4096), changed=True)


@scenario("… pull")
def far_pull(bench, client):
    return pull_new(bench, client, bench.far, bench.input(40, 4096))


@scenario("… pull again")
def far_pull_unchanged(bench, client):
    return pull_again(bench, client, bench.far, bench.input(40, 4096))


@scenario("… attach a file")
def far_attach(bench, client):
    data = bench.input(1, 4096)
    while True:
        subject = bench.far.new()
        bench.run(bench.push(subject, data))
        yield Command(client.attach(subject, data.files[0]), data.directory)


@scenario("copy 20 × 2 MB to another registry")
def copy(bench, client):
    source = bench.image()
    while True:
        yield Command(client.copy(source, bench.other.new()))


@scenario("… again")
def copy_unchanged(bench, client):
    command = Command(client.copy(bench.image(), bench.other.new()))
    bench.run(command)
    while True:
        yield command


@scenario("… within the registry")
def copy_within(bench, client):
    source = bench.image()
    while True:
        yield Command(client.copy(source, bench.http.new()))


@scenario("… to a layout")
def copy_to_layout(bench, client):
    source = bench.image()
    while True:
        layout = bench.new_path()
        # oci-layout, index.json, the manifest, its config and its layers
        yield Command(client.copy_to_layout(source, layout), None, layout, 24)
        shutil.rmtree(layout)


@scenario(f"push {SMALL} to a layout")
def layout_push(bench, client):
    data = bench.input(200, 4096)
    while True:
        layout = bench.new_path()
        yield Command(client.push_layout(layout, data.files), data.directory)
        shutil.rmtree(layout)


@scenario("pull it from the layout")
def layout_pull(bench, client):
    data = bench.input(200, 4096)
    layout = bench.new_path()
    bench.run(Command(client.push_layout(layout, data.files), data.directory))
    while True:
        output = bench.new_directory()
        yield Command(client.pull_layout(layout, output), None, output, data.count)
        shutil.rmtree(output)


@scenario(f"pull {SMALL} into an empty cache (`ORAS_CACHE`)")
def cache_cold(bench, client):
    reference, data = bench.pushed(bench.http, bench.input(200, 4096)), bench.input(200, 4096)
    while True:
        output, cache = bench.new_directory(), bench.new_path()
        command = client.pull_cached(reference, output)
        yield Command(command, None, output, data.count, {"ORAS_CACHE": cache})
        shutil.rmtree(output)


@scenario("… with all content in the cache")
def cache_warm(bench, client):
    reference, data = bench.pushed(bench.http, bench.input(200, 4096)), bench.input(200, 4096)
    environment = {"ORAS_CACHE": bench.new_path()}
    for number in itertools.count():
        output = bench.new_directory()
        command = client.pull_cached(reference, output)
        command = Command(command, None, output, data.count, environment)
        if number == 0:
            bench.run(command)
            shutil.rmtree(output)
        yield command
        shutil.rmtree(output)


def transfers(name, title, host, count, size, is_tree=False):
    """Declares push and pull of new content."""

    def data(bench):
        return bench.input(count, size, is_tree)

    def push(bench, client):
        return push_new(bench, client, getattr(bench, host), data(bench))

    def pull(bench, client):
        return pull_new(bench, client, getattr(bench, host), data(bench))

    for verb, function in ("push", push), ("pull", pull):
        function.__name__ = f"{name}_{verb}"
        scenario(f"{verb} {title}")(function)


transfers("large", "1 GiB, http", "http", 1, 1 << 30)
transfers("large_tls", "1 GiB, TLS", "tls", 1, 1 << 30)
transfers("directory", "a directory of 1,000 files of 1 KiB", "http", 1000, 1024, True)
transfers("large_directory", "a directory of 50,000 files of 1 KiB", "http", 50_000, 1024, True)
