"""Files -> checked rows -> folds.

Imports benchmarks and base, and never TensorFlow.
"""
