"""Drives the simulator's RisPort70 with the PyPI package ciscoris, a client that is not ours.

    drive_ciscoris.py HOST PORT USER PASSWORD NAME...

REQUESTS_CA_BUNDLE names the simulator's certificate. The client knows only the port 8443, so the port is put into its
addresses here. Prints what it was answered as JSON, for the caller to judge.
"""

import json
import sys
import tempfile

import requests
import zeep.cache
from zeep.helpers import serialize_object


def main(host, port, user, password, *names):
    send = requests.Session.send

    def to_port(self, request, **options):
        request.url = request.url.replace(":8443/", f":{port}/")
        return send(self, request, **{**options, "proxies": {}})

    requests.Session.send = to_port
    # It keeps what it downloads where other runs would find it.
    with tempfile.TemporaryDirectory() as folder:
        zeep.cache._get_default_cache_path = lambda: folder + "/cache.db"
        import ciscoris

        client = ciscoris.ris(user, password, host, "14.0")
        criteria = {
            "MaxReturnedDevices": "1000",
            "DeviceClass": "Any",
            "Model": "255",
            "Status": "Any",
            "NodeName": "",
            "SelectBy": "Name",
            "SelectItems": {"item": [{"Item": name} for name in names]},
            "Protocol": "Any",
            "DownloadStatus": "Any",
        }
        answers = {
            "several": client.get_devices(**criteria),
            "nobody": client.get_devices(**{**criteria, "SelectItems": {"item": [{"Item": "SEPNOSUCHPHONE"}]}}),
            # It writes all names into one item.
            "registered": [client.checkRegistration(names, [sub]) for sub in ("cucm-sub1", "cucm-sub2")],
        }
        print(json.dumps(serialize_object(answers, dict)))


if __name__ == "__main__":
    main(*sys.argv[1:])
