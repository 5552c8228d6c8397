"""Inputs -> logits: encoders, pooling, the network, and prediction. Imports inputs and the packages below it."""
