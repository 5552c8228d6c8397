"""The requests that the stand-in for Kaggle answers, well or with the trouble that a test asks for."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kaggle_server import Kaggle

SILENCE = 0.5  # seconds until the tests' clients give up

# What an answer can be in place of Kaggle's: status, type and text.
TROUBLES = {
    "html": (200, "text/html", "<html><body>We will be right back</body></html>"),
    "garbage": (200, "application/json", "\x00\x01 no JSON"),
    "list": (200, "application/json", "[1, 2]"),
    "null": (200, "application/json", "null"),
    "empty": (200, "application/json", "{}"),
    "hidden": (200, "application/json", '{"code": 503, "message": "in the body"}'),
    "other shape": (400, "application/json", '{"error": {"code": 400, "message": "the other words"}}'),
    "blocked": (403, "text/html", "<html>Are you human?</html>"),
}


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say nothing about clients that are gone."""


class Handler(BaseHTTPRequestHandler):
    kaggle: "Kaggle"
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "{}")
        method = self.path.rsplit("/", 1)[-1]
        kaggle = self.kaggle
        actions = {
            "SaveKernel": kaggle.push,
            "GetKernelSessionStatus": kaggle.status,
            "ListKernelSessionOutput": kaggle.output,
            "GetKernel": kaggle.source,
            "GetAcceleratorQuotaStatistics": kaggle.hours_left,
            "GetCompetition": kaggle.competition,
            "GenerateAccessToken": kaggle.make_token,
            "IntrospectToken": kaggle.introspect,
            "StartBlobUpload": kaggle.start_upload,
            "StartSubmissionUpload": kaggle.start_upload,
            "GetDatasetStatus": kaggle.dataset_status,
            "CreateDataset": kaggle.create_dataset,
            "CreateDatasetVersion": kaggle.create_dataset,
            "CreateSubmission": kaggle.submit,
            "ListSubmissions": kaggle.list_submissions,
        }
        with kaggle.lock:
            kaggle.requests.append(method)
            fault = next((fault for fault in kaggle.faults if fault[0] == method), None)
            if fault:
                kaggle.faults.remove(fault)
            trouble = fault[1] if fault else kaggle.trouble(method)
            if trouble and trouble != "cut after":
                return self._trouble(trouble)
            if not self._is_signed(method):
                return self._answer(401, {"code": 401, "message": "Unauthenticated"})
            answer = actions[method](body)
        if trouble == "cut after":  # it arrived, but nobody is told
            return self._cut()
        if isinstance(answer, int):
            message = "Permission 'kernels.get' was denied"
            return self._answer(answer, {"code": answer, "message": message})
        return self._answer(200, answer)

    def do_GET(self):
        kaggle = self.kaggle
        if "/logs/stream/" in self.path:
            return self._stream(kaggle.kernels[self.path.rsplit("/", 1)[1]].log)
        slug, name = self.path.split("/files/", 1)[1].split("/", 1)
        if kaggle.expired:
            kaggle.expired -= 1
            return self._answer(403, {"code": 403, "message": "the address has expired"})
        kernel = kaggle.kernels[slug]
        content = ((kernel.before[1] if kernel.lag else kernel.output) / name).read_bytes()
        kaggle.downloads.append(f"{slug}/{name}")
        kaggle.bytes += len(content)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if kaggle.cut:
            kaggle.cut -= 1
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return None
        return self.wfile.write(content)

    def _stream(self, log: str):
        """Send the log of a kernel that runs, line by line, and go silent."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for line in log.splitlines(keepends=True):
            event = json.dumps({"stream_name": "stdout", "time": 1.0, "data": line})
            self.wfile.write(f"data: {event}\n\n".encode())
        self.wfile.flush()
        self.kaggle.closing.wait(3 * SILENCE)
        self.close_connection = True

    def do_PUT(self):
        token = self.path.rsplit("/", 1)[-1]
        name, _ = self.kaggle.uploads[token]
        self.kaggle.uploads[token] = (name, self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(200, {})

    def _is_signed(self, method: str) -> bool:
        kaggle = self.kaggle
        if method in ("GenerateAccessToken", "IntrospectToken") or kaggle.token is None:
            return True
        is_fresh = kaggle.token_until is None or kaggle.clock.now() < kaggle.token_until
        return is_fresh and self.headers["Authorization"] == f"Bearer {kaggle.token}"

    def _trouble(self, trouble):
        if trouble == "cut":
            return self._cut()
        if trouble == "silence":
            self.kaggle.closing.wait(3 * SILENCE)
            return self._cut()
        if isinstance(trouble, int):
            return self._answer(trouble, {"code": trouble, "message": "try again"})
        status, kind, text = TROUBLES[trouble]
        return self._send(status, kind, text.encode())

    def _cut(self):
        self.close_connection = True

    def _answer(self, status: int, content: dict):
        self._send(status, "application/json", json.dumps(content).encode())

    def _send(self, status: int, kind: str, data: bytes):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass
