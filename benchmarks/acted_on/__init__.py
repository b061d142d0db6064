"""What the product promises when its lists are acted on, by companies whose truth is known."""
