//! How fast answers become rows, in bytes a second. `benches/README.md` tells how to run it.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::fmt::Write as _;

use axlpaper::axl::operation::read_response;
use axlpaper::axl::phone::ListPhone;
use axlpaper::ris::answer::SelectAnswer;
use axlpaper::soap::read::read_answer;
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// A page of the phone list, with the fields that a survey asks for.
fn phones(count: usize) -> String {
    let mut page = format!(
        "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\"><soapenv:Body>\
         <ns:listPhoneResponse xmlns:ns=\"http://www.cisco.com/AXL/API/14.0\"><return>"
    );
    for n in 0..count {
        write!(
            page,
            "<phone ctiid=\"{n}\" uuid=\"{{5C0A1B2C-0009-4D5E-8F60-{n:012}}}\"><name>SEP{n:012}</name>\
             <description>Büro {n} &amp; Lager</description><product>Cisco 8841</product><model>Cisco 8841</model>\
             <class>Phone</class><protocol>SIP</protocol>\
             <devicePoolName uuid=\"{{ED8F55F5-0000-4D5E-8F60-000000000001}}\">HQ</devicePoolName>\
             <commonPhoneConfigName uuid=\"{{AC243D17-98B4-4118-8FEB-5FF2E1B781AC}}\">Standard Common Phone \
             Profile</commonPhoneConfigName><locationName uuid=\"{{29C5C1C4-0000-4D5E-8F60-000000000001}}\">Hub_None\
             </locationName><loadInformation special=\"false\">sip88xx.14-2-1-0101-4</loadInformation>\
             <authenticationUrl/><ownerUserName uuid=\"{{1D8F55F5-0000-4D5E-8F60-{n:012}}}\">user{n}</ownerUserName>\
             <isActive>true</isActive><phoneSuite>Default</phoneSuite><secureAuthenticationUrl/></phone>"
        )
        .unwrap();
    }
    page + "</return></ns:listPhoneResponse></soapenv:Body></soapenv:Envelope>"
}

/// An answer of RisPort70 about so many devices of one node.
fn registrations(count: usize) -> String {
    let mut answer = format!(
        "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"{SOAP}\"><soapenv:Body>\
         <ns1:selectCmDeviceResponse xmlns:ns1=\"http://schemas.cisco.com/ast/soap\"><ns1:selectCmDeviceReturn>\
         <ns1:SelectCmDeviceResult><ns1:TotalDevicesFound>{count}</ns1:TotalDevicesFound><ns1:CmNodes><ns1:item>\
         <ns1:ReturnCode>Ok</ns1:ReturnCode><ns1:Name>cucm-sub1</ns1:Name><ns1:NoChange>false</ns1:NoChange>\
         <ns1:CmDevices>"
    );
    for n in 0..count {
        write!(
            answer,
            "<ns1:item><ns1:Name>SEP{n:012}</ns1:Name><ns1:DirNumber>{n}-Registered</ns1:DirNumber>\
             <ns1:DeviceClass>Phone</ns1:DeviceClass><ns1:Model>683</ns1:Model><ns1:Product>503</ns1:Product>\
             <ns1:BoxProduct>0</ns1:BoxProduct><ns1:Httpd>Yes</ns1:Httpd>\
             <ns1:RegistrationAttempts>1</ns1:RegistrationAttempts><ns1:IsCtiControllable>true</ns1:IsCtiControllable>\
             <ns1:LoginUserId/><ns1:Status>Registered</ns1:Status><ns1:StatusReason>0</ns1:StatusReason>\
             <ns1:PerfMonObject>2</ns1:PerfMonObject><ns1:DChannel>0</ns1:DChannel>\
             <ns1:Description>Büro {n}</ns1:Description>\
             <ns1:H323Trunk xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>\
             <ns1:TimeStamp>1790000000</ns1:TimeStamp><ns1:Protocol>SIP</ns1:Protocol>\
             <ns1:NumOfLines>1</ns1:NumOfLines><ns1:LinesStatus><ns1:item><ns1:DirectoryNumber>{n}\
             </ns1:DirectoryNumber><ns1:Status>Registered</ns1:Status></ns1:item></ns1:LinesStatus>\
             <ns1:ActiveLoadID>sip88xx.14-2-1-0101-4</ns1:ActiveLoadID><ns1:InactiveLoadID/>\
             <ns1:DownloadStatus>Unknown</ns1:DownloadStatus><ns1:DownloadFailureReason/><ns1:DownloadServer/>\
             <ns1:IPAddress><ns1:item><ns1:IP>10.1.{}.{}</ns1:IP><ns1:IPAddrType>ipv4</ns1:IPAddrType>\
             <ns1:Attribute>AdministrativeAndSignaling</ns1:Attribute></ns1:item></ns1:IPAddress></ns1:item>",
            n / 250 % 250,
            n % 250 + 1
        )
        .unwrap();
    }
    answer
        + "</ns1:CmDevices></ns1:item></ns1:CmNodes></ns1:SelectCmDeviceResult><ns1:StateInfo/>\
           </ns1:selectCmDeviceReturn></ns1:selectCmDeviceResponse></soapenv:Body></soapenv:Envelope>"
}

#[divan::bench(args = [500, 1000])]
fn list_phone(bencher: Bencher<'_, '_>, rows: usize) {
    let page = phones(rows);
    bencher.counter(BytesCount::new(page.len())).bench(|| {
        let read = read_response::<ListPhone>(200, Some("text/xml"), page.as_bytes()).unwrap();
        assert_eq!(read.len(), rows);
        read
    });
}

#[divan::bench(args = [1000])]
fn risport(bencher: Bencher<'_, '_>, devices: usize) {
    let answer = registrations(devices);
    bencher.counter(BytesCount::new(answer.len())).bench(|| {
        let read: SelectAnswer = read_answer(200, Some("text/xml"), answer.as_bytes()).unwrap();
        let page = read.into_page().unwrap();
        assert_eq!(page.devices.len(), devices);
        page
    });
}
