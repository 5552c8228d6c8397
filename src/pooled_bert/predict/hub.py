"""Upload an export to the Hugging Face Hub; done on request only."""

import sys
from pathlib import Path

import requests
from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import disable_progress_bars, validate_repo_id

from ..base.errors import InputError

LOGIN = "set the variable HF_TOKEN to a token that may write, or log in with .venv/bin/hf auth login"


def check_push(repo: str) -> None:
    """Raise InputError if ``repo`` cannot be a repository's name, or if there is no token; nothing is sent."""
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise InputError(
            f"--push {repo}: is not the name of a repository, e.g. OWNER/NAME ({error})"
        ) from error
    if get_token() is None:
        raise InputError(f"--push {repo}: there is no token of the Hugging Face Hub; {LOGIN}")


def push(folder: Path, repo: str, message: str) -> str:
    """Upload all files of a folder in one commit, and return its address; raises InputError.

    A repository that does not exist is made, and is private. One that exists stays as public or private as it is.
    """
    if not sys.stderr.isatty():
        disable_progress_bars()
    hub = HfApi()
    try:
        repo = hub.create_repo(repo, private=True, exist_ok=True).repo_id
        return hub.upload_folder(repo_id=repo, folder_path=folder, commit_message=message).commit_url
    except HfHubHTTPError as error:
        raise InputError(f"--push {repo}: {_refusal(error)}") from error
    except (requests.RequestException, OfflineModeIsEnabled) as error:
        raise InputError(
            f"--push {repo}: {hub.endpoint} gave no answer ({type(error).__name__}); {folder} is kept, try again"
            " with --overwrite"
        ) from error
    except (
        RuntimeError,
        ValueError,
    ) as error:  # an upload broke off; or the metadata of the card are invalid
        said = f"{error} ({error.__cause__})" if isinstance(error, RuntimeError) else str(error)
        raise InputError(f"--push {repo}: {' '.join(said.split())}") from error


def _refusal(error: HfHubHTTPError) -> str:
    """Return what the Hub answered, and what helps, in one line."""
    status = getattr(error.response, "status_code", None)
    said = f" ({error.server_message.splitlines()[0]})" if error.server_message else ""
    if status in (401, 403):
        return f"the Hub refused the token with status {status}{said}; {LOGIN}"
    return f"the Hub answered with status {status}{said}"
