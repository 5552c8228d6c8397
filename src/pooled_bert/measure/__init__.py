"""Measurements of this project.

Speed, scale, and whether explanations are true. May import every package.
"""
