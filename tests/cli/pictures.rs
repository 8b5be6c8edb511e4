//! How a picture is made to fit: the same for every command, and told by the files themselves.

use std::io::{Cursor, Write as _};
use std::path::Path;

use axlpaper::domain::model::{Size, by_number, catalogue};
use axlpaper::media::{Colour, Compression, Fit, Options, Picture, demo_png, prepare_all};
use axlpaper::sim::{Fleet, PUSH_PASSWORD, PUSH_USER, PhoneSpec, Quirk};
use serde_json::Value;

use crate::lab::{Ended, Lab, bare, end, fleet_of, name};

const LOOK: [&str; 5] = ["--fit", "contain", "--background", "#102030", "--legible"];

fn look() -> Options {
    let background = Colour([0x10, 0x20, 0x30]);
    Options { fit: Fit::Contain, background, legible: true, ..Options::default() }
}

/// The digests of the background that phones of this model should show.
fn expected(picture: &Path, model: u32, options: &Options) -> String {
    let spec = by_number(model).unwrap().image.unwrap();
    let picture = Picture::open(picture).unwrap();
    let set = prepare_all(&picture, [&spec], options, Compression::Quick).unwrap();
    let sha256 = set.get(&spec).unwrap().background.sha256;
    axlpaper::domain::text::hex(&sha256)
}

fn shown(lab: &Lab, phone: &str) -> String {
    lab.record().phones[phone].shown.as_ref().unwrap().sha256.clone()
}

fn mixed_fleet() -> Lab {
    let models = [683, 115, 307, 36350, 30006];
    let mut fleet = Fleet {
        phones: (1..).zip(models).map(|(n, model)| PhoneSpec::new(name(n), model)).collect(),
        ..Fleet::default()
    };
    fleet.give_addresses();
    Lab::new(fleet)
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn demo_file(folder: &Path) -> String {
    let path = folder.join("Sunset at sea.png");
    std::fs::write(&path, demo_png().unwrap().png).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn phones_show_what_was_chosen_and_nothing_is_proven_by_another_choice() {
    let lab = mixed_fleet();
    let picture = lab.picture();
    let (code, first) = lab.rollout(&LOOK);
    assert_eq!((code, &first["summary"]["verified"]), (0, &Value::from(5)), "{first:#}");
    for (n, model) in (1..).zip([683, 115, 307, 36350, 30006]) {
        let with_options = expected(&picture, model, &look());
        assert_eq!(shown(&lab, &name(n)), with_options, "{model}");
        assert_ne!(with_options, expected(&picture, model, &Options::default()), "{model}");
    }
    let (_, again) = lab.rollout(&LOOK);
    assert_eq!(again["summary"]["already"], 5, "{again:#}");
    let (_, plain) = lab.rollout(&[]);
    assert_eq!(plain["summary"]["verified"], 5, "{plain:#}");
    assert_eq!(shown(&lab, &name(1)), expected(&picture, 683, &Options::default()));
}

#[test]
fn a_run_that_is_gone_on_with_makes_the_same_pictures() {
    let lab = Lab::of_phones(2);
    lab.cluster.set_quirk(&name(2), Quirk::ErrorWithOk { number: 3 });
    let (code, first) = lab.rollout(&[LOOK.as_slice(), &["--attempts", "1"]].concat());
    assert_eq!(code, 3, "{first:#}");
    lab.cluster.set_quirk(&name(2), Quirk::Normal);
    let again = lab.resumed(&["--only-failed", "last", "--yes"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(shown(&lab, &name(2)), expected(&lab.picture(), 683, &look()));
    let both = lab.resumed(&["--only-failed", "last", "--yes", "--legible"]);
    assert_eq!(both.code, 2, "{both:?}");
}

#[test]
fn a_push_by_address_takes_the_same_options() {
    let lab = Lab::new(Fleet { push_devices: vec![name(1)], ..fleet_of(1) });
    let ip = fleet_of(1).phones[0].address.v4().unwrap().to_string();
    let (picture, port) = (lab.picture(), lab.cluster.phone_port().to_string());
    let mut program = bare();
    program
        .current_dir(lab.folder())
        .env("AXLPAPER_STATE", lab.path("journal.sqlite3"))
        .env("PHONE_PASSWORD", PUSH_PASSWORD)
        .args(["push", picture.to_str().unwrap(), "--push-user", PUSH_USER, "--phone-port", &port])
        .args(["--address", &ip, "--model", "8841", "--yes", "--verify-timeout", "2"])
        .args(LOOK);
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(shown(&lab, &name(1)), expected(&picture, 683, &look()));
}

#[test]
fn every_model_gets_files_of_its_size_and_depth() {
    let folder = tempfile::tempdir().unwrap();
    let picture = demo_file(folder.path());
    let mut program = bare();
    program.current_dir(folder.path()).args(["image", "prepare", &picture, "-o", "out", "--json"]);
    program.args(["--squeeze", "0"]);
    let ended = end(program);
    assert_eq!(ended.code, 0, "{ended:?}");
    let told = json(&ended);
    assert_eq!(told["schema"], "axlpaper.pictures/v1");
    let files = told["files"].as_array().unwrap();
    for model in catalogue() {
        let Some(image) = model.image else { continue };
        let short = model.name.trim_start_matches("Cisco ");
        let of = |kind: &str| {
            let mut found = files.iter().filter(|file| {
                file["kind"] == kind && file["models"].as_array().unwrap().contains(&short.into())
            });
            let file = found.next().unwrap_or_else(|| panic!("no {kind} for {short}"));
            assert!(found.next().is_none(), "two of {kind} for {short}");
            let path = folder.path().join("out").join(file["file"].as_str().unwrap());
            std::fs::read(path).unwrap()
        };
        check(&of("background"), image.background, image.depth);
        check(&of("thumbnail"), image.thumbnail, image.depth);
    }
    for sheet in ["Sunset-at-sea-contact-sheet.png", "Sunset-at-sea-contact-sheet.html"] {
        assert!(folder.path().join("out").join(sheet).exists(), "{sheet}");
    }
}

/// Reads size, depth, colour type and interlace back from a file, and every pixel of it.
fn check(file: &[u8], size: Size, depth: u8) {
    let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    let info = reader.info();
    assert_eq!((info.width, info.height), (size.width, size.height));
    assert!(!info.interlaced && info.trns.is_none() && info.palette.is_none());
    assert_eq!(info.bit_depth, png::BitDepth::Eight);
    let grey = depth <= 4;
    assert_eq!(info.color_type == png::ColorType::Grayscale, grey);
    assert_eq!(info.color_type == png::ColorType::Rgb, !grey);
    // A number that a panel of few bits shows comes back when only these bits are kept.
    let bits: &[u32] = match depth {
        1 => &[1],
        4 => &[4],
        12 => &[4, 4, 4],
        16 => &[5, 6, 5],
        _ => return,
    };
    for pixel in pixels.chunks_exact(bits.len()) {
        for (number, bits) in pixel.iter().zip(bits) {
            let last = (1 << bits) - 1;
            let step = (u32::from(*number) * last + 127) / 255;
            assert_eq!(u32::from(*number), (step * 255 + last / 2) / last, "{depth} bits");
        }
    }
}

#[test]
fn a_cluster_chooses_the_models_and_the_catalogue_otherwise() {
    let lab = mixed_fleet();
    let picture = demo_file(lab.folder());
    let backgrounds = |ended: &Ended| -> Vec<String> {
        assert_eq!(ended.code, 0, "{ended:?}");
        let files = json(ended)["files"].as_array().unwrap().clone();
        let files = files.iter().filter(|file| file["kind"] == "background");
        files.map(|file| format!("{} {}", file["size"], file["models"])).collect()
    };
    let host = lab.cluster.axl_addr().to_string();
    let asked = lab.run(&["image", "prepare", &picture, "-o", "a", "--json", "--host", &host]);
    assert_eq!(
        backgrounds(&asked),
        [
            r#""95x34" ["7911"]"#,
            r#""320x196" ["7941"]"#,
            r#""320x212" ["7970"]"#,
            r#""800x480" ["8841"]"#,
            r#""1280x720" ["9871"]"#,
        ]
    );
    let one = name(3);
    let asked = lab.run(&["image", "prepare", &picture, "-o", "b", "--json", "--device", &one]);
    assert_eq!(backgrounds(&asked), [r#""95x34" ["7911"]"#]);
    let before = lab.record().requests;
    let alone = lab.read(&["image", "prepare", &picture, "-o", "c", "--json", "--model", "794*"]);
    assert_eq!(
        backgrounds(&alone),
        [r#""320x196" ["7941","7941G-GE","7942"]"#, r#""320x212" ["7945"]"#]
    );
    assert_eq!(lab.record().requests, before, "no cluster was asked");
}

#[test]
fn what_somebody_else_wrote_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let picture = demo_file(folder.path());
    let run = |more: &[&str]| {
        let mut program = bare();
        let arguments =
            ["image", "prepare", &picture, "-o", "out", "--model", "7906", "--name", "x"];
        program.current_dir(folder.path()).args(arguments).args(more);
        end(program)
    };
    assert_eq!(run(&[]).code, 0);
    assert_eq!(run(&["--legible"]).code, 0, "our own files are replaced");
    let theirs = folder.path().join("out/x-95x34x1.png");
    std::fs::write(&theirs, "theirs").unwrap();
    run(&[]).fails(5, &["x-95x34x1.png", "nothing was written", "--force"]);
    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "theirs");
    assert_eq!(run(&["--force"]).code, 0);
    assert_ne!(std::fs::read(&theirs).unwrap(), b"theirs");
}

#[test]
fn the_tree_for_tftp_keeps_every_entry_of_the_lists() {
    let folder = tempfile::tempdir().unwrap();
    let picture = demo_file(folder.path());
    let out = folder.path().join("out");
    let list = |place: &str| out.join(place).join("List.xml");
    let theirs = "<CiscoIPPhoneImageList>\n<ImageItem Image=\"TFTP:Desktops/800x480x24/TN-Fountain.png\"\n  \
        URL=\"TFTP:Desktops/800x480x24/Fountain.png\"/>\n</CiscoIPPhoneImageList>\n";
    std::fs::create_dir_all(out.join("Desktops/800x480x24")).unwrap();
    std::fs::write(list("Desktops/800x480x24"), theirs).unwrap();
    let run = || {
        let mut program = bare();
        let arguments = ["image", "tftp", &picture, "-o", "out", "--json", "--squeeze", "0"];
        program.current_dir(folder.path()).args(arguments);
        program.args(["--model", "8841", "--model", "9861NR", "--model", "7941"]);
        end(program)
    };
    // The server has a picture of that name, which the folder lacks.
    let named = |more: &[&str]| {
        let mut program = bare();
        program.current_dir(folder.path()).args(["image", "tftp", &picture, "-o", "out"]);
        program.args(["--squeeze", "0", "--model", "8841", "--name", "Fountain"]).args(more);
        end(program)
    };
    let taken = "Desktops/800x480x24/Fountain.png (Desktops/800x480x24/List.xml)";
    named(&[]).fails(5, &[taken, "--name", "--overwrite", "nothing was written"]);
    assert!(!out.join("Desktops/800x480x24/Fountain.png").exists());

    let ended = run();
    assert_eq!(ended.code, 0, "{ended:?}");
    let merged = std::fs::read_to_string(list("Desktops/800x480x24")).unwrap();
    let ours = "<ImageItem Image=\"TFTP:Desktops/800x480x24/Sunsetatsea-tn.png\" \
        URL=\"TFTP:Desktops/800x480x24/Sunsetatsea.png\"/>\n</CiscoIPPhoneImageList>";
    assert_eq!(merged, theirs.replace("</CiscoIPPhoneImageList>", ours));
    let new = std::fs::read_to_string(list("Desktops/DP-9861NR")).unwrap();
    assert!(new.starts_with("<CiscoIPPhoneImageList version=\"1.0\">"), "{new}");
    for (file, size, depth) in [
        ("800x480x24/Sunsetatsea.png", (800, 480), 24),
        ("800x480x24/Sunsetatsea-tn.png", (139, 109), 24),
        ("DP-9861NR/wallpaper-Sunsetatsea.png", (800, 480), 24),
        ("DP-9861NR/thumbnail-Sunsetatsea.png", (150, 90), 24),
        ("320x196x4/Sunsetatsea.png", (320, 196), 4),
    ] {
        let bytes = std::fs::read(out.join("Desktops").join(file)).unwrap();
        check(&bytes, Size::new(size.0, size.1), depth);
    }
    let steps = std::fs::read_to_string(out.join("README.txt")).unwrap();
    let warned = steps.split("1. Upload").next().unwrap();
    assert!(warned.contains("Desktops/DP-9861NR") && !warned.contains("800x480x24"), "{steps}");

    // Once more: nothing is listed twice, and what no server's list was merged into is still warned about.
    let ended = run();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(std::fs::read_to_string(list("Desktops/800x480x24")).unwrap(), merged);
    assert_eq!(std::fs::read_to_string(list("Desktops/DP-9861NR")).unwrap(), new);
    assert!(ended.stderr.contains("no List.xml was there to be merged in 2 folders"), "{ended:?}");

    let ended = named(&["--overwrite"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("with the thumbnail TFTP:Desktops/800x480x24/TN-Fountain.png"));
    assert_eq!(std::fs::read_to_string(list("Desktops/800x480x24")).unwrap(), merged);

    std::fs::write(list("Desktops/320x196x4"), "<html>404</html>").unwrap();
    let before = std::fs::read(out.join("README.txt")).unwrap();
    run().fails(
        2,
        &["Desktops/320x196x4/List.xml", "it is no list of pictures", "nothing was written"],
    );
    assert_eq!(std::fs::read(out.join("README.txt")).unwrap(), before);
}

#[test]
fn a_picture_that_will_look_bad_is_reported_before_anything_is_sent() {
    let mut fleet = fleet_of(2);
    fleet.push_devices = vec![name(1), name(2)];
    let lab = Lab::new(fleet);
    let wide = lab.path("wide.png");
    // Light and dark squares, so that no letters stand out on all of them.
    let pixel =
        |x: u32, y: u32| image::Rgb([if (x / 10 + y / 10).is_multiple_of(2) { 0 } else { 230 }; 3]);
    image::RgbImage::from_fn(500, 100, pixel).save(&wide).unwrap();
    let port = lab.cluster.phone_port().to_string();
    let run = |more: &[&str]| {
        let mut all = vec!["rollout", wide.to_str().unwrap(), "--phone-port", &port];
        all.extend(["--yes", "--verify-timeout", "2"]);
        all.extend(more);
        lab.run(&all)
    };
    let reported = [
        "note: the picture is enlarged to more than twice its size and will look blurred on 800x480x24 (4.8 times)",
        "note: more than a third of the picture is cut off on 800x480x24 (66 %); --fit contain shows all of it",
        "note: line labels on the picture are hard to read, with a contrast below 3.0:1, on 800x480x24",
    ];
    let planned = run(&["--dry-run"]);
    assert_eq!(planned.code, 0, "{planned:?}");
    assert!(lab.cluster.phone(&name(1)).unwrap().pushes.is_empty());
    let done = run(&["--fit", "contain"]);
    assert_eq!(done.code, 0, "{done:?}");
    for (words, is_in_both) in reported.iter().zip([false, false, true]) {
        assert!(planned.stderr.contains(words), "{words}: {planned:?}");
        let before = done.stderr.split("phones download from").next().unwrap();
        assert_eq!(before.contains(words), is_in_both, "{words}: {done:?}");
    }
    let sharp = lab.push("push", &["--dry-run", "--force", "--legible"]);
    assert!(!sharp.stderr.contains("enlarged") && !sharp.stderr.contains("cut off"), "{sharp:?}");
}

/// A picture of one colour with an edge.
fn picture_of(path: &Path, red: u8) {
    let pixel = |x: u32, y: u32| image::Rgb([red, (x * 2) as u8, if x > y { 200 } else { 0 }]);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::from_fn(120, 80, pixel).save(path).unwrap();
}

#[test]
fn pictures_of_one_name_do_not_replace_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = [
        "\u{65e5}\u{672c}.png",
        "\u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}.png",
        "a.png",
        "other/a.png",
        "third/A.png",
    ];
    for (red, name) in (0..).step_by(40).zip(pictures) {
        picture_of(&folder.path().join(name), red);
    }
    for command in ["tftp", "prepare"] {
        let run = |picture: &str, more: &[&str]| {
            let mut program = bare();
            program.current_dir(folder.path()).args(["image", command, picture, "-o", command]);
            program.args(["--model", "7965", "--squeeze", "0"]).args(more);
            end(program)
        };
        for picture in &pictures[..3] {
            let ended = run(picture, &[]);
            assert_eq!(ended.code, 0, "{ended:?}");
        }
        for picture in &pictures[3..] {
            run(picture, &[]).fails(5, &["made from another picture", "--name", "--overwrite"]);
        }
        // The same picture once more, with other options.
        assert_eq!(run("a.png", &["--fit", "stretch"]).code, 0);
        let ended = run("other/a.png", &["--overwrite"]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let tree = folder.path().join("tftp/Desktops/320x212x16");
    let list = std::fs::read_to_string(tree.join("List.xml")).unwrap();
    assert_eq!(list.matches("<ImageItem").count(), 3, "{list}");
    let look = folder.path().join("prepare");
    for name in ["\u{65e5}\u{672c}", "\u{41c}\u{43e}\u{441}\u{43a}\u{432}\u{430}", "a"] {
        assert!(look.join(format!("{name}-320x212x16.png")).exists(), "{name}");
    }
}

#[test]
fn a_damaged_photograph_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.jpg");
    picture_of(&whole, 90);
    let whole = std::fs::read(whole).unwrap();
    let mut hole = whole.clone();
    let middle = whole.len() * 2 / 3;
    hole[middle..middle + 200].fill(0);
    for (name, bytes) in [("cut.jpg", &whole[..middle]), ("hole.jpg", &hole)] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let mut program = bare();
        program.current_dir(folder.path()).args(["image", "prepare", name, "-o", "out"]);
        end(program).fails(2, &[name, "is damaged or truncated"]);
    }
    assert!(!folder.path().join("out").exists());
}

#[test]
fn lists_of_the_server_are_read_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let picture = demo_file(folder.path());
    let desktop = folder.path().join("out/Desktops/800x480x24");
    std::fs::create_dir_all(&desktop).unwrap();
    let list = desktop.join("List.xml");
    let run = || {
        let mut program = bare();
        program.current_dir(folder.path()).args(["image", "tftp", &picture, "-o", "out"]);
        program.args(["--squeeze", "0", "--model", "8851"]);
        end(program)
    };
    let text = "\u{feff}<?xml version=\"1.0\"?>\r\n<CiscoIPPhoneImageList>\r\n</CiscoIPPhoneImageList>\r\n";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&list, &wide).unwrap();
    std::fs::write(desktop.join("list.xml"), "<CiscoIPPhoneImageList/>").unwrap();
    let folder_in_other_case = folder.path().join("out/desktops/800X480x24");
    std::fs::create_dir_all(&folder_in_other_case).unwrap();
    std::fs::write(folder_in_other_case.join("List.xml"), "<CiscoIPPhoneImageList/>").unwrap();
    let ended = run();
    assert_eq!(ended.code, 0, "{ended:?}");
    let besides = "desktops/800X480x24/List.xml is there besides Desktops/800x480x24/List.xml";
    assert!(
        ended.stderr.contains(&format!("Desktops/800x480x24/list.xml, {besides}")),
        "{ended:?}"
    );
    let written = std::fs::read(&list).unwrap();
    let units = written.chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    let read: String = char::decode_utf16(units).map(Result::unwrap).collect();
    assert!(read.starts_with(&text[..30]) && read.contains("Sunsetatsea.png"), "{read}");
    // The modules of these phones load a picture of the same name by themselves.
    for (size, file) in [((272, 480), "272x480x24"), ((320, 480), "320x480x24")] {
        let tree = folder.path().join("out/Desktops").join(file);
        let made = std::fs::read(tree.join("Sunsetatsea.png")).unwrap();
        check(&made, Size::new(size.0, size.1), 24);
        assert!(!tree.join("List.xml").exists());
    }
    let steps = std::fs::read_to_string(folder.path().join("out/README.txt")).unwrap();
    assert!(steps.contains("key expansion modules BEKEM"), "{steps}");

    std::fs::write(
        &list,
        "\n\n<?xml version=\"1.0\"?>\n<CiscoIPPhoneImageList>\n</CiscoIPPhoneImageList>\n",
    )
    .unwrap();
    let ended = run();
    assert!(ended.stderr.contains("in front of its beginning"), "{ended:?}");
    assert!(std::fs::read(&list).unwrap().starts_with(b"<?xml"));
    for wrong in [
        &b"<CiscoIPPhoneImageList a='\xfc'/>"[..],
        b"<?xml version='1.0' encoding='x-none'?><CiscoIPPhoneImageList/>",
    ] {
        std::fs::write(&list, wrong).unwrap();
        run().fails(2, &["List.xml", "save the list as UTF-8", "nothing was written"]);
    }
}

#[test]
fn bad_pictures_and_options_end_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let picture = demo_file(folder.path());
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let run = |picture: &str, more: &[&str]| {
        let mut program = bare();
        program
            .current_dir(folder.path())
            .args(["image", "prepare", picture, "-o", "out"])
            .args(more);
        end(program)
    };
    let mut bomb = Vec::new();
    let mut encoder = png::Encoder::new(&mut bomb, 20_000, 20_000);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::IDAT, &[]).unwrap();
    drop(writer);
    let bomb = write("bomb.png", &bomb);
    run(&bomb, &[]).fails(2, &["bomb.png", "too large to be decoded safely"]);
    let text = write(
        "text.svg",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><text>a</text></svg>",
    );
    run(&text, &[]).fails(2, &["text.svg", "turn texts into paths"]);
    run(&write("empty.gif", b""), &[]).fails(2, &["is empty"]);
    run(&write("cut.webp", b"RIFF\x20\0\0\0WEBPVP8 "), &[]).fails(2, &["cut.webp", "damaged"]);
    run(&picture, &["--fit", "contain", "--focus", "auto"]).fails(2, &["--focus"]);
    run(&picture, &["--focus", "30"]).fails(2, &["30,60"]);
    run(&picture, &["--background", "blueish"]).fails(2, &["#RRGGBB"]);
    run(&picture, &["--model", "8842"]).fails(2, &["8842", "axlpaper models"]);
    run(&picture, &["--model", "7821"]).fails(2, &["none of the phones shows a background"]);
    assert!(!folder.path().join("out").exists());
}

/// A picture of 10,000 by 10,000 pixels whose left half is red.
#[cfg(target_os = "linux")]
fn huge(path: &Path) {
    let file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let mut encoder = png::Encoder::new(file, 10_000, 10_000);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().unwrap();
    let mut stream = writer.stream_writer().unwrap();
    let row = [[200, 0, 0].repeat(5_000), [0, 0, 200].repeat(5_000)].concat();
    for _ in 0..10_000 {
        stream.write_all(&row).unwrap();
    }
    stream.finish().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn the_largest_pictures_fit_into_the_memory_of_a_small_machine() {
    let folder = tempfile::tempdir().unwrap();
    huge(&folder.path().join("huge.png"));
    let program = assert_cmd::cargo::cargo_bin!("axlpaper");
    // 512 MB of data for each process: 300 MB are the picture itself.
    let limited = format!("ulimit -d 524288 && exec {} \"$@\"", program.display());
    let mut shell = assert_cmd::Command::new("sh");
    shell.env_clear().env("HOME", "/nonexistent").current_dir(folder.path());
    shell.args(["-c", &limited, "sh", "image", "prepare", "huge.png", "-o", "out"]);
    shell.args(["--model", "7941", "--model", "9871", "--fit", "stretch", "--squeeze", "0"]);
    let ended = end(shell);
    assert_eq!(ended.code, 0, "{ended:?}");
    let made = image::open(folder.path().join("out/huge-1280x720x24.png")).unwrap().into_rgb8();
    assert_eq!(
        (made.get_pixel(10, 300).0, made.get_pixel(1270, 300).0),
        ([200, 0, 0], [0, 0, 200])
    );
}
