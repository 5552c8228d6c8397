"""Measurements of this project: speed, scale, whether explanations are true. May import every package."""
