//! The RisPort70 session, tried on a real server that answers what the test sets.

use std::time::Duration;

use crate::domain::device_name::DeviceName;
use crate::net::credentials::Credentials;
use crate::net::retry::RetryPolicy;
use crate::net::test_server::{Reply, Request, TestServer};

use super::client::{RisClient, RisEvent, RisOptions};
use super::device::RisStatus;

fn client(server: &TestServer, names: usize) -> RisClient {
    with_rate(server, names, 6000)
}

fn with_rate(server: &TestServer, names: usize, per_minute: u32) -> RisClient {
    let refused = RetryPolicy {
        floor: Duration::from_millis(1),
        base: Duration::from_millis(1),
        ceiling: Duration::from_millis(2),
        budget: Duration::from_millis(50),
    };
    let options = RisOptions {
        per_minute,
        names,
        refused,
        broken: refused,
        away: refused,
        ..RisOptions::default()
    };
    let credentials = Credentials::new("axl", "s3cret".to_owned().into());
    RisClient::new(server.http(), server.endpoint.clone(), credentials, options)
}

fn names(count: usize) -> Vec<DeviceName> {
    (0..count).map(|n| format!("SEP{n:012}").parse().unwrap()).collect()
}

/// Answers for every device that was asked for, registered on one node.
fn registered(request: &Request) -> Reply {
    Reply::with(200, &[("Set-Cookie", "JSESSIONIDSSO=ris")], &registered_body(request))
}

fn registered_body(request: &Request) -> String {
    let asked = request.body.matches("<soap:Item>").count();
    let item = |part: &str| {
        let name = part.split_once('<').unwrap().0;
        format!(
            "<ns1:item><ns1:Name>{name}</ns1:Name><ns1:Status>Registered</ns1:Status>\
             <ns1:IPAddress><ns1:item><ns1:IP>10.0.0.1</ns1:IP></ns1:item></ns1:IPAddress>\
             <ns1:TimeStamp>1700000000</ns1:TimeStamp></ns1:item>"
        )
    };
    let items: Vec<_> = request.body.split("<soap:Item>").skip(1).map(item).collect();
    let items = items.concat();
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">\
             <soapenv:Body><ns1:selectCmDeviceResponse xmlns:ns1=\"http://schemas.cisco.com/ast/soap\">\
             <ns1:selectCmDeviceReturn><ns1:SelectCmDeviceResult><ns1:TotalDevicesFound>{asked}\
             </ns1:TotalDevicesFound><ns1:CmNodes><ns1:item><ns1:ReturnCode>Ok</ns1:ReturnCode>\
             <ns1:Name>sub1</ns1:Name><ns1:CmDevices>{items}</ns1:CmDevices></ns1:item></ns1:CmNodes>\
             </ns1:SelectCmDeviceResult><ns1:StateInfo/></ns1:selectCmDeviceReturn>\
             </ns1:selectCmDeviceResponse></soapenv:Body></soapenv:Envelope>"
    )
}

#[tokio::test]
async fn asks_in_chunks_and_reports_progress() {
    let server = TestServer::usual(|request, _| registered(request)).await;
    let mut events = Vec::new();
    let mut all = names(25);
    all.push(all[3].clone());
    let answer = client(&server, 10).devices(&all, |event| events.push(event)).await.unwrap();
    assert_eq!((answer.devices.len(), answer.questions, answer.incomplete), (25, 3, false));
    assert!(answer.devices.values().all(|device| device.status == RisStatus::Registered));
    let progress = |done| RisEvent::Progress { done, total: 25 };
    assert_eq!(events, [progress(10), progress(20), progress(25)]);
    let requests = server.requests();
    assert!(requests[0].has_password() && !requests[1].has_password());
    assert_eq!(requests[0].header("soapaction"), Some("\"selectCmDeviceExt\""));
}

#[tokio::test]
async fn nothing_to_ask_asks_nothing() {
    let server = TestServer::usual(|request, _| registered(request)).await;
    let answer = client(&server, 10).devices(&[], |_| ()).await.unwrap();
    assert_eq!((answer.devices.len(), server.requests().len()), (0, 0));
}

#[tokio::test]
async fn waits_when_it_asked_too_often_whatever_the_status() {
    let text = "AxisFault: Exceeded allowed rate for Reatime information. Current allowed rate for \
                realtime information is 6000 requests per minute.http://x/#RisPort";
    let fault = format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>\
         <soapenv:Fault><faultcode>soapenv:Server</faultcode><faultstring>{text}</faultstring>\
         <detail /></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    );
    for status in [500, 200, 503] {
        let fault = fault.clone();
        let server = TestServer::usual(move |request, number| {
            if number < 2 { Reply::new(status, &fault) } else { registered(request) }
        })
        .await;
        let mut refused = 0;
        let answer = client(&server, 10)
            .devices(&names(3), |event| {
                refused += usize::from(matches!(event, RisEvent::Refused(_)));
            })
            .await
            .unwrap();
        assert_eq!((answer.devices.len(), refused), (3, 2), "{status}");
    }
}

#[tokio::test]
async fn what_a_minute_allows_is_asked_at_once_and_the_next_question_waits() {
    let server = TestServer::usual(|request, _| registered(request)).await;
    let client = with_rate(&server, 1, 12);
    let (events, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let all = names(13);
    let asking = client.devices(&all, move |event| events.send(event).unwrap());
    let looking = async {
        let (mut waits, mut answered) = (Vec::new(), 0);
        while waits.is_empty() || answered < 12 {
            match seen.recv().await.unwrap() {
                RisEvent::Waiting(wait) => waits.push(wait),
                RisEvent::Progress { done, .. } => answered = done,
                RisEvent::Refused(wait) | RisEvent::Away(wait) => panic!("refused for {wait:?}"),
            }
        }
        waits
    };
    let waits = tokio::select! {
        answer = asking => panic!("the thirteenth did not wait: {answer:?}"),
        waits = looking => waits,
    };
    assert!(waits.len() == 1 && waits[0] > Duration::from_secs(50), "{waits:?}");
    assert_eq!(server.requests().len(), 12);
}

#[tokio::test]
async fn other_readers_of_the_same_minute_are_outlasted() {
    // Others have used most of the minute: the fourth question and those in the next while are too many.
    let server = TestServer::usual(|request, number| match number {
        3..9 => Reply::new(500, "Exceeded allowed rate for Reatime information."),
        _ => registered(request),
    })
    .await;
    let mut refused = 0;
    let answer = client(&server, 1)
        .devices(&names(12), |event| refused += usize::from(matches!(event, RisEvent::Refused(_))))
        .await
        .unwrap();
    assert_eq!((answer.devices.len(), refused), (12, 6));
    assert_eq!(server.requests().len(), 18);
}

#[tokio::test]
async fn an_endless_refusal_is_an_error() {
    let server = TestServer::usual(|_, _| Reply::new(200, "Exceeded allowed rate")).await;
    let error = client(&server, 10).devices(&names(1), |_| ()).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the server was asked too often");
    assert!(server.requests().len() > 3);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_in_halves() {
    let server = TestServer::usual(|request, _| {
        let whole = registered(request);
        if request.body.matches("<soap:Item>").count() > 60 { whole.cut_by(50) } else { whole }
    })
    .await;
    let answer = client(&server, 200).devices(&names(200), |_| ()).await.unwrap();
    assert_eq!((answer.devices.len(), answer.questions), (200, 4));
}

#[tokio::test]
async fn a_refused_user_is_asked_once() {
    let server = TestServer::usual(|_, _| Reply::new(401, "")).await;
    let error = client(&server, 10).devices(&names(30), |_| ()).await.unwrap_err();
    assert!(error.is_authentication() && error.is_password_refused());
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_small_answer_that_breaks_off_and_a_page_are_asked_for_again() {
    let server = TestServer::usual(|request, number| match number {
        0 => registered(request),
        1 => registered(request).cut_by(50),
        2 => Reply::with(500, &[("Content-Type", "text/html")], "<html>HTTP Status 500</html>"),
        _ => registered(request),
    })
    .await;
    let client = client(&server, 10);
    for _ in 0..2 {
        let answer = client.devices(&names(3), |_| ()).await.unwrap();
        assert_eq!(answer.devices.len(), 3);
    }
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn an_unreadable_text_costs_its_field_and_an_unreadable_name_its_row() {
    let answer = |from: &'static str, to: &'static str| {
        move |request: &Request, _| Reply::new(200, &registered_body(request).replace(from, to))
    };
    let server = TestServer::usual(answer(
        "<ns1:Status>",
        "<ns1:Description>&#xD800;</ns1:Description><ns1:Status>",
    ))
    .await;
    let found = client(&server, 10).devices(&names(2), |_| ()).await.unwrap();
    assert_eq!((found.devices.len(), found.incomplete), (2, false));
    let noted: Vec<_> = found.unreadable_fields.iter().map(ToString::to_string).collect();
    assert_eq!(noted, ["SEP000000000000: Description", "SEP000000000001: Description"]);
    let server = TestServer::usual(answer("SEP000000000001", "SEP&#0;")).await;
    let found = client(&server, 10).devices(&names(2), |_| ()).await.unwrap();
    assert_eq!((found.devices.len(), found.incomplete), (1, true));
}
