"""Scores of finished runs -> blends -> submissions. Imports runs and the packages below it."""
