"""One fold: a Problem in, an Outcome out.

Settings, learners, the loop that resumes. Imports models, and data, and what they may import.
"""
