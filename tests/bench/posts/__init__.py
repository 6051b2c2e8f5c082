"""Invented brands, people and platforms, post by post, through the whole pipeline: see ``__main__``."""
