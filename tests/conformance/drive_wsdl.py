"""Drives the simulator with zeep from the WSDLs that it serves itself, as a client does that has no copy of its own.

    drive_wsdl.py PROGRAM
"""

import sys

import requests
import simulator
import zeep
from zeep.transports import Transport


def client(place, path):
    session = requests.Session()
    session.auth = (place["username"], place["password"])
    session.verify = place["ca"]
    session.trust_env = False
    address = f"https://{place['host']}:{place['port']}{path}?wsdl"
    return zeep.Client(address, transport=Transport(session=session, timeout=30))


def axl(place):
    """Lists phones, reads one and changes it; returns what is wrong."""
    wrong = []
    service = client(place, "/axl/AXLAPIService").service
    wanted = {"name": "", "description": "", "devicePoolName": "", "phoneSuite": ""}
    listed = service.listPhone(searchCriteria={"name": "SEP%"}, returnedTags=wanted)["return"]["phone"]
    if len(listed) < 50:
        wrong.append(f"AXL: {len(listed)} phones")
    name = listed[0]["name"]
    if not listed[0]["devicePoolName"]["uuid"]:
        wrong.append("AXL: a device pool without uuid")
    service.updatePhone(name=name, phoneSuite="Enabled")
    phone = service.getPhone(name=name, returnedTags={"phoneSuite": ""})["return"]["phone"]
    if phone["phoneSuite"] != "Enabled":
        wrong.append(f"AXL: {name} has {phone['phoneSuite']}")
    user = service.getAppUser(userid="bgpush")["return"]["appUser"]
    devices = user["associatedDevices"]["device"]
    service.updateAppUser(userid="bgpush", associatedDevices={"device": [*devices, name]})
    after = service.getAppUser(userid="bgpush")["return"]["appUser"]["associatedDevices"]["device"]
    if set(after) != {*devices, name}:
        wrong.append(f"AXL: {len(after)} associated devices instead of {len({*devices, name})}")
    counted = service.executeSQLQuery(sql="select count(*) as n from device")["return"]["row"]
    if int(counted[0][0].text) < 50:
        wrong.append("AXL: no device in the database")
    return wrong


def risport(place):
    """Asks for registered phones; returns what is wrong."""
    service = client(place, "/realtimeservice2/services/RISService70").service
    criteria = {
        "MaxReturnedDevices": 1000,
        "DeviceClass": "Phone",
        "Model": 255,
        "Status": "Registered",
        "NodeName": "",
        "SelectBy": "Name",
        "SelectItems": {"item": [{"Item": "*"}]},
        "Protocol": "Any",
        "DownloadStatus": "Any",
    }
    answer = service.selectCmDevice("", criteria)
    nodes = answer["SelectCmDeviceResult"]["CmNodes"]["item"]
    lists = [node["CmDevices"]["item"] for node in nodes if node["CmDevices"]]
    names = [device["Name"] for devices in lists for device in devices or []]
    wrong = [] if len(names) >= 50 else [f"RisPort70: {len(names)} registered phones"]
    again = service.selectCmDevice(answer["StateInfo"], criteria)
    nodes = again["SelectCmDeviceResult"]["CmNodes"]["item"]
    if not all(node["NoChange"] for node in nodes):
        wrong.append("RisPort70: a change that was none")
    answer = service.selectCtiItem("", {"MaxReturnedItems": 100, "CtiMgrClass": "Line"})["SelectCtiItemResult"]
    items = [item for node in answer["CtiNodes"]["item"] if node["CtiItems"] for item in node["CtiItems"]["item"]]
    lines = {(item["CtiDevice"]["DeviceName"], item["CtiLine"]["LineStatus"]) for item in items}
    if len(lines) != 12 or answer["TotalItemsFound"] != 12 or {status for _, status in lines} != {"Open"}:
        wrong.append(f"RisPort70: {len(lines)} CTI lines")
    return wrong + old_risport(place)


def old_risport(place):
    """Asks the older service, which has encoded types; returns what is wrong."""
    service = client(place, "/realtimeservice/services/RisPort").service
    criteria = {"MaxReturnedDevices": 1000, "Class": "Phone", "Status": "Registered", "SelectBy": "Name"}
    answer = service.SelectCmDevice("", criteria)
    total = answer["SelectCmDeviceResult"]["TotalDevicesFound"]
    return [] if total >= 50 else [f"RisPort: {total} registered phones"]


def main(program):
    with simulator.running(program, "--phones", "120", "--ris-limit", "600") as place:
        wrong = axl(place) + risport(place)
    for line in wrong:
        print(f"served WSDLs: {line}")
    print(f"served WSDLs: zeep used both, {len(wrong)} not as it should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
