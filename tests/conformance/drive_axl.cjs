// Drives a running simulator with the npm package cisco-axl: node drive_axl.cjs MODULES HOST PORT USER PASSWORD
const [modules, host, port, user, password] = process.argv.slice(2);
const AxlService = require(`${modules}/cisco-axl`);

async function main() {
  let failed = false;
  for (const version of ["12.5", "14.0"]) {
    const service = new AxlService(host, user, password, version);
    // The port is fixed in the package.
    service._OPTIONS.endpoint = `https://${host}:${port}/axl/`;
    const call = async (operation, tags, right) => {
      let result = "works";
      try {
        const answer = await service.executeOperation(operation, tags);
        if (!right(answer)) result = `FAILS: ${JSON.stringify(answer).slice(0, 200)}`;
      } catch (error) {
        result = `FAILS: ${String(error.message || error).slice(0, 200)}`;
      }
      failed ||= result !== "works";
      console.log(`cisco-axl ${version} ${operation.padEnd(20)} ${result}`);
    };
    const isId = (answer) => /^\{[0-9A-F-]{36}\}$/.test(answer);
    const phone = {
      name: "SEPAABBCCDDEEFF",
      product: "Cisco 8841",
      class: "Phone",
      protocol: "SIP",
      protocolSide: "User",
      devicePoolName: "HQ",
      commonPhoneConfigName: "Standard Common Phone Profile",
      locationName: "Hub_None",
    };
    await call("listPhone", { searchCriteria: { name: "SEP%" }, returnedTags: { name: "", model: "" } },
      (answer) => answer.phone.length >= 50);
    await call("addPhone", { phone }, isId);
    await call("updatePhone", { name: phone.name, description: "from node" }, isId);
    await call("getPhone", { name: phone.name, returnedTags: { description: "" } },
      (answer) => answer.phone.description === "from node");
    await call("executeSQLQuery", { sql: "select count(*) as n from device" },
      (answer) => Number([].concat(answer.row)[0].n) >= 50);
    await call("executeSQLUpdate", { sql: `update device set description = '' where name = '${phone.name}'` },
      (answer) => Number(answer.rowsUpdated) === 1);
    await call("doDeviceReset", { deviceName: phone.name, isHardReset: "true" }, isId);
    await call("getUser", { userid: "bgpush-eu" }, (answer) => answer.user.userid === "bgpush-eu");
    await call("removePhone", { name: phone.name }, isId);
  }
  process.exit(failed ? 1 : 0);
}

main();
