"""Who may do what, where: users, units, roles, grants, tokens, and the one check that every door asks.

Django loads applications before their models, so the door is in the modules: `permissions`, `actor`, `check`, `models`.
"""
