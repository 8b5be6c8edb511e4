//! A cluster and what is needed to talk to it.

use std::net::Ipv4Addr;

use axlpaper::domain::model::Size;
use axlpaper::sim::{
    ADMIN_PASSWORD, ADMIN_USER, Address, Fleet, PUSH_USER, PhoneSpec, SimCluster, SimConfig,
};

/// A cluster of five 8841 and what is needed to talk to it.
pub struct Bench {
    pub sim: SimCluster,
    pub client: reqwest::Client,
}

pub fn fleet() -> Fleet {
    let mut fleet = Fleet::default();
    for k in 1..=5 {
        let mut phone = PhoneSpec::new(format!("SEP00000000000{k}"), 683);
        phone.description = format!("Desk <{k}> & \"more\"");
        phone.address = Address::V4(Ipv4Addr::new(127, 9, 0, k));
        fleet.phones.push(phone);
    }
    fleet.phones.push(PhoneSpec::new("csfmscott", 503));
    fleet.push_devices = vec!["csfmscott".to_owned(), "SEP000000000001".to_owned()];
    fleet
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(SimConfig::new(fleet())).await
    }

    pub async fn with(config: SimConfig) -> Self {
        // Another test may have installed it already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let sim = SimCluster::start(config).await.unwrap();
        let authority = reqwest::Certificate::from_pem(sim.ca_pem().as_bytes()).unwrap();
        let builder = reqwest::Client::builder().tls_certs_only([authority]).no_proxy();
        Self { sim, client: builder.build().unwrap() }
    }

    pub fn axl(&self) -> reqwest::RequestBuilder {
        let url = format!("https://{}/axl/", self.sim.axl_addr());
        self.client.post(url).header("content-type", "text/xml; charset=utf-8")
    }

    /// Sends the inside of an operation's element as the administrator.
    pub async fn ask(&self, version: &str, operation: &str, inner: &str) -> (u16, String) {
        let body = envelope(version, operation, inner);
        read(self.axl().basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD)).body(body)).await
    }

    pub async fn good(&self, operation: &str, inner: &str) -> String {
        let (status, body) = self.ask("15.0", operation, inner).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Sends a request to RisPort70.
    pub async fn ris(&self, inner: &str) -> (u16, String) {
        read(self.ris_request(inner)).await
    }

    pub fn ris_request(&self, inner: &str) -> reqwest::RequestBuilder {
        let url = format!("https://{}/realtimeservice2/services/RISService70", self.sim.axl_addr());
        let body = format!(
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:s=\"http://schemas.cisco.com/ast/soap\"><soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>"
        );
        self.client.post(url).basic_auth(ADMIN_USER, Some(ADMIN_PASSWORD)).body(body)
    }

    pub async fn authenticate(&self, user: &str, password: &str, device: &str) -> String {
        let url = self.sim.auth_url();
        let query = format!("{url}?UserID={user}&Password={password}&devicename={device}");
        read(self.client.get(query)).await.1
    }

    pub async fn push(&self, last: u8, password: Option<&str>, xml: &str) -> (u16, String) {
        let url = format!("http://127.9.0.{last}:{}/CGI/Execute", self.sim.phone_port());
        let request = self.client.post(url).form(&[("XML", xml)]);
        read(match password {
            Some(password) => request.basic_auth(PUSH_USER, Some(password)),
            None => request,
        })
        .await
    }
}

pub async fn read(request: reqwest::RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

pub fn envelope(version: &str, operation: &str, inner: &str) -> String {
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:ns=\"http://www.cisco.com/AXL/API/{version}\"><soapenv:Header/>\
         <soapenv:Body><ns:{operation}>{inner}</ns:{operation}></soapenv:Body></soapenv:Envelope>"
    )
}

pub fn list(extra: &str) -> String {
    format!(
        "<searchCriteria><name>SEP%</name></searchCriteria>\
         <returnedTags><name/><model/><devicePoolName/><phoneSuite/></returnedTags>{extra}"
    )
}
pub fn select(items: &str) -> String {
    format!(
        "<s:selectCmDeviceExt><s:StateInfo/><s:CmSelectionCriteria>\
         <s:MaxReturnedDevices>1000</s:MaxReturnedDevices><s:DeviceClass>Phone</s:DeviceClass>\
         <s:Model>255</s:Model><s:Status>Any</s:Status><s:NodeName/><s:SelectBy>Name</s:SelectBy>\
         <s:SelectItems>{items}</s:SelectItems><s:Protocol>Any</s:Protocol>\
         <s:DownloadStatus>Any</s:DownloadStatus></s:CmSelectionCriteria></s:selectCmDeviceExt>"
    )
}

pub fn item(name: &str) -> String {
    format!("<s:item><s:Item>{name}</s:Item></s:item>")
}

/// A server for two pictures; it lives as long as the returned set of tasks.
pub async fn pictures(image: Size, thumbnail: Size) -> (String, tokio::task::JoinSet<()>) {
    let png = |size: Size| {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, size.width, size.height);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        // Noise, so that the file is too large to arrive in one piece.
        let mut noise = 1_u32;
        let pixels: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        })
        .take((size.width * size.height) as usize)
        .collect();
        writer.write_image_data(&pixels).unwrap();
        writer.finish().unwrap();
        file
    };
    let (large, small) = (png(image), png(thumbnail));
    let router = axum::Router::new()
        .route("/i.png", axum::routing::get(async move || large))
        .route("/t.png", axum::routing::get(async move || small));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (base, tasks)
}

pub fn background(base: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><setBackground><background>\
         <image>{base}/i.png</image><icon>{base}/t.png</icon></background></setBackground>"
    )
}

pub const IMAGE: Size = Size::new(800, 480);
pub const THUMBNAIL: Size = Size::new(139, 109);
