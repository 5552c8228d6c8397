"""The output of a fold's kernel: config.json first, then what is needed of the rest; checkpoints stay on Kaggle."""

import shutil
from pathlib import Path

from ..base.errors import InputError
from ..base.places import Workspace, fold_folder
from ..runs.cross_validation import CHECKPOINTS
from ..runs.fold_files import FoldResult, check_models, is_done, read_config, read_fold
from ..runs.identity import first_difference, identity_settings
from .client import Client
from .plan import Plan

CONFIG, METRICS, MODEL = "config.json", "metrics.json", "model"


class OtherBuild(Exception):
    """A fold was made from other sources, settings or rows than the plan says."""


class FoldOutput:
    """The files of one fold in the output of a complete kernel.

    download : a folder of this machine, into which they are downloaded.
    """

    def __init__(self, client: Client, plan: Plan, fold: int, part: int, download: Path):
        self.client, self.plan, self.fold, self.download = client, plan, fold, download
        folder = fold_folder(Workspace(Path()).run(plan.benchmark, plan.run), fold).as_posix() + "/"
        self.files = {
            file.path.removeprefix(folder): file
            for file in client.files(plan.kernel(fold, part))
            if file.path.startswith(folder)
        }

    @property
    def is_finished(self) -> bool:
        """Whether the fold is finished."""
        return METRICS in self.files

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is a state from which a next kernel can resume."""
        return any(name.startswith(f"{CHECKPOINTS}/") and name.endswith(".npz") for name in self.files)

    def config(self) -> dict:
        """Download and return config.json; raises OtherBuild if it is missing, or not of the plan."""
        if CONFIG not in self.files:
            raise OtherBuild(f"its output has no folder {self.plan.run}/fold_{self.fold}")
        self._fetch(CONFIG)
        config = read_config(self.download, self.fold)
        revision = config["information"]["revision"]
        if revision != self.plan.revision:
            raise OtherBuild(f"its revision is {revision}, but the kernels here are of {self.plan.revision}")
        difference = difference_from_plan(config, self.plan)
        if difference:
            raise OtherBuild(f"its {difference}")
        return config

    def results(self, *, with_model: bool) -> Path:
        """Download the tables, and the model if asked; returns the folder, whose checksums hold."""
        for name in self.files:
            is_model = name.startswith(f"{MODEL}/")
            if "/" not in name or (is_model and with_model):
                self._fetch(name)
        if not is_done(self.download):
            raise InputError(f"{self.plan.slug(self.fold)}: Kaggle's list of its output has changed")
        fold = read_fold(self.download, self.fold)
        if with_model:
            check_models({self.download: fold})
        return self.download

    def model(self, fold: FoldResult) -> Path | None:
        """Download the model of a fold that is here already; returns its folder, or None if the fold keeps none.

        Raises InputError if the model is not that of the fold.
        """
        names = [name for name in self.files if name.startswith(f"{MODEL}/")]
        for name in names:
            self._fetch(name)
        if names:
            check_models({self.download: fold})
        return self.download / MODEL if names else None

    def discard(self) -> None:
        """Delete what was downloaded."""
        shutil.rmtree(self.download, ignore_errors=True)

    def _fetch(self, name: str) -> None:
        path = self.download / name
        if not path.exists():
            partial = path.with_name(f".{path.name}.part")
            self.client.connection.download(self.files[name].url, partial)
            partial.replace(path)


def difference_from_plan(config: dict, plan: Plan) -> str | None:
    """Describe the first setting in which a fold's config.json (there) differs from the plan (here); or None."""
    identity = config["identity"]
    expected = identity_settings(*plan.settings)
    # on Kaggle, such an encoder is identified by a checksum of its files, which are not on this machine
    ignored = ("encoder",) if plan.encoder_dataset else ()
    difference = first_difference(identity["settings"], expected, ignored)
    if difference:
        return f"settings: {difference}"
    uses = {"--extra": identity["data"].get("extra") is not None, "--pseudo": "pseudo" in identity}
    wanted = {"--extra": plan.extra_dataset is not None, "--pseudo": plan.pseudo is not None}
    return first_difference(uses, wanted)
