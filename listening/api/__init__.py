"""The REST API: everything a script may read or ask for. Rows are read, acts are posted, long work is a job.

Who may do what is what the pages allow; a token (Authorization: Token …) stands for the person who made it.
"""
