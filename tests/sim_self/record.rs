//! What people see of the simulator: its record as lines of JSON, and its page.

use crate::bench::*;
use axlpaper::sim::{ADMIN_USER, PUSH_PASSWORD, PUSH_USER, Registration, SimConfig};
use serde_json::Value;

#[tokio::test]
async fn the_record_has_everything_that_happened_and_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.jsonl");
    let config = SimConfig { record: Some(path.clone()), ..SimConfig::new(fleet()) };
    let bench = Bench::with(config).await;
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    bench.good("listPhone", &list("")).await;
    bench.ris(&select(&item("SEP000000000001"))).await;
    let update = "<sql>update device set description = '' where name matches 'SEP*'</sql>";
    bench.good("executeSQLUpdate", update).await;
    let refused = bench.axl().basic_auth(ADMIN_USER, Some("wrong-password"));
    assert_eq!(read(refused.body(envelope("15.0", "listPhone", &list("")))).await.0, 401);
    assert_eq!(bench.ask("7.0", "listPhone", &list("")).await.0, 599);
    assert_eq!(bench.push(1, Some(PUSH_PASSWORD), &background(&base)).await.0, 200);
    bench.push(1, Some("wrong-password"), &background(&base)).await;
    let cluster = format!("https://{}", bench.sim.axl_addr());
    let secret = "/axl/?user=x&password=top-secret&PIN=4711";
    let get = bench.client.get(format!("{cluster}{secret}"));
    assert_eq!(read(get.basic_auth("stranger", Some("top-secret"))).await.0, 401);
    assert_eq!(read(bench.client.get(format!("{cluster}/cucm-uds/version"))).await.0, 200);
    assert_eq!(read(bench.client.put(format!("{cluster}/nothing?token=top-secret"))).await.0, 404);
    let phone = format!("http://127.9.0.1:{}", bench.sim.phone_port());
    assert_eq!(read(bench.client.get(format!("{phone}/DeviceInformationX"))).await.0, 200);
    let shot = bench.client.get(format!("{phone}/CGI/Screenshot?pwd=top-secret"));
    assert_eq!(read(shot.basic_auth(PUSH_USER, Some("top-secret"))).await.0, 200);
    assert_eq!(read(bench.client.post(format!("{phone}/cgi/execute"))).await.0, 404);
    bench.sim.shutdown().await;
    let text = std::fs::read_to_string(&path).unwrap();
    for secret in [PUSH_PASSWORD, "wrong-password", "top-secret", "4711"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| -> Vec<&Value> { events.iter().filter(|e| e["kind"] == kind).collect() };
    let requests: Vec<_> = of("request")
        .into_iter()
        .map(|e| {
            (
                e["service"].as_str(),
                e["operation"].as_str(),
                e["user"].as_str(),
                e["status"].as_u64(),
            )
        })
        .collect();
    let request =
        |service, operation, user, status| (Some(service), Some(operation), user, Some(status));
    let admin = Some(ADMIN_USER);
    let expected = [
        request("axl", "listPhone", admin, 200),
        request("risport", "selectCmDeviceExt", admin, 200),
        request("axl", "executeSQLUpdate", admin, 200),
        request("axl", "listPhone", admin, 401),
        request("axl", "listPhone", admin, 599),
        request("axl", "GET /axl/?user=x&password=(hidden)&PIN=(hidden)", Some("stranger"), 401),
        request("cucm-uds", "GET /cucm-uds/version", None, 200),
        request("unknown", "PUT /nothing?token=(hidden)", None, 404),
    ];
    assert_eq!(requests, expected);
    assert_eq!(events[0]["kind"], "started");
    assert!(events[0]["time"].as_str().unwrap().ends_with('Z'), "{text}");
    let pages: Vec<_> = of("phone_request")
        .into_iter()
        .map(|e| {
            let text = |name: &str| e[name].as_str().unwrap_or_default();
            format!("{} {} {} {}", text("method"), text("path"), text("user"), e["status"])
        })
        .collect();
    let expected = [
        "GET /DeviceInformationX  200".to_owned(),
        // An 8841 refuses credentials that are wrong with HTTP 200 and an error.
        format!("GET /CGI/Screenshot?pwd=(hidden) {PUSH_USER} 200"),
        "POST /cgi/execute  404".to_owned(),
    ];
    assert_eq!(pages, expected);
    let pushes = of("push");
    assert_eq!(pushes.len(), 2, "{text}");
    let first = pushes[0];
    assert_eq!((&first["user"], &first["result"]), (&PUSH_USER.into(), &"accepted".into()));
    assert_eq!(first["downloads"].as_array().unwrap().len(), 2, "{first}");
    assert_eq!(first["downloads"][0]["from"], "127.9.0.1");
    assert_eq!(first["shows"]["size"], "800x480");
    assert_eq!(pushes[1]["result"], "error 4");
    let checked: Vec<&Value> = of("authentication").into_iter().map(|e| &e["authorized"]).collect();
    assert_eq!(checked, [true, false, false]);
    assert!(events.windows(2).all(|pair| pair[0]["at"].as_f64() <= pair[1]["at"].as_f64()));
}

#[tokio::test]
async fn the_page_shows_users_phones_and_screens() {
    let mut fleet = fleet();
    fleet.phones[0].description = "<script>alert(1)</script>".to_owned();
    let bench = Bench::with(SimConfig::new(fleet)).await;
    let get = async |path: &str| {
        read(bench.client.get(format!("https://{}{path}", bench.sim.axl_addr()))).await
    };
    let (base, _server) = pictures(IMAGE, THUMBNAIL).await;
    bench.push(1, Some(PUSH_PASSWORD), &background(&base)).await;
    let (status, page) = get("/sim/").await;
    assert_eq!(status, 200, "{page}");
    let shown = bench.sim.phone("SEP000000000001").unwrap().shown.unwrap();
    for part in ["bgpush", "SEP000000000005", "accepted", &shown.sha256[..8]] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script>alert"), "{page}");
    // What happened before the page was opened is there without a script, after the phones come the counts.
    for part in [" s  started at ", "SEP000000000001 push by bgpush: accepted, 2 downloads"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.find(">Phones<") < page.find(">Requests<"), "{page}");
    bench.sim.set_registration("SEP000000000004", Registration::UnRegistered);
    for (search, expected) in [
        ("000002", "2"),
        ("127.9.0.3", "3"),
        ("UNREGISTERED", "4"),
        ("registered", "1235"),
        ("cisco 8841", "12345"),
        ("no such phone", ""),
    ] {
        let (_, found) = get(&format!("/sim/?search={}", search.replace(' ', "+"))).await;
        let (_, rows) = found.split_once("<tbody id=\"phones\"").unwrap();
        let shown: String = (1..=5)
            .filter(|k| rows.contains(&format!("<b>SEP00000000000{k}</b>")))
            .map(|k| k.to_string())
            .collect();
        assert_eq!(shown, expected, "{search}: {found}");
    }
    for page in ["abc", "-1", "99999999999999999999", "0", "7", ""] {
        let (status, first) = get(&format!("/sim/?page={page}")).await;
        assert!(status == 200 && first.contains("page 1 of 1"), "{page}: {first}");
    }
    let url = format!("https://{}/sim/screen/SEP000000000001", bench.sim.axl_addr());
    let screen = bench.client.get(url).send().await.unwrap();
    assert_eq!(screen.headers()["content-type"], "image/png");
    let drawn = image::load_from_memory(&screen.bytes().await.unwrap()).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (800, 480));
    assert_eq!(get("/sim/screen/SEPNONE").await.0, 404);
    assert_eq!(get("/sim/screen/csfmscott").await.0, 404);
}

#[tokio::test]
async fn the_page_is_live() {
    let bench = Bench::new().await;
    let url = format!("https://{}/sim/events", bench.sim.axl_addr());
    let mut live = bench.client.get(url).send().await.unwrap();
    assert_eq!(live.headers()["content-type"], "text/event-stream");
    bench.good("listPhone", &list("")).await;
    let chunk = live.chunk().await.unwrap().unwrap();
    let text = String::from_utf8(chunk.to_vec()).unwrap();
    assert!(text.starts_with("data: {") && text.contains("\"operation\":\"listPhone\""), "{text}");
}
