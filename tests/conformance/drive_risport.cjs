// Drives the simulator's RisPort70 with the client cisco-risport, which is not ours.
//
//     node drive_risport.cjs HOST PORT USER PASSWORD NAME...
//
// NODE_EXTRA_CA_CERTS names the simulator's certificate. The client knows only the port 8443, so the port
// is put into its URLs here. Prints what it was told as JSON, for the caller to judge.

const [host, port, user, password, ...names] = process.argv.slice(2);
const real = globalThis.fetch;
globalThis.fetch = (url, options) => real(String(url).replace(":8443/", `:${port}/`), options);
const RisPort = require("cisco-risport");

async function main() {
  const service = new RisPort(host, user, password, {}, false);
  const ask = (action, items) =>
    service.selectCmDevice({
      action,
      maxReturned: 1000,
      deviceClass: "Any",
      model: 255,
      status: "Any",
      selectBy: "Name",
      selectItems: items,
      protocol: "Any",
      downloadStatus: "Any",
    });
  const several = await ask("SelectCmDeviceExt", names);
  const all = await ask("SelectCmDevice", "*");
  const nobody = await ask("SelectCmDeviceExt", ["SEPNOSUCHPHONE"]);
  // Its pagination sends the StateInfo of an answer back as markup.
  const paginated = await service.selectCmDevicePaginated({
    action: "SelectCmDevice",
    maxReturned: 1000,
    deviceClass: "Phone",
    model: "Any",
    status: "Registered",
    selectBy: "Name",
    selectItems: "*",
    protocol: "Any",
    downloadStatus: "Any",
  });
  const cti = await service.selectCtiDevice(1000, "Device", "Any", "", "AppId", "", "", "");
  console.log(
    JSON.stringify({
      several: several.results,
      all: all.results,
      nobody: nobody.results,
      paginated: paginated.results,
      cti: cti.results,
    }),
  );
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
