//! What people see of the simulator: its record as lines of JSON, and its page.

use crate::bench::*;
use axlpaper::sim::{ADMIN_USER, PUSH_PASSWORD, PUSH_USER, SimConfig};
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
    bench.sim.shutdown().await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(PUSH_PASSWORD) && !text.contains("wrong-password"), "{text}");
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
        request("axl", "listPhone", None, 401),
        request("axl", "listPhone", admin, 599),
    ];
    assert_eq!(requests, expected);
    let pushes = of("push");
    assert_eq!(pushes.len(), 2, "{text}");
    let first = pushes[0];
    assert_eq!((&first["user"], &first["result"]), (&PUSH_USER.into(), &"accepted".into()));
    assert_eq!(first["downloads"].as_array().unwrap().len(), 2, "{first}");
    assert_eq!(first["downloads"][0]["from"], "127.9.0.1");
    assert_eq!(first["shows"]["size"], "800x480");
    assert_eq!(pushes[1]["result"], "error 4");
    let checked: Vec<&Value> = of("authentication").into_iter().map(|e| &e["authorized"]).collect();
    assert_eq!(checked, [true, false]);
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
    let (_, found) = get("/sim/?search=000002").await;
    assert!(found.contains("SEP000000000002") && !found.contains("SEP000000000005"), "{found}");
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
