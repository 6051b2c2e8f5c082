"""Invented texts of :mod:`tests.bench.families`, kept apart from tuning: nothing of the product is fitted to them."""
