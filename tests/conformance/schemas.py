"""The published AXL schemas, which the package ciscoaxl carries, and RisPort70's; what is valid there.

A document is checked with lxml against the whole schema: names, order, types, enumerations. Errors come
back as text, so that a caller can collect them.
"""

import os
import pathlib
import re
from functools import cache

import ciscoaxl
from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
AXL = "http://www.cisco.com/AXL/API/"
RISPORT = "http://schemas.cisco.com/ast/soap"
XSD = "http://www.w3.org/2001/XMLSchema"

# The versions of which ciscoaxl carries the schema, among those that axlpaper speaks.
PUBLISHED = ("11.5", "12.0", "12.5")
# The namespace 1.0 is only for asking who is there; every version answers it.
VERSIONLESS = "1.0"

HERE = pathlib.Path(__file__).parent
SCHEMAS = pathlib.Path(ciscoaxl.__file__).parent / "schema"
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)


@cache
def axl(version):
    """Returns the published schema of one AXL version."""
    return etree.XMLSchema(etree.parse(str(SCHEMAS / version / "AXLSoap.xsd")))


@cache
def axl_operations(version):
    """Returns the names of all elements that the schema of one AXL version declares at its top."""
    root = etree.parse(str(SCHEMAS / version / "AXLSoap.xsd")).getroot()
    return {element.get("name") for element in root.findall(f"{{{XSD}}}element")}


@cache
def risport():
    """Returns RisPort70's schema: the published WSDL's where one is named, or the simulator's."""
    named = os.environ.get("AXLPAPER_RISPORT_WSDL")
    if not named:
        return etree.XMLSchema(etree.parse(str(HERE.parents[1] / "src/sim/risport/risport70.xsd")))
    schema = etree.parse(named).getroot().find(f".//{{{XSD}}}schema")
    # A copy of its own, so that the prefixes of the WSDL stay known.
    return etree.XMLSchema(etree.fromstring(etree.tostring(schema)))


def payload(text):
    """Returns what a SOAP envelope carries."""
    root = etree.fromstring(text, PARSER)
    body = root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or body is None or len(body) != 1:
        raise ValueError("this is no SOAP envelope with one element in its body")
    return body[0]


def name_of(element):
    """Returns the namespace and the local name of an element."""
    name = etree.QName(element)
    return name.namespace or "", name.localname


def errors(schema, element):
    """Returns what is wrong with an element, as lines of text."""
    # A document of its own: a schema says nothing about the envelope around it.
    alone = etree.fromstring(etree.tostring(element, with_tail=False), PARSER)
    if schema.validate(alone):
        return []
    return [entry.message for entry in schema.error_log]


def spoken_as(element, version):
    """Returns a copy of an AXL element that claims to be of another version."""
    text = etree.tostring(element, with_tail=False).decode()
    return etree.fromstring(re.sub(re.escape(AXL) + r"[0-9.]+", AXL + version, text), PARSER)


def axl_errors(element, versions=None):
    """Checks an AXL element against the schema of its version, or of each of the given versions.

    Of versions without a published schema here, the newest published one stands in: axlpaper claims
    that what it says is the same in all of them, and this holds it to that.
    """
    namespace, name = name_of(element)
    own = namespace.removeprefix(AXL)
    if versions is None:
        versions = [own] if own in PUBLISHED else [PUBLISHED[-1]]
    found = []
    for version in versions:
        if name not in axl_operations(version):
            found.append(f"{version}: there is no element {name}")
            continue
        for line in errors(axl(version), spoken_as(element, version)):
            found.append(f"{version}: {line}")
    return found
