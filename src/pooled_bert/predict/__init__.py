"""Any item in, an answer out.

Predictions, explanations, exports, the page to play with, the service.
Imports runs and models; never training or results.
"""
