"""An identity provider by SAML that signs what it is asked to, and a browser that carries it to the server; run as a program.

Prints for each case the status of the last answer and who is signed in after it, as JSON.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import django
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

HOST = "kybern.example.org"
ACS = f"https://{HOST}/accounts/saml/sso/acs/"
AUDIENCE = f"https://{HOST}/accounts/saml/sso/metadata/"
MAIL = "urn:oid:0.9.2342.19200300.100.1.3"
NAMES = {"urn:oid:2.5.4.42": "Ada", "urn:oid:2.5.4.4": "Lovelace"}
SUBJECT = "urn:oasis:names:tc:SAML:attribute:subject-id"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


def pair() -> tuple[str, str]:
    """Make a key and a certificate, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    signed = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode(), signed.public_bytes(serialization.Encoding.PEM).decode()


def assertion(to: str, said: dict[str, str], *, audience: str, minutes: int, issuer: str) -> str:
    now = datetime.now(UTC)
    at, ends = (one.strftime("%Y-%m-%dT%H:%M:%SZ") for one in (now - timedelta(minutes=20), now + timedelta(minutes=minutes)))
    attributes = "".join(
        f'<saml:Attribute Name="{name}"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>' for name, value in said.items()
    )
    return f"""<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a{to[1:]}" Version="2.0" IssueInstant="{at}">
<saml:Issuer>{issuer}</saml:Issuer><saml:Subject><saml:NameID Format="{PERSISTENT}">subject-1</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{ends}"
Recipient="{ACS}" InResponseTo="{to}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{at}" NotOnOrAfter="{ends}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience>
</saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{at}"><saml:AuthnContext><saml:AuthnContextClassRef>
urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"""


def response(to: str, body: str, issuer: str = "urn:idp") -> str:
    at, name = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "urn:oasis:names:tc:SAML:2.0:protocol"
    answers = f' InResponseTo="{to}"' if to else ""
    return f"""<samlp:Response xmlns:samlp="{name}" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r1" Version="2.0"
IssueInstant="{at}" Destination="{ACS}"{answers}><saml:Issuer>{issuer}</saml:Issuer><samlp:Status>
<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{body}</samlp:Response>"""


class Browser:
    """Somebody who signs in by the provider."""

    def __init__(self) -> None:
        from django.test import Client

        self.client = Client(headers={"host": HOST})

    def begin(self) -> str:
        """Go to the provider; gives the id of what the server asks."""
        there = self.client.post("/accounts/saml/sso/login/", secure=True)
        asked = parse_qs(urlsplit(there["Location"]).query)["SAMLRequest"][0]
        return str(ET.fromstring(zlib.decompress(base64.b64decode(asked), -15)).attrib["ID"])  # noqa: S314 - the server wrote it

    def bring(self, xml: bytes | str) -> list[Any]:
        """Bring the provider's answer; gives the status and who is signed in."""
        said = xml.encode() if isinstance(xml, str) else xml
        posted = {"SAMLResponse": base64.b64encode(said).decode(), "RelayState": ""}
        answer = self.client.post("/accounts/saml/sso/acs/", posted, secure=True)
        for _ in range(4):
            if answer.status_code != 302:
                break
            answer = self.client.get(answer["Location"], secure=True)
        me = self.client.get("/api/v1/me", secure=True)
        return [answer.status_code, me.json().get("email") if me.status_code == 200 else None]


def main() -> None:
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from onelogin.saml2.utils import OneLogin_Saml2_Utils

    settings.ALLOWED_HOSTS = [HOST]
    (key, certificate), (other_key, other_certificate) = pair(), pair()
    idp = {"entity_id": "urn:idp", "sso_url": "https://id.example.org/sso", "x509cert": certificate}
    settings.SOCIALACCOUNT_PROVIDERS["saml"]["APPS"][0]["settings"]["idp"] = idp
    call_command("migrate", verbosity=0)

    def signed(to: str, mail: str, *, by: tuple[str, str] = (key, certificate), **more: Any) -> str:
        said = {"audience": AUDIENCE, "minutes": 5, "issuer": "urn:idp", **more}
        body = assertion(to or "_none", {SUBJECT: f"s-{mail}", MAIL: mail, **NAMES}, **said)
        return response(to, OneLogin_Saml2_Utils.add_sign(body, *by).decode())

    found: dict[str, list[Any]] = {}
    for name, mend in {
        "right": lambda to: signed(to, "ada@example.org"),
        "not signed": lambda to: response(
            to, assertion(to, {SUBJECT: "s", MAIL: "b@example.org"}, audience=AUDIENCE, minutes=5, issuer="urn:idp")
        ),
        "signed by another": lambda to: signed(to, "c@example.org", by=(other_key, other_certificate)),
        "changed": lambda to: signed(to, "d@example.org").replace("d@example.org", "admin@example.org"),
        "for another": lambda to: signed(to, "e@example.org", audience="https://other.example.org/"),
        "over": lambda to: signed(to, "f@example.org", minutes=-10),
        "from another": lambda to: signed(to, "g@example.org", issuer="urn:other"),
        "not asked for": lambda _to: signed("", "h@example.org"),
        "asked by another browser": lambda _to: signed(Browser().begin(), "i@example.org"),
        "no XML": lambda _to: "<samlp:Response",
        "entities": lambda to: '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + signed(to, "j@example.org"),
    }.items():
        browser = Browser()
        found[name] = browser.bring(mend(browser.begin()))
    again, browser = Browser(), Browser()
    answer = signed(again.begin(), "k@example.org")
    again.bring(answer)
    found["twice"] = browser.bring(answer)
    found["metadata"] = [browser.client.get("/accounts/saml/sso/metadata/", secure=True).content.decode()]
    found["leads to"] = [browser.client.post("/accounts/saml/sso/login/", secure=True)["Location"]]
    from kybern.server.access.models import AccessEvent, User

    found["failed"] = list(AccessEvent.objects.filter(kind=AccessEvent.Kind.FAILED).values_list("subject", flat=True))
    found["names"] = sorted(User.objects.values_list("email", "name"))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
