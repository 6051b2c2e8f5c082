"""Ninety simulated days with faults: what was owed, and what was delivered: see ``__main__``."""
