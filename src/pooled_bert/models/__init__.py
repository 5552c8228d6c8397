"""Inputs -> logits -> probabilities.

Encoders, pooling, the network, prediction. Imports inputs and what inputs may import.
"""
