"""The organisation that the tests of applying and erasing state."""

ORGANIZATION = """\
- kind: organization
  id: us
  title: Us
  legal_name: Us
  sector: Credit
  countries: [IE]
  employees: 4
  ai_roles: [deployer]
  profile: enterprise-user
  top_management: role:board
"""
