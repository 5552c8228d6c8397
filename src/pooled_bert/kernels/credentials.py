"""The user's login to Kaggle, as its own client finds it, and its renewal."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from ..base.errors import InputError
from ..base.files import read_json

TOKEN_PAGE = "https://www.kaggle.com/settings/api"
LOGIN = "log in again with `kaggle auth login`"


class Content(TypedDict, total=False):
    """What a file of a login may hold, as far as it is read here."""

    username: str | None
    key: str | None
    access_token: str | None
    refresh_token: str | None


@dataclass(frozen=True)
class Login:
    """What the client signs its requests with: a token, or a user name and a key.

    source : where the login was found.  remedy : what to do when Kaggle refuses it.
    refresh_token : what a new token is made with, because those of `kaggle auth login` live 12 hours.
    """

    source: str
    remedy: str
    username: str | None = None
    key: str | None = None
    token: str | None = None
    refresh_token: str | None = None


def find_login() -> Login:
    """Return the login that Kaggle's client would use; raises InputError if there is none, or its file is damaged.

    It comes from KAGGLE_API_TOKEN, a file access_token, KAGGLE_USERNAME with KAGGLE_KEY, kaggle.json, or
    `kaggle auth login`, in this order.
    """
    from kagglesdk.kaggle_env import get_access_token_from_env

    token, source = get_access_token_from_env()
    if token and source:
        return Login(source, f"make a new token on {TOKEN_PAGE}", token=token)
    username, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
    if username and key:
        return Login("KAGGLE_KEY", f"make a new key on {TOKEN_PAGE}", username, key)
    for path in _key_files():
        content = read_json(path, Content, remedy=f"make a new key on {TOKEN_PAGE}")
        username, key = content.get("username"), content.get("key")
        if username and key:
            return Login(str(path), f"make a new key on {TOKEN_PAGE}", username, key)
    path = Path.home() / ".kaggle" / "credentials.json"
    if path.is_file():
        content = read_json(path, Content, remedy=LOGIN)
        if content.get("refresh_token"):
            names = ("username", "access_token", "refresh_token")
            username, token, refresh_token = (content.get(name) or None for name in names)
            return Login(str(path), LOGIN, username, token=token, refresh_token=refresh_token)
    raise InputError(
        "there are no credentials for Kaggle; log in with `kaggle auth login`, or set KAGGLE_API_TOKEN to a token"
        f" from {TOKEN_PAGE}"
    )


def _key_files() -> list[Path]:
    folders = [
        os.environ.get("KAGGLE_CONFIG_DIR"),
        Path.home() / ".kaggle",
        Path.home() / ".config" / "kaggle",
    ]
    paths = [Path(folder) / "kaggle.json" for folder in folders if folder]
    return [path for path in paths if path.is_file()]
