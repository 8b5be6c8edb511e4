"""Asks the simulator's RisPort70 and checks its answers against the schema, then lets cisco-risport ask.

    drive_risport.py PROGRAM [NODE_MODULES]

NODE_MODULES is a folder that holds the npm package cisco-risport, a client that is not ours; without it
that part is left out, and this says so.
"""

import base64
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import urllib.request

import schemas
import simulator
from lxml import etree

PATH = "/realtimeservice2/services/RISService70"
HERE = pathlib.Path(__file__).parent


def request(operation, names):
    """Composes a question, and makes sure that it is a valid one."""
    maker = etree.QName
    root = etree.Element(maker(schemas.SOAP, "Envelope"), nsmap={"e": schemas.SOAP, "r": schemas.RISPORT})
    body = etree.SubElement(root, maker(schemas.SOAP, "Body"))
    asked = etree.SubElement(body, maker(schemas.RISPORT, operation))
    etree.SubElement(asked, maker(schemas.RISPORT, "StateInfo"))
    criteria = etree.SubElement(asked, maker(schemas.RISPORT, "CmSelectionCriteria"))
    for name, text in (
        ("MaxReturnedDevices", "1000"),
        ("DeviceClass", "Any"),
        ("Model", "255"),
        ("Status", "Any"),
        ("NodeName", ""),
        ("SelectBy", "Name"),
        ("SelectItems", None),
        ("Protocol", "Any"),
        ("DownloadStatus", "Any"),
    ):
        child = etree.SubElement(criteria, maker(schemas.RISPORT, name))
        child.text = text
        for device in names if name == "SelectItems" else ():
            item = etree.SubElement(child, maker(schemas.RISPORT, "item"))
            etree.SubElement(item, maker(schemas.RISPORT, "Item")).text = device
    wrong = schemas.errors(schemas.risport(), asked)
    if wrong:
        raise ValueError(wrong)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def ask(place, operation, names):
    """Sends a question; returns the answer's payload."""
    password = f"{place['username']}:{place['password']}".encode()
    call = urllib.request.Request(
        f"https://{place['host']}:{place['port']}{PATH}",
        data=request(operation, names),
        headers={
            "Authorization": "Basic " + base64.b64encode(password).decode(),
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{operation}"',
        },
    )
    trust = ssl.create_default_context(cafile=place["ca"])
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
    )
    with opener.open(call, timeout=30) as answer:
        return schemas.payload(answer.read())


def names_in(answer):
    """Returns the names of the devices in an answer, as often as they stand there."""
    return [name.text for name in answer.iterfind(".//{*}CmDevices/{*}item/{*}Name")]


def by_hand(place):
    """Asks for everything, for some and for nobody; returns what is wrong, and some names."""
    wrong = []
    answers = {"everything": ask(place, "selectCmDevice", ["*"])}
    names = sorted(set(names_in(answers["everything"])))
    answers["some"] = ask(place, "selectCmDeviceExt", names[:5])
    answers["nobody"] = ask(place, "selectCmDeviceExt", ["SEPNOSUCHPHONE"])
    for what, answer in answers.items():
        wrong += [f"{what}: {line}" for line in schemas.errors(schemas.risport(), answer)]
    if len(names) < 100:
        wrong.append(f"everything: {len(names)} devices")
    if set(names_in(answers["some"])) != set(names[:5]):
        wrong.append(f"some: {names_in(answers['some'])} instead of {names[:5]}")
    if names_in(answers["nobody"]):
        wrong.append("nobody: somebody")
    return wrong, names


def by_cisco_risport(place, modules, names):
    """Lets the npm client ask the same; returns what is wrong."""
    command = ["node", str(HERE / "drive_risport.cjs"), place["host"], str(place["port"])]
    command += [place["username"], place["password"], *names[:5]]
    told = {**os.environ, "NODE_PATH": modules, "NODE_EXTRA_CA_CERTS": place["ca"]}
    ended = subprocess.run(command, env=told, capture_output=True, text=True, timeout=120, check=False)
    if ended.returncode != 0:
        return [f"cisco-risport: {ended.stderr.strip()}"]
    found = json.loads(ended.stdout)
    wrong = []
    for what, wanted in (("several", set(names[:5])), ("all", set(names)), ("nobody", set())):
        told = set(devices(found[what]))
        if told != wanted:
            wrong.append(f"cisco-risport, {what}: {len(told)} devices instead of {len(wanted)}")
    return wrong


def devices(nodes):
    """Walks what cisco-risport makes of an answer: one of a kind is no list there."""
    for node in many(nodes):
        holder = node.get("CmDevices")
        for device in many(holder.get("item") if isinstance(holder, dict) else None):
            yield device["Name"]


def many(value):
    if not value:
        return []
    return value if isinstance(value, list) else [value]


def main(program, modules=None):
    with simulator.running(program, "--phones", "150", "--ris-limit", "600") as place:
        wrong, names = by_hand(place)
        if modules and shutil.which("node"):
            wrong += by_cisco_risport(place, modules, names)
        else:
            print("RisPort70: cisco-risport is not here, so that part is left out")
    for line in dict.fromkeys(wrong):
        print(f"RisPort70: {line}")
    print(f"RisPort70: {len(names)} devices, {len(wrong)} not as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
