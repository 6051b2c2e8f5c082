"""What the jobs are made of: each module does one job's reading, calling and storing; ``jobs.py`` says when."""
