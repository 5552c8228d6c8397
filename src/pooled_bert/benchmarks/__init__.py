"""What is learnt and how it is scored: one record per benchmark, targets, metrics.

Imports only ``base``, never TensorFlow.
"""
