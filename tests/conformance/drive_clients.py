"""Drives the simulator with other AXL clients through what their users do with phones: ciscocucmapi, ciscoaxl and, where
node is, the npm package cisco-axl.

    drive_clients.py PROGRAM [NODE_MODULES]
"""

import collections
import collections.abc
import os
import pathlib
import subprocess
import sys

import ciscoaxl
import schemas
import simulator

# ciscocucmapi needs this name, which Python dropped in 3.10.
collections.Iterable = collections.abc.Iterable
import ciscocucmapi  # noqa: E402

VERSION = "12.5"
PHONE = {
    "name": "SEPAABBCCDDEEFF",
    "product": "Cisco 8841",
    "class": "Phone",
    "protocol": "SIP",
    "protocolSide": "User",
    "commonPhoneConfigName": "Standard Common Phone Profile",
    "locationName": "Hub_None",
    "phoneTemplateName": "Standard 8841 SIP",
    "primaryPhoneName": None,
    "useTrustedRelayPoint": "Default",
    "builtInBridgeStatus": "Default",
    "packetCaptureMode": "None",
    "certificateOperation": "No Pending Operation",
    "deviceMobilityMode": "Default",
}


def through_ciscocucmapi(place):
    """Yields what was called, and whether the answer is right."""
    ucm = ciscocucmapi.UCMAXLConnector(
        username=place["username"],
        password=place["password"],
        fqdn=place["host"],
        wsdl=str(schemas.SCHEMAS / VERSION / "AXLAPI.wsdl"),
        tls_verify=place["ca"],
    )
    # The port is fixed in the package.
    address = f"https://{place['host']}:{place['port']}/axl/"
    ucm._service = ucm.client.create_service("{http://www.cisco.com/AXLAPIService/}AXLAPIBinding", address)
    yield "get_ccm_version", str(ucm.get_ccm_version()).startswith("14.")
    # Its models refuse every dictionary, so `get`, `list` and `sql.query` fail whatever is answered.
    listed = ucm.service.listDevicePool(searchCriteria={"name": "%"}, returnedTags={"name": ""})
    pool = listed["return"]["devicePool"][0]["name"]

    def phone():
        return ucm.service.getPhone(name=PHONE["name"])["return"]["phone"]

    uuid = ucm.phone.add(**PHONE, devicePoolName=pool)
    yield "phone.add", phone()["uuid"] == uuid
    ucm.phone.update(name=PHONE["name"], description="from ciscocucmapi", phoneSuite="Enabled")
    yield "phone.update", (phone()["description"], phone()["phoneSuite"]) == ("from ciscocucmapi", "Enabled")
    for action in ("apply", "restart", "reset"):
        yield f"phone.{action}", getattr(ucm.phone, action)(name=PHONE["name"]) == uuid
    added = ucm.line.add(pattern="5551234", usage="Device", routePartitionName=None)
    yield "line.add", ucm.service.getLine(pattern="5551234")["return"]["line"]["uuid"] == added
    yield "line.remove", ucm.line.remove(pattern="5551234", routePartitionName=None) == added
    sql = f"update device set description = 'x' where name = '{PHONE['name']}'"
    yield "sql.update", int(ucm.sql.update(sql)) == 1 and phone()["description"] == "x"
    yield "phone.remove", ucm.phone.remove(name=PHONE["name"]) == uuid


def through_ciscoaxl(place):
    """Yields what was called, and whether the answer is right."""
    ucm = ciscoaxl.axl(
        strict_ssl=True,
        username=place["username"],
        password=place["password"],
        cucm=place["host"],
        cucm_port=place["port"],
        cucm_version=VERSION,
    )
    phones = ucm.get_phones(tagfilter={"name": "", "product": "", "devicePoolName": ""})
    yield "get_phones", len(phones) >= 50
    name = phones[0]["name"]
    pool = phones[0]["devicePoolName"]["_value_1"]
    ucm.update_phone(name=name, description="from ciscoaxl", devicePoolName=pool)
    yield "update_phone", ucm.get_phone(name=name)["description"] == "from ciscoaxl"
    found = ucm.run_sql_query("select count(*) as n, tkmodel from device group by tkmodel")
    yield "run_sql_query", found["num_rows"] > 1
    yield "get_directory_numbers", len(ucm.get_directory_numbers()) >= 50
    yield "get_users", len(ucm.get_users()) >= 1
    added = PHONE["name"]
    ucm.add_phone(name=added, product="Cisco 8841", protocol="SIP")
    yield "add_phone", ucm.get_phone(name=added)["name"] == added
    yield "do_device_reset", "return" in str(ucm.do_device_reset(name=added))
    ucm.add_user(userid="jdoe", lastName="Doe", firstName="Jane")
    ucm.update_user(userid="jdoe", lastName="Roe", associatedDevices={"device": [added]})
    user = ucm.get_user(userid="jdoe")
    yield "add_user, update_user", (user["lastName"], user["associatedDevices"]["device"]) == ("Roe", [added])
    yield "do_change_dnd_status", "return" in str(ucm.do_change_dnd_status(userID="jdoe", dndStatus="true"))
    changed = ucm.sql_update(query=f"update device set description = 'z' where name = '{added}'")
    yield "sql_update", int(changed["rowsUpdated"]) == 1
    yield "get_device_pool", ucm.get_device_pool(name="Default")["name"] == "Default"
    yield "delete_user", "return" in str(ucm.delete_user(userid="jdoe"))
    ucm.delete_phone(name=added)
    yield "delete_phone", "return" in str(ucm.delete_phone(name=name))
    left = ucm.get_phones(tagfilter={"name": ""})
    yield "get_phones (one fewer)", len(left) == len(phones) - 1


def through_cisco_axl(program, modules):
    """Runs the driver for node; returns whether something failed."""
    with simulator.running(program, "--release", "14.0", "--phones", "60") as place:
        driver = pathlib.Path(__file__).with_name("drive_axl.cjs")
        arguments = [modules, place["host"], str(place["port"]), place["username"], place["password"]]
        environment = {**os.environ, "NODE_EXTRA_CA_CERTS": place["ca"]}
        return subprocess.run(["node", driver, *arguments], env=environment).returncode != 0


def main(program, modules=None):
    failed = False
    for client in (through_ciscocucmapi, through_ciscoaxl):
        with simulator.running(program, "--release", "14.0", "--phones", "60") as place:
            os.environ["REQUESTS_CA_BUNDLE"] = place["ca"]
            name = client.__name__.removeprefix("through_")
            try:
                for call, right in client(place):
                    print(f"{name:14} {call:24} {'works' if right else 'FAILS: another answer'}")
                    failed |= not right
            except Exception as error:  # Whatever a client raises is what its users see.
                print(f"{name:14} FAILS: {type(error).__name__}: {error}")
                failed = True
    sys.stdout.flush()
    if modules and pathlib.Path(modules, "cisco-axl").is_dir():
        failed |= through_cisco_axl(program, str(pathlib.Path(modules).resolve()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
