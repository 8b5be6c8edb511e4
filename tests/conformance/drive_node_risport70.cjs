// Drives the simulator's RisPort70 with the client node-risport70, which is not ours.
//
//     node drive_node_risport70.cjs HOST PORT USER PASSWORD NAME...
//
// NODE_EXTRA_CA_CERTS names the simulator's certificate. The client knows only the port 8443, so its address is changed
// here. Prints what it was answered as JSON, for the caller to judge.

const [host, port, user, password, ...names] = process.argv.slice(2);
const { RisPort70, DeviceClass, Status, SelectBy, Protocol, DownloadStatus } = require("node-risport70");

async function main() {
  const service = new RisPort70({ host, user, pass: password, timeout: 30000 });
  service.axios.defaults.baseURL = service.axios.defaults.baseURL.replace(/:[0-9]+\//, `:${port}/`);
  service.axios.defaults.proxy = false;
  const all = await service.selectCMDevice({
    MaxReturnedDevices: 10000,
    DeviceClass: DeviceClass.Any,
    Model: 255,
    Status: Status.Any,
    NodeName: "",
    SelectBy: SelectBy.Name,
    Protocol: Protocol.Any,
    DownloadStatus: DownloadStatus.Any,
    items: ["*"],
  });
  const one = await service.getPhoneByName(names[0]);
  // It writes commas between the items.
  const several = await service.getPhonesByName(names);
  const nobody = await service.getPhoneByName("SEPNOSUCHPHONE");
  const nodes = (body) => {
    const found = body.selectCmDeviceResponse.selectCmDeviceReturn.SelectCmDeviceResult.CmNodes;
    return (found && found.item) || [];
  };
  console.log(
    JSON.stringify({ all: nodes(all), one: nodes(one), several: nodes(several), nobody: nodes(nobody) }),
  );
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
