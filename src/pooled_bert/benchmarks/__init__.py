"""What is learnt and how it is scored.

One record per benchmark, the two kinds of target, metrics. Imports base, and never TensorFlow.
"""
