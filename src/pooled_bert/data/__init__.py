"""Files -> checked rows -> folds. Imports benchmarks and base, never TensorFlow."""
