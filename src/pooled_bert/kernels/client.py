"""What this project asks of Kaggle: kernels and their outputs, hours of GPUs, and the rules of competitions."""

import enum
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..base.errors import InputError
from .build import read_kernel
from .connection import Connection, Refused, Unanswered

SERVICE = "kernels.KernelsApiService"
PAGE_SIZE = 100
PLAN_MARK = re.compile(r"plan ([0-9a-f]{12})")  # in the first lines of every kernel
END_OF_LOG = "END_OF_LOG"  # the last event of a log's stream
SETTINGS_PAGE = "https://www.kaggle.com/settings"


class State(enum.Enum):
    """The state of a kernel's latest version; the values are shown to the user."""

    ABSENT = "not pushed"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "in a state that Kaggle does not name"


ACTIVE = (State.QUEUED, State.RUNNING, State.UNKNOWN)
_STATES = {
    "QUEUED": State.QUEUED,
    "NEW_SCRIPT": State.QUEUED,
    "RUNNING": State.RUNNING,
    "COMPLETE": State.COMPLETE,
    "ERROR": State.FAILED,
    "CANCEL_REQUESTED": State.CANCELLED,
    "CANCEL_ACKNOWLEDGED": State.CANCELLED,
}


@dataclass(frozen=True)
class Status:
    """A kernel's state, and Kaggle's message about a failure."""

    state: State
    message: str = ""


@dataclass(frozen=True)
class OutputFile:
    """A file of a kernel's output: its path there, and where to download it from."""

    path: str
    url: str


@dataclass(frozen=True)
class Quota:
    """The hours of GPUs used in this week, and allowed; ``renewed``: when the next week begins, if Kaggle says so."""

    used: float
    allowed: float
    renewed: datetime | None

    def __str__(self) -> str:
        """Return the quota for people."""
        left = max(0.0, self.allowed - self.used)
        until = f", renewed at {self.renewed:%Y-%m-%d %H:%M} UTC" if self.renewed else ""
        return f"GPU hours this week: {self.used:.1f} used, {left:.1f} left{until}"


class NoFreeSlot(Exception):
    """Kaggle's limit of simultaneous kernels is reached; push again when one of them has ended."""


class QuotaUsedUp(Exception):
    """Kaggle's weekly GPU hours are used up."""


class Client:
    """Kaggle's kernels, by ``owner/slug``."""

    def __init__(self, connection: Connection):
        self.connection = connection

    def push(self, folder: Path, seconds: int) -> None:
        """Push a kernel's folder; the new version starts or is queued, and Kaggle ends it after ``seconds``.

        Raises NoFreeSlot or QuotaUsedUp. Raises Unanswered if nobody knows whether Kaggle received it. Raises
        InputError if Kaggle refused the kernel or one of its sources.
        """
        request = _save_request(folder, seconds)
        answer = self.connection.call(SERVICE, "SaveKernel", request, is_repeatable=False)
        message = str(answer.get("error") or "")
        words = message.lower()
        if "maximum batch" in words and "session" in words:
            raise NoFreeSlot(message)
        if "quota" in words and request.enable_gpu:
            raise QuotaUsedUp(message)
        if message:
            hint = f"; verify your phone on {SETTINGS_PAGE}" if "verif" in words or "phone" in words else ""
            raise InputError(f"{folder.name}: was not pushed; Kaggle reports: {message}{hint}")
        if not answer.get("versionNumber"):
            raise Unanswered(f"Kaggle's answer to a push is {answer}")
        _check_sources(folder, answer)

    def status(self, kernel: str) -> Status:
        """Return a kernel's state."""
        from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionStatusRequest

        try:
            answer = self._ask("GetKernelSessionStatus", ApiGetKernelSessionStatusRequest(), kernel)
        except Refused as error:
            if error.status in (403, 404):  # Kaggle's answers if the kernel does not exist
                return Status(State.ABSENT)
            raise
        name, message = str(answer.get("status")), str(answer.get("failureMessage") or "")
        state = _STATES.get(name.upper().removeprefix("KERNEL_WORKER_STATUS_"), State.UNKNOWN)
        return Status(state, f"status {name}" if state is State.UNKNOWN else message)

    def plan_mark(self, kernel: str) -> str | None:
        """Return the digest of the plan that a kernel's latest version was built from; None if it has none."""
        from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelRequest

        try:
            answer = self._ask("GetKernel", ApiGetKernelRequest(), kernel)
        except Refused:
            return None
        blob = answer.get("blob")
        return mark_in(str(blob.get("source"))) if isinstance(blob, dict) else None

    def files(self, kernel: str) -> list[OutputFile]:
        """Return the files of a complete kernel's output; raises InputError for a path that leads elsewhere."""
        from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

        files, token = [], ""
        while True:
            request = ApiListKernelSessionOutputRequest()
            request.page_size = PAGE_SIZE
            if token:
                request.page_token = token
            page = self._ask("ListKernelSessionOutput", request, kernel)
            for entry in page.get("files") or []:
                files.append(_output_file(kernel, entry))
            token = page.get("nextPageToken") or ""
            if not token:
                return files

    def log(self, kernel: str) -> str:
        """Return the log of a kernel's session that has ended, as plain text."""
        from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

        request = ApiListKernelSessionOutputRequest()
        request.page_size = 1
        return _log_text(str(self._ask("ListKernelSessionOutput", request, kernel).get("log") or ""))

    def live_log(self, kernel: str) -> str:
        """Return the log of a kernel that runs; empty if Kaggle shows none."""
        marked = [
            line for line in self.connection.listen("kernels/logs/stream", kernel) if line.startswith("data:")
        ]
        events = [line.removeprefix("data:").strip() for line in marked]
        return _log_text("[" + ",".join(event for event in events if event != END_OF_LOG) + "]")

    def quota(self) -> Quota | None:
        """Return this week's hours of GPUs; None if Kaggle does not say."""
        from kagglesdk.kernels.types import kernels_api_service

        request = kernels_api_service.ApiGetAcceleratorQuotaStatisticsRequest()
        try:
            answer = self.connection.call(SERVICE, "GetAcceleratorQuotaStatistics", request)
            gpu = answer["gpuQuota"]
            hours = [_hours(gpu[name]) for name in ("timeUsed", "totalTimeAllowed")]
        except (Refused, KeyError, TypeError, ValueError):
            return None
        return Quota(hours[0], hours[1], _time(answer.get("quotaRefreshTime")))

    def require_entered(self, competition: str) -> None:
        """Raise InputError, with the page to go to, if the user has not accepted the rules of a competition."""
        from kagglesdk.competitions.types.competition_api_service import ApiGetCompetitionRequest

        request = ApiGetCompetitionRequest()
        request.competition_name = competition
        try:
            answer = self.connection.call("competitions.CompetitionApiService", "GetCompetition", request)
        except Refused:
            return  # what matters is whether a push is refused
        if answer.get("userHasEntered") is False:
            raise InputError(_rules(competition))

    def _ask(self, method: str, request, kernel: str) -> dict:
        request.user_name, request.kernel_slug = kernel.split("/")
        return self.connection.call(SERVICE, method, request)


def mark_in(code: str) -> str | None:
    """Return the digest of the plan that a kernel's code was built from; None if the code has none."""
    mark = PLAN_MARK.search(code[:2000])
    return mark and mark[1]


def _save_request(folder: Path, seconds: int):
    from kagglesdk.kernels.types.kernels_api_service import ApiSaveKernelRequest

    metadata, text = read_kernel(folder)
    request = ApiSaveKernelRequest()
    request.slug, request.new_title = metadata["id"], metadata["title"]
    request.text = text
    request.language, request.kernel_type = metadata["language"], metadata["kernel_type"]
    for name in ("is_private", "enable_gpu", "enable_internet"):
        setattr(request, name, metadata[name])
    request.dataset_data_sources = metadata["dataset_sources"]
    request.competition_data_sources = metadata["competition_sources"]
    request.kernel_data_sources = metadata["kernel_sources"]
    if "machine_shape" in metadata:
        request.machine_shape = metadata["machine_shape"]
    request.session_timeout_seconds = seconds
    return request


def _check_sources(folder: Path, answer: dict) -> None:
    """Raise InputError for sources that were refused; Kaggle starts the kernel nevertheless, without these."""
    kinds = ("dataset", "competition", "kernel")
    refused = {kind: answer.get(f"invalid{kind.title()}Sources") or [] for kind in kinds}
    named = [f"{kind} {', '.join(names)}" for kind, names in refused.items() if names]
    if named:
        rules = "".join(f"; {_rules(name)}" for name in refused["competition"])
        raise InputError(
            f"{folder.name}: Kaggle refused {'; '.join(named)}; check that they exist and that you may read them{rules}"
        )


def _rules(competition: str) -> str:
    return f"accept the competition's rules on https://www.kaggle.com/c/{competition}/rules first"


def _output_file(kernel: str, entry) -> OutputFile:
    if not isinstance(entry, dict) or not (entry.get("fileName") and entry.get("url")):
        raise InputError(f"{kernel}: Kaggle's list of its output cannot be read: {entry}")
    path = Path(entry["fileName"])
    if path.is_absolute() or ".." in path.parts:
        raise InputError(
            f"{kernel}: its output lists the file {entry['fileName']!r}, which is outside the download folder; this"
            " file is refused"
        )
    return OutputFile(path.as_posix(), entry["url"])


def _log_text(text: str) -> str:
    """Return the text of a log's JSON records; ``text`` itself if it has no such records."""
    try:
        return "".join(record["data"] for record in json.loads(text))
    except (ValueError, TypeError, KeyError):
        return text


def _hours(duration: str) -> float:
    """Return the hours of a duration in seconds, such as "5400s"."""
    return timedelta(seconds=float(duration.removesuffix("s"))).total_seconds() / 3600


def _time(text: str | None) -> datetime | None:
    """Return a time of Kaggle's, in UTC; None if there is none."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
