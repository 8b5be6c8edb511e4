"""Checks the requests that axlpaper sends against the published schemas.

    check_requests.py RECORDED FIXTURES

RECORDED is a folder of envelopes that the simulator kept while the test suite ran. FIXTURES is
`wsdl-fixtures`; its requests are checked too. Every AXL request must be valid in its own version, and in
every published version that has the operation.
"""

import pathlib
import sys
from collections import Counter

import schemas

# What the test suite is known to send. A recording without one of them checked less than it says.
EXPECTED = {
    "doAuthenticateUser",
    "executeSQLQuery",
    "getAppUser",
    "getCCMVersion",
    "getCommonPhoneConfig",
    "getEnterprisePhoneConfig",
    "getPhone",
    "getServiceParameter",
    "getUser",
    "listAppUser",
    "listChange",
    "listCommonPhoneConfig",
    "listDevicePool",
    "listPhone",
    "listProcessNode",
    "listRegistrationDynamic",
    "listUser",
    "selectCmDeviceExt",
    "updateAppUser",
    "updateUser",
}


# What later copies of a published schema have and the ones here do not.
LATER = {("listRegistrationDynamic", "Element 'risStatus': This element is not expected.")}


def check(path, seen):
    """Returns what is wrong with one envelope, and counts its operation."""
    try:
        element = schemas.payload(path.read_bytes())
    except (ValueError, schemas.etree.XMLSyntaxError) as error:
        return [f"{error}"]
    namespace, name = schemas.name_of(element)
    seen[name] += 1
    if namespace == schemas.RISPORT:
        return schemas.errors(schemas.risport(), element)
    own = namespace.removeprefix(schemas.AXL)
    if own == namespace:
        return [f"the namespace {namespace!r} is neither AXL's nor RisPort70's"]
    if own == schemas.VERSIONLESS and name != "getCCMVersion":
        return [f"{name} is sent without a version"]
    having = [v for v in schemas.PUBLISHED if name in schemas.axl_operations(v)]
    wrong = schemas.axl_errors(element, having or [schemas.PUBLISHED[-1]])
    return [line for line in wrong if (name, line.split(": ", 1)[1]) not in LATER]


def main(recorded, fixtures):
    kept = sorted(pathlib.Path(recorded).glob("*.xml"))
    written = sorted(pathlib.Path(fixtures).glob("*/*/request*.xml"))
    seen, wrong = Counter(), 0
    for path in kept + written:
        lines = check(path, seen if path in kept else Counter())
        for line in lines:
            print(f"{path}: {line}")
        wrong += bool(lines)
    missing = EXPECTED - set(seen)
    for name in sorted(missing):
        print(f"{recorded}: no {name} was recorded, so it was not checked")
    kinds = ", ".join(f"{name} {count}" for name, count in sorted(seen.items()))
    print(f"{len(kept)} different recorded requests ({kinds}), {len(written)} fixtures: {wrong} not valid")
    return 1 if wrong or missing or not written else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
