"""SCIM 2.0 (RFC 7643, RFC 7644) at `/scim/v2`: an identity provider makes, changes and deactivates users, and puts them into roles.

A group is a role, and its members have that role in the whole organisation. Every change goes through
`kybern.server.access.administration` and stands in the access log under the name of the token.
"""
