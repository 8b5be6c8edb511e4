"""Drives the simulator with the AXL clients ciscoaxl and zeep, and checks its answers as they do.

    drive_axl.py PROGRAM

zeep composes the requests and reads the answers from the published WSDL, in its strict mode; every raw
answer is checked against the published schema besides. What is asked for is told by the simulator's own
list, so nothing here knows a phone by name.
"""

import os
import sys

import ciscoaxl
import requests
import schemas
import simulator
import zeep
from lxml import etree
from zeep.plugins import HistoryPlugin
from zeep.transports import Transport

# Each release and a schema version of it that ciscoaxl carries.
RUNS = (("11.5", "11.5"), ("12.0", "12.0"), ("12.5", "12.5"), ("12.5", "11.5"), ("14.0", "12.5"))
PUSH_USER = "bgpush"
PUSH_END_USER = "bgpush-eu"


class Driver:
    """A strict zeep client of the simulator; it counts and checks what it is answered."""

    def __init__(self, place, version):
        session = requests.Session()
        session.auth = (place["username"], place["password"])
        self.history = HistoryPlugin()
        self.version = version
        self.wrong = []
        self.calls = 0
        client = zeep.Client(
            str(schemas.SCHEMAS / version / "AXLAPI.wsdl"),
            transport=Transport(session=session, timeout=30),
            settings=zeep.Settings(strict=True, xml_huge_tree=True),
            plugins=[self.history],
        )
        self.service = client.create_service(
            "{http://www.cisco.com/AXLAPIService/}AXLAPIBinding",
            f"https://{place['host']}:{place['port']}/axl/",
        )

    def call(self, operation, /, **arguments):
        """Calls an operation and checks the raw answer; returns what zeep made of it."""
        self.calls += 1
        try:
            answer = getattr(self.service, operation)(**arguments)
        except zeep.exceptions.Fault as fault:
            self.wrong.append(f"{operation}: a fault: {fault.message}")
            return None
        except Exception as error:  # Whatever zeep says is what a user of zeep would see.
            self.wrong.append(f"{operation}: zeep: {type(error).__name__}: {error}")
            answer = None
        self.check(operation)
        return answer

    def check(self, operation):
        envelope = self.history.last_received["envelope"]
        element = schemas.payload(etree.tostring(envelope))
        for line in schemas.axl_errors(element, [self.version]):
            self.wrong.append(f"{operation}: {line}")

    def expect(self, told, what):
        """Notes that something is not as it should be."""
        if not told:
            self.wrong.append(what)


def rows(answer, name):
    """Returns the rows of a list's answer."""
    inner = answer and answer["return"]
    return (inner and inner[name]) or []


def read_everything(driver):
    """Reads all that a survey reads."""
    version = driver.call("getCCMVersion")
    number = version["return"]["componentVersion"]["version"]
    driver.expect(number[0].isdigit(), f"getCCMVersion: {number!r}")

    every_tag = listed_tags(driver)
    pages = []
    for skip in range(0, 10_000, 50):
        page = rows(
            driver.call(
                "listPhone",
                searchCriteria={"name": "%"},
                returnedTags=every_tag,
                skip=skip,
                first=50,
            ),
            "phone",
        )
        pages.extend(page)
        if len(page) < 50:
            break
    names = {row["name"] for row in pages}
    driver.expect(len(names) == len(pages) > 100, f"listPhone: {len(pages)} rows, {len(names)} names")
    nobody = driver.call("listPhone", searchCriteria={"name": "no such"}, returnedTags={"name": ""})
    driver.expect(not rows(nobody, "phone"), "listPhone: somebody is called 'no such'")

    for row in pages[:: max(1, len(pages) // 15)]:
        phone = driver.call("getPhone", name=row["name"])
        driver.expect(
            phone and phone["return"]["phone"]["name"] == row["name"], f"getPhone: {row['name']}"
        )
        driver.call("getPhone", uuid=row["uuid"], returnedTags={"name": "", "phoneSuite": ""})

    profiles = rows(
        driver.call(
            "listCommonPhoneConfig",
            searchCriteria={"name": "%"},
            returnedTags={"name": "", "phonePersonalization": "", "backgroundImage": ""},
        ),
        "commonPhoneConfig",
    )
    driver.expect(profiles, "listCommonPhoneConfig: no profile")
    for profile in profiles:
        driver.call("getCommonPhoneConfig", name=profile["name"])

    for operation, row, criterion in (
        ("listDevicePool", "devicePool", "name"),
        ("listProcessNode", "processNode", "name"),
        ("listUser", "user", "userid"),
        ("listAppUser", "appUser", "userid"),
    ):
        listed = driver.call(
            operation, searchCriteria={criterion: "%"}, returnedTags={criterion: ""}
        )
        driver.expect(rows(listed, row), f"{operation}: nothing")

    counted = driver.call("executeSQLQuery", sql="select count(*) from device where tkclass = 1")
    texts = [column.text for row in rows(counted, "row") for column in row]
    driver.expect(len(texts) == 1 and texts[0].isdigit(), f"executeSQLQuery: {texts}")
    driver.call("executeSQLQuery", sql="select name from device where name = 'no such'")

    driver.call(
        "getServiceParameter",
        processNodeName="EnterpriseWideData",
        name="URLAuthentication",
        service="Enterprise Wide",
    )
    driver.call("getEnterprisePhoneConfig")
    right = driver.call("doAuthenticateUser", userid=PUSH_USER, password="simulator-only-push")
    driver.expect(
        right and str(right["return"]["userAuthenticated"]).lower() in ("true", "t"),
        f"doAuthenticateUser: {right}",
    )
    driver.call(
        "listRegistrationDynamic",
        searchCriteria={"device": "%"},
        returnedTags={"device": "", "lastKnownIpAddress": "", "lastSeen": ""},
        first=20,
        skip=0,
    )


def listed_tags(driver):
    """Returns the tags that axlpaper asks listPhone for, as zeep wants them."""
    tags = (
        "name description product model class protocol devicePoolName commonPhoneConfigName "
        "locationName loadInformation authenticationUrl ownerUserName isActive phoneSuite "
        "secureAuthenticationUrl"
    )
    return {tag: "" for tag in tags.split()}


def change_associations(driver):
    """Adds three phones to the list of each push user."""
    listed = driver.call("listPhone", searchCriteria={"name": "SEP%"}, returnedTags={"name": ""})
    added = sorted(row["name"] for row in rows(listed, "phone"))[:3]
    associate(driver, "AppUser", "appUser", PUSH_USER, added)
    associate(driver, "User", "user", PUSH_END_USER, added)


def change_settings(driver):
    """Changes a phone and a profile, lets both take that over, and removes a profile again."""
    listed = driver.call("listPhone", searchCriteria={"name": "SEP%"}, returnedTags={"name": ""})
    phone = min(row["name"] for row in rows(listed, "phone"))
    profile = "Made by another client"
    driver.call(
        "addCommonPhoneConfig",
        commonPhoneConfig={"name": profile, "phonePersonalization": "Enabled", "backgroundImage": "true"},
    )
    driver.call("updateCommonPhoneConfig", name=profile, phonePersonalization="Disabled")

    def page():
        answer = driver.call("getPhone", name=phone)
        return answer["return"]["phone"]

    before = page()["commonPhoneConfigName"]
    before = getattr(before, "_value_1", before)
    driver.call("updatePhone", name=phone, phoneSuite="Enabled")
    driver.call("updatePhone", name=phone, commonPhoneConfigName=profile)
    after = page()
    moved = getattr(after["commonPhoneConfigName"], "_value_1", after["commonPhoneConfigName"])
    driver.expect(
        (after["phoneSuite"], moved) == ("Enabled", profile), f"updatePhone: {after['phoneSuite']}, {moved}"
    )
    driver.call("applyPhone", name=phone)
    driver.call("resetPhone", name=phone)
    driver.call("applyCommonPhoneConfig", name=profile)
    driver.call("resetCommonPhoneConfig", name=profile)
    refused(driver, "removeCommonPhoneConfig", expected="-691", name=profile)
    driver.call("updatePhone", name=phone, commonPhoneConfigName=before)
    driver.call("removeCommonPhoneConfig", name=profile)
    refused(driver, "getCommonPhoneConfig", name=profile)


def ask_for_what_is_not_there(driver):
    """Looks whether a fault is one that zeep understands."""
    refused(driver, "getPhone", name="SEPNOSUCHPHONE")
    refused(driver, "getUser", userid="nobody")
    refused(driver, "getAppUser", userid="nobody")


def associate(driver, kind, row, userid, added):
    """Reads a user's devices, adds some, writes the list, and reads it back."""

    def devices():
        answer = driver.call(f"get{kind}", userid=userid)
        inner = answer and answer["return"][row]["associatedDevices"]
        return list((inner and inner["device"]) or [])

    before = devices()
    wanted = before + [name for name in added if name not in before]
    driver.call(f"update{kind}", userid=userid, associatedDevices={"device": wanted})
    driver.expect(sorted(devices()) == sorted(wanted), f"update{kind}: {userid} has other devices")


def refused(driver, operation, expected="5007", **arguments):
    """Asks for something that cannot be had: zeep must see a fault, and its detail must be valid."""
    driver.calls += 1
    try:
        getattr(driver.service, operation)(**arguments)
    except zeep.exceptions.Fault as fault:
        code = fault.detail is not None and fault.detail.findtext(".//axlcode")
        driver.expect(code == expected, f"{operation}: the fault has the code {code!r}")
    else:
        driver.expect(False, f"{operation}: no fault for what cannot be had")


def through_ciscoaxl(place, version):
    """Uses ciscoaxl itself, as its own users do."""
    ucm = ciscoaxl.axl(
        strict_ssl=True,
        username=place["username"],
        password=place["password"],
        cucm=place["host"],
        cucm_port=place["port"],
        cucm_version=version,
    )
    wrong = []
    phones = ucm.get_phones(tagfilter={"name": "", "product": "", "devicePoolName": ""})
    if len(phones) < 100:
        wrong.append(f"ciscoaxl.get_phones: {len(phones)}")
    first = phones[0]["name"]
    if ucm.get_phone(name=first)["name"] != first:
        wrong.append(f"ciscoaxl.get_phone: not {first}")
    if ucm.get_user(PUSH_END_USER)["userid"] != PUSH_END_USER:
        wrong.append("ciscoaxl.get_user")
    if ucm.run_sql_query("select name from device where tkclass = 1")["num_rows"] < 100:
        wrong.append("ciscoaxl.run_sql_query")
    return wrong


def main(program):
    failed = False
    for release, version in RUNS:
        with simulator.running(program, "--release", release, "--phones", "150") as place:
            # requests takes this for every session, whoever opens it.
            os.environ["REQUESTS_CA_BUNDLE"] = place["ca"]
            driver = Driver(place, version)
            for part in (
                read_everything,
                change_associations,
                change_settings,
                ask_for_what_is_not_there,
            ):
                part(driver)
            wrong = driver.wrong + through_ciscoaxl(place, version)
        for line in dict.fromkeys(wrong):
            print(f"release {release}, AXL {version}: {line}")
        print(f"release {release}, AXL {version}: {driver.calls} calls, {len(wrong)} not as they should be")
        failed |= bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
