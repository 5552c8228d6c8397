"""Texts that are nearly identical although their keys differ: by shingles and MinHash."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .text_keys import text_key

SHINGLE = 5  # bytes of a text's key
# Texts whose ROWS values agree in one of BANDS bands are compared: at a similarity of .8, all but 1 in 3,000.
BANDS, ROWS = 20, 5
CHUNK = 4_000_000  # shingles that are hashed at a time; limits memory


def near_duplicates(texts: Sequence[str], threshold: float) -> np.ndarray:
    """Return the number of each text's group of near-duplicates, int64 [n_texts], counted in the order of the texts.

    Two texts are nearly identical if the Jaccard similarity of their sets of shingles is at least ``threshold``: the
    size of the intersection divided by that of the union. Groups are connected: a text belongs to a group if it is
    nearly identical to one of its texts. Pairs to compare are found by MinHash (Broder 1997, "On the resemblance and
    containment of documents") in bands (Leskovec et al. 2014, "Mining of Massive Datasets", chapter 3).
    """
    keys = [text_key(text).encode("utf-8", "surrogatepass").ljust(SHINGLE, b"\0") for text in texts]
    candidates = _candidates(_signatures(keys))
    alike = [pair for pair in candidates if similarity(keys[pair[0]], keys[pair[1]]) >= threshold]
    left, right = np.array(alike, int).reshape(-1, 2).T
    edges = coo_array((np.ones(len(left)), (left, right)), shape=(len(keys), len(keys)))
    parts = connected_components(edges, directed=False)[1]
    _, first, numbers = np.unique(parts, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[numbers].astype(np.int64)


def similarity(left: bytes, right: bytes) -> float:
    """Return the Jaccard similarity of the shingles of two keys."""
    one, other = (np.unique(_shingles(np.frombuffer(key, np.uint8))) for key in (left, right))
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def _shingles(content: np.ndarray) -> np.ndarray:
    """Return each window of SHINGLE bytes as one number, uint64 [n_bytes - SHINGLE + 1]."""
    n = len(content) - SHINGLE + 1
    parts = [content[place : place + n].astype(np.uint64) << np.uint64(8 * place) for place in range(SHINGLE)]
    return np.sum(parts, axis=0, dtype=np.uint64)


def _signatures(keys: list[bytes]) -> np.ndarray:
    """Return BANDS · ROWS values per text, uint64: the smallest of its shingles by as many orders of all shingles."""
    random = np.random.default_rng(0)
    multipliers, offsets = random.integers(1, 2**63, (2, BANDS * ROWS, 1), np.uint64)
    values = np.empty((BANDS * ROWS, len(keys)), np.uint64)
    for start, stop in _chunks(keys):
        lengths = np.array([len(key) for key in keys[start:stop]])
        windows = _shingles(np.frombuffer(b"".join(keys[start:stop]), np.uint8))
        firsts = np.cumsum(lengths) - lengths
        # windows that reach into the next text repeat the last window of their own
        places = np.arange(len(windows)) - np.repeat(firsts, lengths)[: len(windows)]
        last = np.repeat(lengths, lengths)[: len(windows)] - SHINGLE
        windows = windows[np.arange(len(windows)) - np.maximum(places - last, 0)]
        for number, (multiplier, offset) in enumerate(zip(multipliers, offsets, strict=True)):
            # the upper half of the product is well mixed (Dietzfelbinger et al. 1997)
            orders = (windows * (multiplier | np.uint64(1)) + offset) >> np.uint64(24)
            values[number, start:stop] = np.minimum.reduceat(orders, firsts)
    return values


def _chunks(keys: list[bytes]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last text (exclusive) of parts of about CHUNK shingles."""
    start, size = 0, 0
    for number, key in enumerate(keys, start=1):
        size += len(key)
        if size >= CHUNK or number == len(keys):
            yield start, number
            start, size = number, 0


def _candidates(values: np.ndarray) -> list[tuple[int, int]]:
    """Return pairs of texts that agree in a band; of many that do, each with the first and with the next."""
    pairs: set[tuple[int, int]] = set()
    for band in values.reshape(BANDS, ROWS, -1):
        mixed = np.zeros(band.shape[1], np.uint64)
        for row in band:
            mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + row
        order = np.argsort(mixed, kind="stable")
        same = np.flatnonzero(mixed[order[1:]] == mixed[order[:-1]])
        begins = np.concatenate([[0], np.flatnonzero(np.diff(mixed[order])) + 1])
        firsts = order[begins[np.searchsorted(begins, same, side="right") - 1]]
        for left, right, first in zip(order[same], order[same + 1], firsts, strict=True):
            pairs.add((int(left), int(right)))
            if first != left:
                pairs.add((int(first), int(right)))
    return sorted(pairs)
