use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;

fn read(body: &str) -> Reply {
    Reply::read(200, Some("text/xml"), body.as_bytes())
}

fn success(text: &str) -> Reply {
    Reply::Success { text: text.to_owned() }
}

fn item(status: u32, text: &str) -> Reply {
    Reply::ItemRefused { status: Some(status), text: text.to_owned() }
}

fn refused(number: Option<u32>, text: &str) -> Reply {
    Reply::Refused { number, text: text.to_owned() }
}

fn unreadable(reply: &Reply) -> bool {
    matches!(reply, Reply::Unreadable { .. })
}

#[test]
fn a_response_succeeds_when_every_item_does() {
    let one = "<CiscoIPPhoneResponse><ResponseItem URL=\"u\" Data=\"Success\" Status=\"0\"/></CiscoIPPhoneResponse>";
    assert_eq!(read(one), success("Success"));
    let padded = "<CiscoIPPhoneResponse><ResponseItem Status='0' Data='' URL=''/>\
                  <ResponseItem Data='Done' Status='0'/></CiscoIPPhoneResponse>";
    assert_eq!(read(padded), success("Done"));
    let second = "<CiscoIPPhoneResponse><ResponseItem Status='0' Data='Success'/>\
                  <ResponseItem Status='6' Data='No Active Call'/></CiscoIPPhoneResponse>";
    assert_eq!(read(second), item(6, "No Active Call"));
    let children = "<CiscoIPPhoneResponse><ResponseItem><Status>0</Status><Data/><URL/></ResponseItem></CiscoIPPhoneResponse>";
    assert_eq!(read(children), success(""));
}

#[test]
fn status_decides_and_data_only_where_it_is_missing() {
    let with = |attributes: &str| {
        read(&format!("<CiscoIPPhoneResponse><ResponseItem {attributes}/></CiscoIPPhoneResponse>"))
    };
    assert_eq!(with("Status='4' Data='Success'"), item(4, "Success"));
    assert_eq!(with("Status='0' Data='Failure'"), success("Failure"));
    assert_eq!(with("Data='success'"), success("success"));
    assert_eq!(
        with("Data='Failed'"),
        Reply::ItemRefused { status: None, text: "Failed".to_owned() }
    );
    assert_eq!(
        with("Status='-1' Data='x'"),
        Reply::ItemRefused { status: None, text: "x".to_owned() }
    );
    assert!(unreadable(&with("URL='u'")));
    assert!(unreadable(&read("<CiscoIPPhoneResponse/>")));
    assert!(unreadable(&read("<CiscoIPPhoneResponse>Success</CiscoIPPhoneResponse>")));
}

#[test]
fn an_error_is_never_a_success_whatever_the_http_status() {
    for status in [200, 202, 400, 500] {
        let read = |body: &str| Reply::read(status, None, body.as_bytes());
        assert_eq!(read("<CiscoIPPhoneError Number=\"3\" />"), refused(Some(3), ""));
        assert_eq!(
            read("<CiscoIPPhoneError Number=\"4\">no</CiscoIPPhoneError>"),
            Reply::AuthenticationRefused { text: "no".to_owned() }
        );
        assert_eq!(
            read("<CiscoIPPhoneError Number='x'>Success</CiscoIPPhoneError>"),
            refused(None, "Success")
        );
        assert_eq!(read("<CiscoIPPhoneError/>"), refused(None, ""));
    }
}

#[test]
fn an_error_with_a_loose_text_behind_it_is_read() {
    let loose = "<CiscoIPPhoneError Number=\"6\"/> optional error message <CiscoIPPhoneError>";
    assert_eq!(read(loose), refused(Some(6), ""));
    assert_eq!(read("<CiscoIPPhoneError Number='1'>bro"), refused(Some(1), "bro"));
    assert!(unreadable(&read("<CiscoIPPhoneError Number='4'")));
}

#[test]
fn an_error_response_keeps_its_type() {
    let body = "<errorResponse><data/><type>InvalidXML</type></errorResponse>";
    let expected = Reply::ErrorResponse { kind: "InvalidXML".to_owned(), data: String::new() };
    assert_eq!(Reply::read(400, None, body.as_bytes()), expected);
    assert_eq!(read(body), expected);
    let body =
        "<errorResponse><type>Unavailable Resource</type><data>line 1</data></errorResponse>";
    let expected =
        Reply::ErrorResponse { kind: "Unavailable Resource".to_owned(), data: "line 1".to_owned() };
    assert_eq!(Reply::read(500, None, body.as_bytes()), expected);
}

#[test]
fn dirt_that_phones_send_is_tolerated() {
    let item = "<ResponseItem URL='http://h/?a=1&b=2' Data=\n 'Success' Status='0'/>";
    let response = format!("<CiscoIPPhoneResponse>\n{item}\n</CiscoIPPhoneResponse>");
    for body in [
        response.clone(),
        format!("<?xml version=\"1.0\"?><?xml version=\"1.0\" encoding=\"utf-8\"?>{response}"),
        format!("<?xml version=\"1.0\" encoding=\"\"?>{response}"),
        format!("\u{feff}{response}\r\n\0"),
        format!("<p:{}", &response[1..]).replace("</", "</p:"),
    ] {
        assert_eq!(read(&body), success("Success"), "{body}");
    }
    let latin = b"<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><CiscoIPPhoneError Number=\"3\">gr\xFC\xDF</CiscoIPPhoneError>";
    assert_eq!(Reply::read(200, None, latin), refused(Some(3), "grüß"));
}

#[test]
fn what_breaks_off_or_goes_on_is_no_success() {
    let whole = "<CiscoIPPhoneResponse><ResponseItem Data=\"Success\" Status=\"0\"/></CiscoIPPhoneResponse>";
    for end in 1..whole.len() {
        assert!(unreadable(&read(&whole[..end])), "{}", &whole[..end]);
    }
    assert!(unreadable(&read(&format!("{whole}<CiscoIPPhoneError Number='4'/>"))));
    assert!(unreadable(&read(&format!("{whole}{whole}"))));
    assert!(unreadable(&read(&format!("Success {whole}"))));
    let long = format!("{whole}{}", " ".repeat(Reply::BODY_LIMIT));
    assert!(unreadable(&read(&long)));
}

#[test]
fn other_bodies_and_statuses_are_told_apart() {
    assert_eq!(read(""), Reply::Empty);
    assert_eq!(read(" \r\n\0"), Reply::Empty);
    assert_eq!(Reply::read(401, None, b""), Reply::AuthenticationRefused { text: String::new() });
    let whole = b"<CiscoIPPhoneResponse><ResponseItem Status='0'/></CiscoIPPhoneResponse>";
    assert!(matches!(Reply::read(500, None, whole), Reply::HttpStatus { status: 500, .. }));
    assert!(matches!(Reply::read(302, None, b""), Reply::HttpStatus { status: 302, .. }));
    let Reply::Unreadable { reason, excerpt } =
        Reply::read(200, Some("text/html"), b"<HTML><body>Success\x1b[2J</body>")
    else {
        panic!("an HTML page was read as something");
    };
    assert_eq!(reason, "it is an HTML page");
    assert_eq!(excerpt, "<HTML><body>Success [2J</body>");
    let Reply::Unreadable { reason, .. } = Reply::read(200, Some("text/plain"), b"Success") else {
        panic!("plain text was read as something");
    };
    assert_eq!(reason, "it is no XML but text/plain");
    let Reply::Unreadable { reason, .. } = read("<CiscoIPPhoneExecuteResponse/>") else {
        panic!("an unknown root was read as something");
    };
    assert_eq!(reason, "its root is <CiscoIPPhoneExecuteResponse>");
}

#[test]
fn meanings_are_claimed_for_documented_numbers_only() {
    assert!((1..=4).all(|number| error_meaning(number).is_some()));
    assert!([0, 5, 6, 7, 8, u32::MAX].into_iter().all(|number| error_meaning(number).is_none()));
    assert_eq!(
        refused(Some(6), "").to_string(),
        "refused the push: no reason given (CiscoIPPhoneError 6)"
    );
    assert_eq!(
        refused(Some(3), "disk").to_string(),
        "refused the push: internal file error, \"disk\" (CiscoIPPhoneError 3)"
    );
}

proptest! {
    #[test]
    fn random_bytes_never_panic_and_never_succeed(
        status in 100_u16..600,
        body in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        prop_assert!(!Reply::read(status, None, &body).is_success());
    }

    #[test]
    fn mutilated_answers_succeed_only_when_the_root_is_whole(
        at in 0_usize..90,
        bytes in proptest::collection::vec(any::<u8>(), 0..3),
        cut in 0_usize..4,
    ) {
        let whole = b"<CiscoIPPhoneResponse><ResponseItem Data=\"x\" Status=\"6\"/></CiscoIPPhoneResponse>";
        let mut body = whole.to_vec();
        let at = at.min(body.len());
        let end = (at + cut).min(body.len());
        drop(body.splice(at..end, bytes));
        let reply = Reply::read(200, None, &body);
        if reply.is_success() {
            // The only ways to a success are a status that became 0 and data that became "success".
            let text = String::from_utf8_lossy(&body).into_owned();
            prop_assert!(text.contains('0'), "{}", text);
        }
    }
}

/// Reads published captures where they are at hand: answers of phones, and such as documents print.
#[test]
#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
fn captures_are_read_as_expected() {
    let Some(root) = std::env::var_os("AXLPAPER_CAPTURES") else {
        eprintln!("SKIPPED: set AXLPAPER_CAPTURES to a folder with captures in phones/");
        return;
    };
    let authentication = |text: &str| Reply::AuthenticationRefused { text: text.to_owned() };
    let expected: BTreeMap<&str, Option<Reply>> = [
        ("error__definition__malformed.txt", None),
        ("error__number-1__spaced.xml", Some(refused(Some(1), ""))),
        ("error__number-2__spaced.xml", Some(refused(Some(2), ""))),
        ("error__number-3__no-space.xml", Some(refused(Some(3), ""))),
        ("error__number-3__spaced.xml", Some(refused(Some(3), ""))),
        ("error__number-4__spaced.xml", Some(authentication(""))),
        ("error__number-4__with-text__test.xml", Some(authentication("Authentication failed"))),
        ("error__number-6__expect-100-continue.xml", Some(refused(Some(6), ""))),
        ("error__numbers-1-to-4-text__screenshot-endpoint.txt", None),
        (
            "execute-response__8821-generateprt-pending__status-6.xml",
            Some(item(6, "There is pending PRT")),
        ),
        ("execute-response__8821-generateprt-success__status-0.xml", Some(success("Success"))),
        (
            "execute-response__8821-prtstatus-done__status-0.xml",
            Some(success(
                "Generated PRT at https://xx.xx.xx.xx/FS/prt-yyyymmdd-hhmmss-xxxxxxxxxxxx.tar.gz",
            )),
        ),
        (
            "execute-response__8821-prtstatus-generating__status-0.xml",
            Some(success("Generating PRT")),
        ),
        (
            "execute-response__8821-prtstatus-none__status-6.xml",
            Some(item(6, "There is no pending PRT invoked from XSI")),
        ),
        ("execute-response__definition__curly-quotes.txt", None),
        ("execute-response__one-item__single-quotes.xml", Some(success("Success"))),
        (
            "execute-response__rtpmtx-stop__status-7.xml",
            Some(item(7, "Invalid associatedsessionid")),
        ),
        ("execute-response__rtpmtx__two-items__wrapped.xml", Some(success("Success"))),
        ("execute-response__three-items-empty__test.xml", Some(success(""))),
        ("execute-response__two-items-empty-data__doc.xml", Some(success(""))),
        (
            "execute-response__two-items__status-6-no-active-call__test.xml",
            Some(item(6, "No Active Call")),
        ),
        ("execute-response__unknown-root__test.xml", None),
    ]
    .into();
    let mut seen = 0;
    for entry in fs::read_dir(Path::new(&root).join("phones")).expect("the captures are readable") {
        let entry = entry.expect("the captures are readable");
        let name = entry.file_name().into_string().expect("a plain file name");
        if !name.starts_with("error") && !name.starts_with("execute-response") {
            continue;
        }
        let expected = expected.get(name.as_str()).unwrap_or_else(|| panic!("{name} is new"));
        let body = fs::read(entry.path()).expect("the captures are readable");
        let reply = Reply::read(200, Some("text/xml"), &body);
        match expected {
            Some(expected) => assert_eq!(&reply, expected, "{name}"),
            None => assert!(unreadable(&reply), "{name}: {reply:?}"),
        }
        seen += 1;
    }
    assert_eq!(seen, expected.len());
}
