"""A stand-in for Kaggle on 127.0.0.1, to which the real client is sent as to a proxy.

It keeps what Kaggle keeps: kernels, datasets, submissions, slots, weekly hours and tokens. A kernel goes queued ->
running -> complete or error, one step at each question for its status, or by the hours of a clock. What goes wrong on
the way is set by the tests.
"""

import json
import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kaggle_http import Handler, Server

SLOTS = {True: 2, False: 5}
WEEK_HOURS = 30.0
FIRST_WEEK = datetime(2026, 11, 21, tzinfo=UTC)
LARGEST_SCRIPT = 1_000_000
SECRET = "marked-secret-0123456789"
ACTIVE = ("QUEUED", "RUNNING")
UNPACKED = {".zip": zipfile.ZipFile, ".whl": zipfile.ZipFile, ".gz": tarfile.open, ".tar": tarfile.open}


class FakeClock:
    """A clock that tests set: pauses take no time."""

    def __init__(self):
        self.time, self.slept = datetime(2026, 11, 21, 6, tzinfo=UTC), 0.0

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.time += timedelta(seconds=seconds)


@dataclass
class Kernel:
    """The latest version of one kernel."""

    text: str
    metadata: dict
    version: int = 1
    status: str | None = "QUEUED"
    message: str = ""
    output: Path | None = None
    log: str = ""
    pushed: datetime | None = None
    is_started: bool = False
    lag: int = 0  # questions that are still answered with the status of the version before
    before: tuple = (None, None)  # status and output of the version before


@dataclass
class Kaggle:
    """The server's state, and its faults.

    execute : what a kernel does when it runs: (slug, kernel) -> folder of its output; raises to fail.
    """

    execute: Callable[[str, Kernel], Path]
    clock: FakeClock | None = None  # kernels take hours of this clock
    is_patient: bool = False  # kernels run beside the server, for as long as they take
    hours: Callable[[str], float] = lambda slug: 1.0  # that a kernel runs
    kernels: dict[str, Kernel] = field(default_factory=dict)
    quota: bool = False  # used up
    counts_hours: bool = False  # of GPUs, by the clock
    weeks: Counter = field(default_factory=Counter)  # number of the week -> hours used
    most_active: int = 0
    faults: list[tuple] = field(default_factory=list)  # (method, HTTP status or trouble), each answered once
    trouble: Callable[[str], object] = lambda method: None  # method -> HTTP status, trouble or None
    lag: int = 0
    full: int = 0  # pushes that are still to find no free slot
    cut: int = 0  # downloads that are still to be cut off
    expired: int = 0  # downloads that are still to be refused
    extra_names: list[str] = field(default_factory=list)  # of files that an output claims to have
    pushes: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)  # methods
    downloads: list[str] = field(default_factory=list)  # slug/path
    bytes: int = 0  # downloaded
    token: str | None = None  # the only one that is accepted; None: every login is
    token_until: datetime | None = None
    tokens_made: int = 0
    refresh_token: str | None = None
    has_entered: bool = True
    uploads: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # token -> name and content
    datasets: dict[str, dict[str, bytes]] = field(default_factory=dict)  # owner/slug -> name -> content
    submissions: list[dict] = field(default_factory=list)

    def __enter__(self):
        self.lock, self.closing = threading.RLock(), threading.Event()
        handler = type("Handler", (Handler,), {"kaggle": self})
        self.server = Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def environment(self) -> dict[str, str]:
        """What sends the client here, with credentials that are none."""
        proxy = f"http://127.0.0.1:{self.server.server_port}"
        return {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "http_proxy": proxy,
            "HTTP_PROXY": proxy,
            "no_proxy": "",
            "NO_PROXY": "",
            "KAGGLE_USERNAME": "someone",
            "KAGGLE_KEY": SECRET,
        }

    def log_in(self, monkeypatch, home: Path) -> None:
        """Have the client of this process use the server, with a home of its own."""
        for name, value in self.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home))
        monkeypatch.setenv("HOME", str(home))

    def active(self, gpu: bool = True) -> int:
        return sum(k.status in ACTIVE and k.metadata["enableGpu"] == gpu for k in self.kernels.values())

    def week(self) -> int:
        return (self.clock.now() - FIRST_WEEK).days // 7

    def push(self, request: dict) -> dict:
        self.go_on()
        slug, gpu = request["slug"].split("/")[1], request["enableGpu"]
        if len(request["text"].encode()) > LARGEST_SCRIPT:
            return {"error": "The script is too large"}
        if gpu and (self.quota or (self.counts_hours and self.weeks[self.week()] >= WEEK_HOURS)):
            return {"error": "Maximum weekly GPU quota of 30.00 hours reached."}
        if self.full or self.active(gpu) >= SLOTS[gpu]:
            self.full = max(0, self.full - 1)
            kind = "GPU session count" if gpu else "CPU sessions count"
            return {"error": f"Maximum batch {kind} of {SLOTS[gpu]} reached."}
        names = request.get("kernelDataSources", [])
        unknown = [name for name in names if name.split("/")[1] not in self.kernels]
        if unknown:
            return {"invalidKernelSources": unknown, "versionNumber": 1}
        old = self.kernels.get(slug)
        version, before = (old.version + 1, (old.status, old.output)) if old else (1, (None, None))
        now = self.clock.now() if self.clock else None
        self.kernels[slug] = Kernel(
            request["text"], request, version, pushed=now, lag=self.lag, before=before
        )
        self.pushes.append(slug)
        self.most_active = max(self.most_active, self.active())
        return {"versionNumber": version, "url": "http://localhost/"}

    def go_on(self) -> None:
        """Let the kernels run until now, by the clock."""
        for slug, kernel in self.kernels.items():
            if self.clock and kernel.status in ACTIVE:
                hours = (self.clock.now() - kernel.pushed).total_seconds() / 3600
                kernel.status = "RUNNING"
                if hours >= self.hours(slug):
                    self.weeks[self.week()] += self.hours(slug) if kernel.metadata["enableGpu"] else 0
                    self.run(slug, kernel)

    def run(self, slug: str, kernel: Kernel) -> None:
        try:
            kernel.output = self.execute(slug, kernel)
            kernel.status = "COMPLETE"
        except RuntimeError as error:
            kernel.status, kernel.message, kernel.log = "ERROR", "exit status 1", str(error)

    def status(self, request: dict) -> dict | int:
        slug = request["kernelSlug"]
        if slug not in self.kernels:
            return 403
        self.go_on()
        kernel = self.kernels[slug]
        if kernel.lag:
            kernel.lag -= 1
            return {"status": kernel.before[0]} if kernel.before[0] else 403
        answer = {"status": kernel.status, "failureMessage": kernel.message}
        if not self.clock and kernel.status == "QUEUED":
            kernel.status = "RUNNING"
        elif not self.clock and kernel.status == "RUNNING" and not kernel.is_started:
            kernel.is_started = True
            thread = threading.Thread(target=self.run, args=(slug, kernel), daemon=True)
            thread.start()
            if not self.is_patient:
                thread.join()
        return answer

    def source(self, request: dict) -> dict | int:
        kernel = self.kernels.get(request["kernelSlug"])
        return {"metadata": {}, "blob": {"source": kernel.text}} if kernel else 403

    def output(self, request: dict) -> dict:
        kernel = self.kernels[request["kernelSlug"]]
        folder = kernel.before[1] if kernel.lag else kernel.output
        paths = sorted(path for path in folder.rglob("*") if path.is_file()) if folder else []
        names = [*self.extra_names, *(path.relative_to(folder).as_posix() for path in paths)]
        start, size = int(request.get("pageToken") or 0), 3  # a few a page
        files = [
            {"fileName": name, "url": f"http://localhost/files/{request['kernelSlug']}/{name}"}
            for name in names[start : start + size]
        ]
        log = json.dumps([{"stream_name": "stdout", "time": 1.0, "data": kernel.log}])
        more = {"nextPageToken": str(start + size)} if start + size < len(names) else {}
        return {"files": files, "log": log, **more}

    def hours_left(self, request: dict) -> dict:
        used = self.weeks[self.week()] if self.clock else (WEEK_HOURS if self.quota else 4.5)
        quota = {"timeUsed": f"{used * 3600:.0f}s", "totalTimeAllowed": f"{WEEK_HOURS * 3600:.0f}s"}
        renewed = FIRST_WEEK + timedelta(weeks=self.week() + 1 if self.clock else 1)
        return {"gpuQuota": quota, "quotaRefreshTime": renewed.isoformat().replace("+00:00", "Z")}

    def competition(self, request: dict) -> dict:
        return {"ref": request["competitionName"], "userHasEntered": self.has_entered}

    def make_token(self, request: dict) -> dict | int:
        if request["refreshToken"] != self.refresh_token:
            return 401
        self.tokens_made += 1
        self.token = f"token-{self.tokens_made}-{SECRET}"
        self.token_until = self.clock.now() + timedelta(hours=12) if self.clock else None
        return {"token": self.token, "expiresIn": 43200, "userName": "someone"}

    def introspect(self, request: dict) -> dict:
        return {"active": request["token"] == self.token, "username": "someone"}

    def start_upload(self, request: dict) -> dict:
        token = f"upload-{len(self.uploads)}"
        self.uploads[token] = (request.get("name") or request["fileName"], b"")
        return {"token": token, "createUrl": f"http://localhost/upload/{token}"}

    def dataset_status(self, request: dict) -> dict | int:
        return (
            {"status": "ready"}
            if f"{request['ownerSlug']}/{request['datasetSlug']}" in self.datasets
            else 404
        )

    def create_dataset(self, request: dict) -> dict:
        body = request.get("body") or request
        name = f"{request['ownerSlug']}/{request.get('slug') or request['datasetSlug']}"
        self.datasets[name] = dict(self.uploads[file["token"]] for file in body["files"])
        return {"status": "ok", "url": f"http://localhost/{name}"}

    def mount(self, name: str, folder: Path) -> None:
        """Write a dataset as kernels see it: archives are unpacked into folders of their name."""
        folder.mkdir(parents=True)
        for file, content in self.datasets[name].items():
            path = folder / file
            path.write_bytes(content)
            if path.suffix in UNPACKED:
                packed = path.rename(folder / "packed")
                with UNPACKED[path.suffix](packed) as archive:
                    archive.extractall(folder / path.stem)
                packed.unlink()

    def submit(self, request: dict) -> dict:
        name, content = self.uploads[request["blobFileTokens"]]
        self.submissions.insert(
            0,
            {
                "description": request["submissionDescription"],
                "fileName": name,
                "content": content,
                "status": "PENDING",
            },
        )
        return {"message": "Successfully submitted", "ref": len(self.submissions)}

    def list_submissions(self, request: dict) -> dict:
        answer = [{k: v for k, v in entry.items() if k != "content"} for entry in self.submissions]
        for entry in self.submissions:
            if entry["status"] == "PENDING":
                entry |= {"status": "COMPLETE", "publicScore": "0.98123", "privateScore": "0.98045"}
        return {"submissions": answer}
