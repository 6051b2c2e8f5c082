"""Kill -9 again and again, at every stage, and nothing may be lost or doubled: see ``__main__``."""
