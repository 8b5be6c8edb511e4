"""Asks the simulator's RisPort70 and checks its answers against the schema, then lets clients ask that are not ours.

    drive_risport.py PROGRAM [NODE_MODULES]

The clients are ciscoris from PyPI, and cisco-risport and node-risport70 from npm in the folder NODE_MODULES. A client that
is not installed is left out, and this says so.
"""

import base64
import importlib.util
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
CTI_REQUEST = f"""<e:Envelope xmlns:e="{schemas.SOAP}" xmlns="{schemas.RISPORT}"><e:Body><selectCtiItem><StateInfo/>
<CtiSelectionCriteria><CtiMgrClass>Line</CtiMgrClass></CtiSelectionCriteria></selectCtiItem></e:Body></e:Envelope>"""
HERE = pathlib.Path(__file__).parent


def request(operation, names, **others):
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
        child.text = others.get(name, text)
        for device in names if name == "SelectItems" else ():
            item = etree.SubElement(child, maker(schemas.RISPORT, "item"))
            etree.SubElement(item, maker(schemas.RISPORT, "Item")).text = device
    wrong = schemas.errors(schemas.risport(), asked)
    if wrong:
        raise ValueError(wrong)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def ask(place, operation, names, **others):
    """Sends a question about devices; returns the answer's payload."""
    return send(place, operation, request(operation, names, **others))


def send(place, operation, body):
    """Sends a request; returns the answer's payload."""
    password = f"{place['username']}:{place['password']}".encode()
    call = urllib.request.Request(
        f"https://{place['host']}:{place['port']}{PATH}",
        data=body,
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
    answers["unknown node"] = ask(place, "selectCmDevice", ["*"], NodeName="nosuch")
    answers["truncated"] = ask(place, "selectCmDevice", ["*"], MaxReturnedDevices="5")
    answers["CTI"] = send(place, "selectCtiItem", CTI_REQUEST.encode())
    for what, answer in answers.items():
        wrong += [f"{what}: {line}" for line in schemas.errors(schemas.risport(), answer)]
    if len(names) < 100:
        wrong.append(f"everything: {len(names)} devices")
    if set(names_in(answers["some"])) != set(names[:5]):
        wrong.append(f"some: {names_in(answers['some'])} instead of {names[:5]}")
    codes = {code.text for code in answers["unknown node"].iterfind(".//{*}ReturnCode")}
    if codes != {"InvalidNodeName"}:
        wrong.append(f"unknown node: {codes}")
    states = etree.fromstring(answers["truncated"].findtext(".//{*}StateInfo"))
    found, returned = (
        sum(int(node.get(count)) for node in states) for count in ("TotalItemsFound", "TotalItemsReturned")
    )
    if returned != 5 or found < len(names):
        wrong.append(f"truncated: {returned} of {found}")
    if names_in(answers["nobody"]):
        wrong.append("nobody: somebody")
    return wrong, names


def by_client(place, command, names):
    """Lets a client ask; returns what it was answered, or nothing and what is wrong."""
    arguments = [place["host"], str(place["port"]), place["username"], place["password"], *names]
    ended = subprocess.run(
        [*command, *arguments], env=environment(place), capture_output=True, text=True, timeout=120, check=False
    )
    if ended.returncode != 0:
        return None, [ended.stderr.strip()]
    return json.loads(ended.stdout), []


def environment(place):
    trust = {name: place["ca"] for name in ("NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")}
    return {**os.environ, "NODE_PATH": place.get("modules", ""), **trust}


def by_cisco_risport(place, names):
    """Returns what cisco-risport finds wrong."""
    found, wrong = by_client(place, ["node", str(HERE / "drive_risport.cjs")], names[:5])
    if wrong:
        return wrong
    registered = {name for name in names if is_registered(place, name)}
    ports = {item["CtiDevice"]["DeviceName"] for node in many(found["cti"]) for item in items(node, "CtiItems")}
    return [
        *differences("several", devices(found["several"]), names[:5]),
        *differences("all", devices(found["all"]), names),
        *differences("nobody", devices(found["nobody"]), []),
        *differences("paginated", devices(found["paginated"]), registered),
        *differences("CTI", ports, place["ports"]),
    ]


def by_node_risport70(place, names):
    """Returns what node-risport70 finds wrong."""
    found, wrong = by_client(place, ["node", str(HERE / "drive_node_risport70.cjs")], names[:5])
    if wrong:
        return wrong
    return [
        *differences("all", devices(found["all"]), names),
        *differences("one", devices(found["one"]), names[:1]),
        *differences("several", devices(found["several"]), names[:5]),
        *differences("nobody", devices(found["nobody"]), []),
    ]


def by_ciscoris(place, names):
    """Returns what ciscoris finds wrong."""
    phones = [name for name in names if is_registered(place, name)][:5]
    found, wrong = by_client(place, [sys.executable, str(HERE / "drive_ciscoris.py")], phones)
    if wrong:
        return wrong
    nodes = lambda answer: many((answer["CmNodes"] or {}).get("item"))
    registered = {name for answer in found["registered"] for name in devices(nodes(answer))}
    return [
        *differences("several", devices(nodes(found["several"])), phones),
        *differences("nobody", devices(nodes(found["nobody"])), []),
        *differences("registered", registered, phones),
    ]


def is_registered(place, name):
    return name in place["registered"]


def differences(what, found, wanted):
    found, wanted = set(found), set(wanted)
    return [] if found == wanted else [f"{what}: {len(found)} devices instead of {len(wanted)}"]


def items(node, name):
    """Returns the items of a list; one of a kind is no list, and an empty list is a text or missing."""
    holder = node.get(name)
    return many(holder.get("item") if isinstance(holder, dict) else None)


def devices(nodes):
    """Returns the names of the devices that a client made of an answer."""
    return [device["Name"] for node in many(nodes) for device in items(node, "CmDevices")]


def many(value):
    if not value:
        return []
    return value if isinstance(value, list) else [value]


def main(program, modules=None):
    with simulator.running(program, "--phones", "150", "--ris-limit", "600") as place:
        wrong, names = by_hand(place)
        phones = ask(place, "selectCmDevice", ["*"], DeviceClass="Phone", Status="Registered")
        place["registered"] = set(names_in(phones))
        ports = ask(place, "selectCmDevice", ["*"], DeviceClass="Cti", Status="Registered")
        place["ports"] = set(names_in(ports))
        if modules:
            place["modules"] = str(pathlib.Path(modules).resolve())
        clients = {
            "cisco-risport": (by_cisco_risport, has_module(place, "cisco-risport")),
            "node-risport70": (by_node_risport70, has_module(place, "node-risport70")),
            "ciscoris": (by_ciscoris, importlib.util.find_spec("ciscoris")),
        }
        for client, (drive, is_there) in clients.items():
            if not is_there:
                print(f"RisPort70: {client} is not here, so that part is left out")
                continue
            found = drive(place, names)
            print(f"RisPort70: {client}: {'works' if not found else 'does not work'}")
            wrong += [f"{client}, {line}" for line in found]
    for line in dict.fromkeys(wrong):
        print(f"RisPort70: {line}")
    print(f"RisPort70: {len(names)} devices, {len(wrong)} not as they should be")
    return 1 if wrong else 0


def has_module(place, name):
    """Tells whether node can load a package."""
    if "modules" not in place or not shutil.which("node"):
        return False
    load = ["node", "-e", f"require('{name}')"]
    return subprocess.run(load, env=environment(place), capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
