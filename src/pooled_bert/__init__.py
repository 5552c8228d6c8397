"""Multilabel-stratified K-fold fine-tuning of a mean-pooled BERT, from Kaggle's files to a submission.

Data flows one way: benchmark -> rows -> folds -> tokens -> model -> training -> predictions -> blend -> submission.
Importing the package does no work and does not import TensorFlow.
"""
