"""What is learnt and how it is scored: one record per benchmark, targets, metrics. Imports base alone, never TensorFlow."""
