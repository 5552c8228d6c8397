"""The families of encoders that can be fine-tuned, and in what they differ from BERT. Needs no TensorFlow to import."""

from dataclasses import dataclass

from ..base.errors import InputError


@dataclass(frozen=True)
class Family:
    """A family of encoders in transformers.

    name : begins the names of its classes, ``TF<name>Model`` and ``<name>TokenizerFast``.  has_token_types : whether it
    takes token types.  has_layers : whether each layer has weights of its own.  first_position : number of the first
    token's position; the positions before it are not used.  has_fixed_pooler : whether its pooling layer is called even
    if it was taken away.  has_branches : whether its code branches on tensors, which only AutoGraph turns into a graph.
    """

    name: str
    has_token_types: bool = True
    has_layers: bool = True
    first_position: int = 0
    has_fixed_pooler: bool = False
    has_branches: bool = False

    @property
    def model(self) -> type:
        """The TensorFlow class of the encoder."""
        import transformers

        return getattr(transformers, f"TF{self.name}Model")

    @property
    def tokenizer(self) -> type:
        """The class of the tokenizer, the fast one."""
        import transformers

        return getattr(transformers, f"{self.name}TokenizerFast")


FAMILIES = {  # model_type in config.json -> family
    "bert": Family("Bert"),
    "roberta": Family("Roberta", first_position=2),
    "xlm-roberta": Family("XLMRoberta", first_position=2),
    "distilbert": Family("DistilBert", has_token_types=False),
    "electra": Family("Electra"),
    "albert": Family("Albert", has_layers=False),
    "mpnet": Family("MPNet", has_token_types=False, first_position=2, has_fixed_pooler=True),
    "deberta": Family("Deberta", has_branches=True),
    "deberta-v2": Family("DebertaV2", has_branches=True),
}


def find_family(model_type: str) -> Family:
    """Return the family of a model type; raises InputError if it is not one of FAMILIES."""
    if model_type not in FAMILIES:
        raise InputError(
            f"its model type is {model_type!r}; the families that can be read are {', '.join(FAMILIES)}"
        )
    return FAMILIES[model_type]


def take_pooler_away(encoder, family: Family) -> None:
    """Remove an encoder's own pooling layer: nothing uses it, so that it would get no gradient."""
    main = getattr(encoder, encoder.base_model_prefix)
    if getattr(main, "pooler", None) is not None:
        main.pooler = _no_pooling if family.has_fixed_pooler else None


def convert_branches(encoder, family: Family) -> None:
    """Let AutoGraph convert the code of an encoder that needs it; this project's graphs are built without it."""
    if family.has_branches:
        main = getattr(encoder, encoder.base_model_prefix)
        import tensorflow as tf

        main.call = tf.function(main.call, autograph=True)


def _no_pooling(_) -> None:
    """Return nothing in the place of a pooled vector."""
