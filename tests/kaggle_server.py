"""A stand-in for Kaggle's kernels on 127.0.0.1, to which the real client is sent as to a proxy.

It keeps for each kernel what Kaggle keeps: queued -> running -> complete or error, one step at each question for its
status. What goes wrong on the way is set by the tests.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GPU_SLOTS = 2
LARGEST_SCRIPT = 1_000_000


@dataclass
class Kernel:
    """The latest version of one kernel."""

    text: str
    metadata: dict
    version: int = 1
    status: str = "QUEUED"
    message: str = ""
    output: Path | None = None
    log: str = ""


@dataclass
class Kaggle:
    """The server's state, and its faults.

    execute : what a kernel does when it runs: (slug, kernel) -> folder of its output; raises to fail.
    """

    execute: Callable[[str, Kernel], Path]
    kernels: dict[str, Kernel] = field(default_factory=dict)
    quota: bool = False  # used up
    faults: list[tuple[str, int]] = field(default_factory=list)  # (method, HTTP status), each answered once
    cut: int = 0  # downloads that are still to be cut off
    extra_names: list[str] = field(default_factory=list)  # of files that an output claims to have
    pushes: list[str] = field(default_factory=list)
    most_active: int = 0

    def __enter__(self):
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"kaggle": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
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
            "KAGGLE_KEY": "marked-secret-0123456789",
        }

    def active(self) -> int:
        return sum(
            k.status in ("QUEUED", "RUNNING") and k.metadata["enableGpu"] for k in self.kernels.values()
        )

    def push(self, request: dict) -> dict:
        slug = request["slug"].split("/")[1]
        if len(request["text"].encode()) > LARGEST_SCRIPT:
            return {"error": "The script is too large"}
        if self.quota:
            return {"error": "Maximum weekly GPU quota of 30.00 hours reached."}
        if request["enableGpu"] and self.active() >= GPU_SLOTS:
            return {"error": "Maximum batch GPU session count of 2 reached."}
        unknown = [
            name for name in request.get("kernelDataSources", []) if name.split("/")[1] not in self.kernels
        ]
        if unknown:
            return {"invalidKernelSources": unknown, "versionNumber": 1}
        version = self.kernels[slug].version + 1 if slug in self.kernels else 1
        self.kernels[slug] = Kernel(request["text"], request, version)
        self.pushes.append(slug)
        self.most_active = max(self.most_active, self.active())
        return {"versionNumber": version, "url": "http://localhost/"}

    def status(self, request: dict) -> dict | int:
        slug = request["kernelSlug"]
        if slug not in self.kernels:
            return 403
        kernel = self.kernels[slug]
        answer = {"status": kernel.status, "failureMessage": kernel.message}
        if kernel.status == "QUEUED":
            kernel.status = "RUNNING"
        elif kernel.status == "RUNNING":
            try:
                kernel.output = self.execute(slug, kernel)
                kernel.status = "COMPLETE"
            except RuntimeError as error:
                kernel.status, kernel.message, kernel.log = "ERROR", "exit status 1", str(error)
        return answer

    def output(self, request: dict) -> dict:
        kernel = self.kernels[request["kernelSlug"]]
        paths = sorted(path for path in kernel.output.rglob("*") if path.is_file()) if kernel.output else []
        names = [*self.extra_names, *(path.relative_to(kernel.output).as_posix() for path in paths)]
        start, size = int(request.get("pageToken") or 0), 3  # a few a page
        files = [
            {"fileName": name, "url": f"http://localhost/files/{request['kernelSlug']}/{name}"}
            for name in names[start : start + size]
        ]
        log = json.dumps([{"stream_name": "stdout", "time": 1.0, "data": kernel.log}])
        more = {"nextPageToken": str(start + size)} if start + size < len(names) else {}
        return {"files": files, "log": log, **more}


class _Handler(BaseHTTPRequestHandler):
    kaggle: Kaggle

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "{}")
        method = self.path.rsplit("/", 1)[-1]
        actions = {
            "SaveKernel": self.kaggle.push,
            "GetKernelSessionStatus": self.kaggle.status,
            "ListKernelSessionOutput": self.kaggle.output,
        }
        with self.kaggle.lock:
            fault = next((fault for fault in self.kaggle.faults if fault[0] == method), None)
            if fault:
                self.kaggle.faults.remove(fault)
                return self._answer(fault[1], {"code": fault[1], "message": "try again"})
            answer = actions[method](body)
        if isinstance(answer, int):
            return self._answer(answer, {"code": answer, "message": "Permission 'kernels.get' was denied"})
        return self._answer(200, answer)

    def do_GET(self):
        slug, name = self.path.split("/files/", 1)[1].split("/", 1)
        content = (self.kaggle.kernels[slug].output / name).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.kaggle.cut:
            self.kaggle.cut -= 1
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return
        self.wfile.write(content)

    def _answer(self, status: int, content: dict):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass
