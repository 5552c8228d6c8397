"""K-fold fine-tuning of a mean-pooled BERT, from a competition's files to a submission.

Data flows one way: benchmark -> rows -> folds -> inputs -> model -> training -> fold files -> blend -> submission.
The packages are the layers of that flow; ``src/README.md`` says which may import which. Importing this package does no
work and does not import TensorFlow.
"""


def __getattr__(name: str):
    """Hand on the one public call, ``load_predictor``, when it is asked for."""
    if name == "load_predictor":
        from .predict.predictor import load_predictor

        return load_predictor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
