use proptest::prelude::*;

use super::*;

const MAC: &str = "SEP001AE2D3D6AF";

fn read_names(text: &str) -> Vec<String> {
    let list = names(text, true).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    list.entries.iter().map(ToString::to_string).collect()
}

fn wrong_names(text: &str) -> String {
    names(text, true).unwrap_err().to_string()
}

type Line = (String, &'static str, String);

fn read(text: &str) -> Vec<Line> {
    let list = addresses(text, true).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    let line = |entry: AddressEntry| {
        let name = entry.name.map(|name| name.to_string()).unwrap_or_default();
        (entry.address.to_string(), entry.model.map_or("", |model| model.name), name)
    };
    list.entries.into_iter().map(line).collect()
}

fn row(address: &str, model: &'static str, name: &str) -> Line {
    (address.to_owned(), model, name.to_owned())
}

#[test]
fn names_of_every_tool_are_read() {
    let two = [MAC, "SEPA0239F02BEFE"];
    for text in [
        "SEP001AE2D3D6AF\r\n\r\n SEPA0239F02BEFE \n",
        "# the lobby\nSEP001AE2D3D6AF # by the door\nSEPA0239F02BEFE\n",
        "001AE2D3D6AF\na0:23:9f:02:be:fe\n",
        "00-1A-E2-D3-D6-AF\na023.9f02.befe\n",
        "001AE2-D3D6AF\nA0 23 9F 02 BE FE\n",
        "SEP00:1A:E2:D3:D6:AF\nSEP-A023-9F02-BEFE\n",
        "0:1a:e2:d3:d6:af\na0:23:9f:2:be:fe\n",
        "Pool,MAC Address/Device Name\nHQ,001AE2D3D6AF\nHQ,A0239F02BEFE\n",
        "SEP001AE2D3D6AF,SEPA0239F02BEFE\n",
        "SEP001AE2D3D6AF;Lobby\nSEPA0239F02BEFE;Büro\n",
        "\u{feff}pool,Name\nHQ,SEP001AE2D3D6AF\n\"Pa,ris\",SEPA0239F02BEFE\n",
        "sep=;\r\nname;description\r\nSEP001AE2D3D6AF;a, b, c\r\nSEPA0239F02BEFE;x\r\n",
        "\"sep=,\"\nname,description\n\"=\"\"SEP001AE2D3D6AF\"\"\",x\n'SEPA0239F02BEFE,y\n",
        "Device Name,Description,Device Pool\nSEP001AE2D3D6AF,Desk,HQ\nSEPA0239F02BEFE,Room,HQ\n",
        "MAC ADDRESS,DESCRIPTION\n001AE2D3D6AF,Desk\nA0239F02BEFE,Room\n",
        "\tDevice Name(Line)\tDescription\tDevice Pool\tIPv4 Address\n\
         \tSEP001AE2D3D6AF(1)\tDesk, left\tHQ\t10.1.2.3\n\tSEPA0239F02BEFE\tRoom\tHQ\tUnknown\n",
        "admin:show risdb query phone\n\n----------- Phone Information -----------\n\n\
         #TotalPhone, #TotalRegPhone, #RegSCCPPhone, #RegSIPPhone\n2, 2, 0, 2\n\n\
         DeviceName, Descr, Ipaddr, Ipv6addr, Model\nSEP001AE2D3D6AF, Desk, 10.1.2.3, , 683\n\
         SEPA0239F02BEFE, Room, 10.1.2.4, , 683\nadmin:\n",
        "Name,Node,IP Address,Model,Status\nSEP001AE2D3D6AF,cucm-sub1,10.1.2.3,Cisco 8841,Registered\n\
         SEPA0239F02BEFE,cucm-sub1,10.1.2.4,Cisco 8841,Registered\n",
    ] {
        assert_eq!(read_names(text), two, "{text}");
    }
    assert_eq!(read_names("name\nSEP1\n"), ["SEP1"]);
    assert_eq!(read_names("pool;name\nHQ, west;SEP1\n"), ["SEP1"]);
    let list = names("name,pool\nSEP1,HQ\n,HQ\n,Paris\n", true).unwrap();
    assert_eq!(list.notes, ["2 rows without a device name skipped"]);
}

#[test]
fn what_names_no_device_is_refused() {
    assert_eq!(wrong_names(""), "it names no device");
    assert_eq!(wrong_names("name,pool\n,HQ\n"), "it names no device");
    let error = wrong_names("SEP2\n\nSEP 1\n");
    assert!(error.contains("SEP 1") && error.contains("line 3"), "{error}");
    let error = names("SEP1\nmy pass word\n", false).unwrap_err().to_string();
    assert!(error.contains("line 2") && !error.contains("pass word"), "{error}");
    let error = wrong_names("pool,phone no\nHQ,SEP1\n");
    assert!(error.contains("`name`") && error.contains("\"phone no\""), "{error}");
    // A header below names would hide them.
    assert!(wrong_names("SEP001AE2D3D6AF,x y\nname,pool\nSEP2,HQ\n").contains("`name`"));
}

#[test]
fn addresses_of_every_tool_are_read() {
    let two = [row("10.1.2.3", "Cisco 8841", ""), row("2001:db8::1", "", "")];
    assert_eq!(read("10.1.2.3 8841\r\n\r\n2001:db8::1\n"), two);
    assert_eq!(read("\u{feff}10.1.2.3\tCisco 8841\n 2001:DB8::1 \n"), two);
    assert_eq!(read("address,model\n10.1.2.3,CP-8841\n,\n2001:db8::1,\n"), two);
    let named = [row("10.1.2.3", "Cisco 7965", "SEP1")];
    assert_eq!(read("Name;Address;Model\nSEP1;10.1.2.3;7965\n"), named);
    assert_eq!(read("name\tmodel\tfloor\tip\nSEP1\tCP-7965G\t\"3;4\"\t10.1.2.3\n"), named);
    // A row may be shorter than the header.
    assert_eq!(read("address,model,name\n10.1.2.3\n"), [row("10.1.2.3", "", "")]);
    let of = |name| [row("10.1.2.3", "Cisco 8841", name)];
    assert_eq!(read("10.1.2.3,8841\n"), of(""));
    assert_eq!(read("SEP001AE2D3D6AF;10.1.2.3;Cisco IP Phone 8841\n"), of(MAC));
    assert_eq!(
        read("Device Name,IPv4 Address,Device Type\n001AE2D3D6AF,10.1.2.3,Cisco 8841\n"),
        of(MAC)
    );
    assert_eq!(
        read(
            "DeviceName, Descr, Ipaddr, Ipv6addr, Model\nSEP001AE2D3D6AF, Desk, 10.1.2.3, , 683\n"
        ),
        of(MAC)
    );
    let six = "name,ipv4 address,ipv6 address\nSEP1,0.0.0.0,2001:db8::1\n";
    assert_eq!(read(six), [row("2001:db8::1", "", "SEP1")]);
}

#[test]
fn rows_that_are_no_target_are_counted() {
    let list = addresses(
        "name,model,ip\nSEP1,Cisco 8841,10.1.2.3\nSEP2,Cisco 8841,\nSEP3,Cisco 8841,Unknown\n\
         CTI1,CTI Port,10.1.2.3\nSEP4,Cisco 8842,10.1.2.4\nSEP5,Cisco 8842,10.1.2.5\n",
        true,
    )
    .unwrap();
    assert_eq!(list.entries.len(), 3);
    assert_eq!(
        list.notes,
        [
            "2 rows without an address skipped",
            "1 row about virtual devices skipped",
            "models that are not known: \"Cisco 8842\"; each of these phones is asked for its own",
        ]
    );
}

#[test]
fn multiplatform_phones_are_left_out_and_never_called_another_model() {
    let list =
        addresses("name,ip,model\n,10.1.2.3,CP-8841-3PCC\n,10.1.2.4,CP-8841\n", true).unwrap();
    assert_eq!(list.entries.len(), 1);
    let note = "1 row about phones with multiplatform firmware (3PCC), which take no push, skipped";
    assert_eq!(list.notes, [note]);
    let only = addresses("10.1.2.3 CP-8841-3PCC-K9=\n", true).unwrap_err().to_string();
    assert!(only.contains("multiplatform") && !only.contains("did you mean"), "{only}");
}

#[test]
fn lines_that_are_no_rows_cost_no_list() {
    let risdb = "DeviceName, Descr, Ipaddr, Model\nSEP001AE2D3D6AF, Desk, 10.1.2.3, 683\n\
                 Press <enter> for 1 line, <space> for one page, <q> to quit\n\
                 SEPA0239F02BEFE, Lobby, left, 10.1.2.4, 683\nTotal count 2\n";
    let list = addresses(risdb, true).unwrap();
    assert_eq!(list.entries.len(), 1);
    let moved = "1 row with more columns than the header (a comma inside a text?) skipped";
    assert_eq!(list.notes, ["1 row outside the table skipped", moved]);
    let list = names(risdb, true).unwrap();
    assert_eq!(list.entries.len(), 2);
    assert_eq!(list.notes, ["1 row outside the table skipped"]);
    assert_eq!(read("10.1.2.3, 10.1.2.4;\u{1a}".trim_end_matches(";\u{1a}")).len(), 2);
    assert_eq!(read("=\"10.1.2.3\"\n=\"10.1.2.4\"\n\u{1a}").len(), 2);
}

#[test]
fn a_text_is_quoted_as_it_was_typed() {
    let told = wrong_names("name,pool\nA\\B C,HQ\n");
    assert!(told.contains(r#""A\B C": a device name holds a blank"#), "{told}");
    let told = addresses("it's \u{1} \"x\"\n", true).unwrap_err().to_string();
    assert!(told.contains("\"it's\""), "{told}");
}

#[test]
fn what_is_no_address_is_refused_with_its_line() {
    let wrong = |text| addresses(text, true).unwrap_err().to_string();
    for text in ["", "\n \n", "address,model\n", "\u{feff}", "address,name\n\n,SEP1\n"] {
        assert_eq!(wrong(text), "it names no phone with an address", "{text:?}");
    }
    assert!(wrong("phone,model\n10.1.2.3,8841\n").contains("`address`"));
    for (text, told) in [
        ("10.1.2.3\nphone7 8841\n", "line 2, the address \"phone7\": not an IP address"),
        ("address\n10.1.2.300\n", "line 2, the address \"10.1.2.300\""),
        ("0.0.0.1 8841\n255.255.255.255\n", "no single phone answers"),
        (
            "10.1.2.3 8842\n",
            "line 1, the model \"8842\": that model is not known; did you mean Cisco 8841?",
        ),
        ("address,name\n10.1.2.3,SEP 1\n", "line 2, the name \"SEP 1\""),
        ("address,name\n10.1.2.3,10.1.2.4\n", "it is an address and no name"),
    ] {
        assert!(wrong(text).contains(told), "{text:?}: {}", wrong(text));
    }
    let unquoted = addresses("my-pass word\n", false).unwrap_err().to_string();
    assert!(unquoted.contains("line 1") && !unquoted.contains("pass"), "{unquoted}");
}

fn any_entry() -> impl Strategy<Value = AddressEntry> {
    let image = model::catalogue().iter();
    let image = image.filter(|model| model.kind != DeviceKind::Virtual).collect::<Vec<_>>();
    let model = proptest::option::of(proptest::sample::select(image));
    let name = proptest::option::of("[A-Za-z][A-Za-z0-9_.-]{0,20}");
    (1_u32..0xdfff_ffff, model, name).prop_map(|(address, model, name)| AddressEntry {
        address: IpAddr::from(address.to_be_bytes()),
        model,
        name: name.map(|name| name.parse().unwrap()),
    })
}

proptest! {
    /// Whatever the separator and the order of columns, a table says what was written into it.
    #[test]
    fn a_table_is_read_as_it_was_written(
        entries in proptest::collection::vec(any_entry(), 1..20),
        separator in proptest::sample::select(vec![b',', b';', b'\t']),
        turn in 0_usize..3,
        unix in any::<bool>(),
    ) {
        let terminator =
            if unix { csv::Terminator::Any(b'\n') } else { csv::Terminator::CRLF };
        let mut writer = csv::WriterBuilder::new()
            .delimiter(separator).terminator(terminator).from_writer(Vec::new());
        let mut write = |mut cells: [String; 3]| {
            cells.rotate_left(turn);
            writer.write_record(cells).unwrap();
        };
        write(["address", "model", "name"].map(str::to_owned));
        for entry in &entries {
            let model = entry.model.map_or("", |model| model.name);
            let name = entry.name.as_ref().map_or("", |name| name.as_str());
            write([entry.address.to_string(), model.to_owned(), name.to_owned()]);
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        prop_assert_eq!(addresses(&text, true).unwrap().entries, entries);
    }

    #[test]
    fn lines_are_read_as_they_were_written(
        entries in proptest::collection::vec(any_entry(), 1..20),
    ) {
        let entries: Vec<AddressEntry> =
            entries.into_iter().map(|entry| AddressEntry { name: None, ..entry }).collect();
        let lines = entries.iter().map(|entry| {
            format!("{} {}\n", entry.address, entry.model.map_or("", |model| model.name))
        });
        let text: String = lines.collect();
        prop_assert_eq!(addresses(&text, true).unwrap().entries, entries);
    }

    /// Nothing is quoted where it may not be, and nothing panics.
    #[test]
    fn whatever_is_typed_is_read_or_refused(text in "[a-z0-9.,;:\\t\\n\" ]{0,80}") {
        match addresses(&text, false) {
            Ok(list) => prop_assert!(!list.entries.is_empty()),
            Err(why) => prop_assert!(!why.to_string().contains(['"', '\n']), "{}", why),
        }
    }
}
