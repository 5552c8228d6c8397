"""Any item in, an answer out: predictions, explanations, exports, the page to play with. Never imports training or results."""
