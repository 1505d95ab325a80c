"""The log in the database, and the tables that are its projection.

Every write is one transaction: entries of the log, what they name, and the rows made from them. `kybern rebuild` makes the rows
again from the log. Django loads applications before their models, so the door is in the modules.
"""
