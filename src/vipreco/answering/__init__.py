"""Answers about one customer or one book at a moment: prepared at night, judged on what is known now."""
