"""The tokenizer of a saved model, read without transformers, whose import takes seconds."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypeAlias, TypedDict

from tokenizers import Tokenizer

from ..base.errors import InputError
from ..base.files import read_json

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# what the readers of texts use; that of a new model comes from transformers
TextTokenizer: TypeAlias = "SavedTokenizer | PreTrainedTokenizerFast"

FILE, MARKS = "tokenizer.json", "special_tokens_map.json"
FILES = (FILE, MARKS, "tokenizer_config.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt",
         "spiece.model", "spm.model", "sentencepiece.bpe.model")  # fmt: skip


UNKNOWN = (
    "\U0010fffd"  # no vocabulary has it; without a word piece for unknown words, such a text is an error
)


class Mark(TypedDict):
    """A mark, as some files describe it."""

    content: str


class Marks(TypedDict):
    """What special_tokens_map.json holds, as far as it is read."""

    cls_token: NotRequired[str | Mark]
    sep_token: NotRequired[str | Mark]
    mask_token: NotRequired[str | Mark]


class SavedTokenizer:
    """A tokenizer that a fold has saved in Hugging Face's format, without truncation and padding (tokens.py does both).

    Raises InputError if it cannot be read, or has no mark for the start or the end of a text.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        path, marks = folder / FILE, read_json(folder / MARKS, Marks, remedy="train the fold again")
        try:
            self.backend_tokenizer = Tokenizer.from_file(str(path))
            self.backend_tokenizer.encode(UNKNOWN)
        except Exception as error:  # the library raises nothing more special
            raise InputError(f"{path}: cannot be read ({error}); train the fold again") from error
        self.backend_tokenizer.no_truncation()
        self.backend_tokenizer.no_padding()
        self.cls_token_id, self.sep_token_id, self.mask_token_id = (
            self._id(marks, name) for name in ("cls_token", "sep_token", "mask_token")
        )
        self.sep_token = _word(marks["sep_token"])

    def __len__(self) -> int:
        return self.backend_tokenizer.get_vocab_size(with_added_tokens=True)

    def save_pretrained(self, folder: Path) -> None:
        """Copy the tokenizer's files."""
        for name in FILES:
            if (self._folder / name).exists():
                shutil.copyfile(self._folder / name, folder / name)

    def _id(self, marks: dict, name: str) -> int:
        number = self.backend_tokenizer.token_to_id(_word(marks.get(name, "")))
        if number is None:
            raise InputError(
                f"{self._folder / MARKS}: gives no {name} that is a word piece; train the fold again"
            )
        return number


def _word(mark: str | dict) -> str:
    """Return a mark as text: some files describe it by an object."""
    return mark["content"] if isinstance(mark, dict) else mark
