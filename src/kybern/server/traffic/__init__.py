"""What comes in over the API: how much of it, and that nothing is done twice.

Django loads applications before their models, so the door is in the modules.
"""
