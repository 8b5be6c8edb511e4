"""Drives the simulator with zeep as eleven of Cisco DevNet's axl-python-zeep-samples do.

    drive_samples.py PROGRAM

Each function makes the calls of the sample that it is named after, with the arguments that matter, and checks what the
sample prints. Every sequence runs twice: from the published WSDL of 12.5, and from the one that the simulator serves.
"""

import sys

import requests
import schemas
import simulator
import zeep
from lxml import etree
from zeep import xsd
from zeep.transports import Transport

BINDING = "{http://www.cisco.com/AXLAPIService/}AXLAPIBinding"
SOFTPHONE = "Cisco Unified Client Services Framework"


class Validator(zeep.Plugin):
    """Checks every answer against the published schema."""

    def __init__(self):
        self.wrong = []

    def ingress(self, envelope, http_headers, operation):
        payload = schemas.payload(etree.tostring(envelope))
        if schemas.name_of(payload)[1] != "Fault":
            self.wrong += [f"{operation.name}: {line}" for line in schemas.axl_errors(payload)]
        return envelope, http_headers


class Sample:
    """A zeep client as the samples make it: not strict, for large documents."""

    def __init__(self, place, wsdl):
        session = requests.Session()
        session.auth = (place["username"], place["password"])
        session.verify = place["ca"]
        session.trust_env = False
        self.validator = Validator()
        self.client = zeep.Client(
            wsdl,
            plugins=[self.validator],
            transport=Transport(session=session, timeout=30),
            settings=zeep.Settings(strict=False, xml_huge_tree=True),
        )
        address = f"https://{place['host']}:{place['port']}/axl/"
        self.service = self.client.create_service(BINDING, address)

    def phone(self, name, **more):
        """The fields of a softphone that the samples give."""
        return {
            "name": name,
            "product": SOFTPHONE,
            "class": "Phone",
            "protocol": "SIP",
            "protocolSide": "User",
            "devicePoolName": "Default",
            "commonPhoneConfigName": "Standard Common Phone Profile",
            "locationName": "Hub_None",
            "useTrustedRelayPoint": "Default",
            "phoneTemplateName": xsd.SkipValue,
            "primaryPhoneName": xsd.SkipValue,
            "builtInBridgeStatus": "Default",
            "packetCaptureMode": "None",
            "certificateOperation": "No Pending Operation",
            "deviceMobilityMode": "Default",
            **more,
        }

    def gone(self, operation, **arguments):
        """Checks that something is not there any more."""
        try:
            getattr(self.service, operation)(**arguments)
        except zeep.exceptions.Fault as fault:
            assert "not found" in fault.message, fault.message
        else:
            raise AssertionError(f"{operation}: {arguments} is there still")


def lines(number):
    return {"line": [{"index": 1, "dirn": {"pattern": number, "routePartitionName": None}}]}


def axl_add_Phone_busyLampField(sample):
    service = sample.service
    fields = [
        {"blfDest": "1000", "blfDirn": xsd.SkipValue, "routePartition": xsd.SkipValue, "index": 1},
        {"blfDest": xsd.SkipValue, "blfDirn": "1001", "routePartition": "", "index": 2},
    ]
    service.addPhone(sample.phone("testPhone", busyLampFields={"busyLampField": fields}))
    phone = service.getPhone(name="testPhone")["return"]["phone"]
    found = [int(field["index"]) for field in phone["busyLampFields"]["busyLampField"]]
    assert found == [1, 2], found
    service.removePhone(name="testPhone")


def axl_add_User_Line_Phone(sample):
    service, number = sample.service, "1234567890"
    service.addLine(
        {"pattern": number, "description": "Test Line", "usage": "Device", "routePartitionName": None}
    )
    service.addPhone(sample.phone("testPhone", lines=lines(number), sipProfileName="Standard SIP Profile"))
    group = {
        "name": "Standard CCM End Users",
        "userRoles": {"userRole": ["Standard CCM End Users", "Standard CCMUSER Administration"]},
    }
    service.addUser(
        {
            "firstName": "first",
            "lastName": "last",
            "userid": "testUser",
            "password": "C1sco12345",
            "pin": "123456",
            "userLocale": "English United States",
            "associatedGroups": {"userGroup": [group]},
            "associatedDevices": {"device": ["testPhone"]},
            "presenceGroupName": "Standard Presence group",
        }
    )
    phone = service.getPhone(name="testPhone")["return"]["phone"]
    assert phone["lines"]["line"][0]["dirn"]["pattern"] == number
    user = service.getUser(userid="testUser")["return"]["user"]
    assert user["associatedDevices"]["device"] == ["testPhone"] and user["lastName"] == "last"
    service.removeUser(userid="testUser")
    service.removeLine(pattern=number)
    service.removePhone(name="testPhone")
    sample.gone("getUser", userid="testUser")
    sample.gone("getPhone", name="testPhone")


def axl_add_update_Line(sample):
    service, number = sample.service, "1234567891"
    service.addLine(
        {
            "pattern": number,
            "usage": "Device",
            "routePartitionName": None,
            "callForwardAll": {"forwardToVoiceMail": "true"},
        }
    )
    service.updateLine(pattern=number, callForwardAll={"forwardToVoiceMail": "false"})
    line = service.getLine(pattern=number)["return"]["line"]
    assert line["callForwardAll"]["forwardToVoiceMail"] == "false"
    service.removeLine(pattern=number)
    sample.gone("getLine", pattern=number)


def axl_add_update_User(sample):
    service = sample.service
    service.addPhone(sample.phone("CSFTESTPHONE"))
    service.addUser(
        {
            "userid": "testEndUser",
            "lastName": "testEndUser",
            "password": "Cisco1234!",
            "presenceGroupName": "Standard Presence Group",
        }
    )
    service.updateUser(
        userid="testEndUser",
        associatedDevices={"device": ["CSFTESTPHONE"]},
        homeCluster=True,
        imAndPresenceEnable=True,
    )
    user = service.getUser(userid="testEndUser")["return"]["user"]
    assert user["associatedDevices"]["device"] == ["CSFTESTPHONE"]
    service.removeUser(userid="testEndUser")
    service.removePhone(name="CSFTESTPHONE")


def axl_add_Phone_vendorConfig(sample):
    service = sample.service
    video = etree.Element("videoCapability")
    video.text = "0"
    section = etree.Element("desktopClient")
    etree.SubElement(section, "extendAndConnectCapability").text = "0"
    config = sample.client.get_type("ns0:XVendorConfig")([video, section])
    service.addPhone(sample.phone("testPhone", vendorConfig=config, builtInBridgeStatus=xsd.SkipValue))
    found = service.getPhone(name="testPhone")["return"]["phone"]["vendorConfig"]._value_1
    assert [element.tag for element in found] == ["videoCapability", "desktopClient"], found
    assert found[1].findtext("extendAndConnectCapability") == "0"
    service.removePhone(name="testPhone")


def axl_listChange(sample):
    service = sample.service
    begin = service.listChange()
    start = {"queueId": begin.queueInfo.queueId, "_value_1": begin.queueInfo.nextStartChangeId}
    service.addPhone(sample.phone("testPhone"))
    service.updatePhone(name="testPhone", description="changed")
    service.removePhone(name="testPhone")
    answer = service.listChange(start, objectList={"object": ["Phone"]})
    actions = [(change.type, change.action) for change in answer.changes.change]
    assert actions == [("Phone", "a"), ("Phone", "u"), ("Phone", "r")], actions
    changed = answer.changes.change[1]
    assert [tag.name for tag in changed.changedTags.changedTag] == ["description"]
    assert changed.uuid.startswith("{")
    try:
        service.listChange({**start, "queueId": "another"})
    except zeep.exceptions.Fault as fault:
        assert fault.detail.findtext(".//axlcode") == "5007", etree.tostring(fault.detail)
    else:
        raise AssertionError("another queue was accepted")


def axl_listRegistrationDynamic(sample):
    tags = ("device", "lastKnownIpAddress", "lastKnownUcm", "lastSeen")
    answer = sample.service.listRegistrationDynamic(
        searchCriteria={"device": "%"}, returnedTags={tag: xsd.Nil for tag in tags}
    )
    for device in answer["return"]["registrationDynamic"]:
        assert device["device"]._value_1 and device["lastKnownUcm"].isprintable()


def axl_doAuthenticateUser(sample):
    service = sample.service
    service.addUser(
        {
            "userid": "testUser",
            "lastName": "testUser",
            "password": "password",
            "pin": "12345",
            "presenceGroupName": "Standard Presence Group",
        }
    )
    for secret in ({"password": "password"}, {"pin": "12345"}):
        answer = service.doAuthenticateUser(userid="testUser", **secret)["return"]
        assert str(answer["userAuthenticated"]).lower() == "true", answer
    wrong = service.doAuthenticateUser(userid="testUser", password="badpassword")["return"]
    assert str(wrong["userAuthenticated"]).lower() == "false", wrong
    service.removeUser(userid="testUser")


def axl_executeSQLUpdate_DnD(sample):
    service, number = sample.service, "9876543211"
    service.addLine({"pattern": number, "usage": "Device", "routePartitionName": None})
    added = service.addPhone(sample.phone("BOTTESTPHONE", lines=lines(number)))
    pkid = added["return"].strip("{}").lower()
    update = f'UPDATE dnddynamic SET dndstatus = "t" where fkdevice="{pkid}"'
    answer = service.executeSQLUpdate(update)
    assert int(answer["return"]["rowsUpdated"]) == 1, answer
    status = f"select dndstatus from dnddynamic where fkdevice = '{pkid}'"
    rows = service.executeSQLQuery(status)["return"]["row"]
    assert rows[0][0].text == "t"
    service.removePhone(name="BOTTESTPHONE")
    service.removeLine(pattern=number, routePartitionName=None)


def axl_add_App_User(sample):
    service = sample.service
    listed = service.listPhone(searchCriteria={"name": "SEP%"}, returnedTags={"name": ""})
    first, second = (phone["name"] for phone in listed["return"]["phone"][:2])
    service.addAppUser(
        {"userid": "testAppUser", "password": "password", "associatedDevices": {"device": [first]}}
    )
    service.updateAppUser(userid="testAppUser", associatedDevices={"device": [first, second]})
    user = service.getAppUser(userid="testAppUser")["return"]["appUser"]
    assert user["associatedDevices"]["device"] == [first, second]
    service.removeAppUser(userid="testAppUser")


def axl_doChangeDNDStatus(sample):
    service = sample.service
    service.addPhone(sample.phone("testPhone"))
    service.addUser(
        {
            "userid": "testUser",
            "lastName": "testUser",
            "presenceGroupName": "Standard Presence Group",
            "associatedDevices": {"device": ["testPhone"]},
        }
    )
    service.doChangeDNDStatus(userID="testUser", dndStatus="true")
    phone = service.getPhone(name="testPhone", returnedTags={"dndStatus": ""})["return"]["phone"]
    assert str(phone["dndStatus"]).lower() == "true"
    service.removeUser(userid="testUser")
    service.removePhone(name="testPhone")


SAMPLES = (
    axl_add_App_User,
    axl_add_Phone_busyLampField,
    axl_add_Phone_vendorConfig,
    axl_add_User_Line_Phone,
    axl_add_update_Line,
    axl_add_update_User,
    axl_doAuthenticateUser,
    axl_doChangeDNDStatus,
    axl_executeSQLUpdate_DnD,
    axl_listChange,
    axl_listRegistrationDynamic,
)


def main(program):
    failed = False
    with simulator.running(program, "--release", "14.0", "--phones", "60") as place:
        served = f"https://{place['host']}:{place['port']}/axl/AXLAPIService?wsdl"
        for wsdl, source in (
            (str(schemas.SCHEMAS / "12.5" / "AXLAPI.wsdl"), "published WSDL"),
            (served, "served WSDL"),
        ):
            sample = Sample(place, wsdl)
            for function in SAMPLES:
                try:
                    function(sample)
                    wrong, sample.validator.wrong = sample.validator.wrong, []
                    result = f"FAILS: {wrong[0]}" if wrong else "works"
                    failed |= bool(wrong)
                except Exception as error:  # Whatever zeep says is what a user of zeep would see.
                    result = f"FAILS: {type(error).__name__}: {error}"
                    failed = True
                print(f"{function.__name__:30} {source:15} {result}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
