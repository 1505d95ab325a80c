"""The server: pages, API and jobs around the same core that the command line has. Django is imported here and nowhere else."""
