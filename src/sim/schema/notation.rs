//! The notation that the field tables are written in, and its reader.

use crate::sim::values::truth;

#[derive(Debug)]
pub(crate) enum Item {
    Field(Field),
    Choice { options: Vec<Vec<Self>>, required: bool },
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) required: bool,
    /// Whether it may be there more than once.
    pub(crate) many: bool,
    /// The first schema version that has it, as `1250`, or 0.
    pub(crate) since: u16,
    /// The first schema version that lacks it again.
    pub(crate) before: u16,
    pub(crate) kind: Kind,
}

impl Field {
    pub(crate) fn exists_in(&self, version: u16) -> bool {
        self.since <= version && version < self.before
    }
}

#[derive(Debug)]
pub(crate) enum Kind {
    Anything,
    /// `t`, `f`, `true`, `false`, `0`, `1`; published samples send `True`, too.
    Boolean,
    /// A kind of objects whose changes are noted.
    ChangeType,
    Group(Vec<Item>),
    /// A number, with a sign or not, or nothing.
    Integer,
    Number,
    /// One of these texts, or nothing.
    OneOf(&'static [&'static str]),
    Pin,
    /// The name of another object, with its UUID as an attribute.
    Reference,
    Text,
    /// Text of at most so many characters.
    TextOf(usize),
    /// A UUID in braces.
    Uuid,
}

impl Kind {
    pub(crate) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Boolean => truth(text).is_some(),
            Self::ChangeType => CHANGE_TYPES.split_whitespace().any(|known| known == text),
            Self::Pin => text.len() >= 4 && text.bytes().all(|b| b.is_ascii_digit()),
            Self::Integer => {
                let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
                text.is_empty()
                    || (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
            }
            Self::OneOf(values) => text.is_empty() || values.contains(&text),
            Self::Number => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
            Self::TextOf(most) => text.chars().count() <= *most,
            Self::Uuid => {
                let groups: Vec<&str> = text
                    .strip_prefix('{')
                    .and_then(|rest| rest.strip_suffix('}'))
                    .map(|inner| inner.split('-').collect())
                    .unwrap_or_default();
                groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
                    && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
            }
            Self::Anything | Self::Group(_) | Self::Reference | Self::Text => true,
        }
    }
}

/// Reads a table. `named` holds the tables for `{$name}`.
pub(crate) fn parse(text: &str, named: &[(&str, &str)]) -> Result<Vec<Item>, String> {
    let tokens = tokens(text);
    let mut at = 0;
    let items = sequence(&tokens, &mut at, named)?;
    match tokens.get(at) {
        None => Ok(items),
        Some(token) => Err(format!("{token:?} closes nothing")),
    }
}

fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if SINGLE.contains(&first) {
            first.len_utf8()
        } else {
            rest.find(|c: char| c.is_whitespace() || SINGLE.contains(&c)).unwrap_or(rest.len())
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

fn sequence(tokens: &[&str], at: &mut usize, named: &[(&str, &str)]) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    while let Some(&token) = tokens.get(*at) {
        match token {
            "}" | ")" | "|" => break,
            "(" => items.push(choice(tokens, at, named)?),
            "{" => return Err("{ is behind no field".to_owned()),
            _ if token.starts_with('$') => {
                *at += 1;
                items.extend(table(token, named)?);
            }
            _ => {
                *at += 1;
                items.push(Item::Field(field(token, tokens, at, named)?));
            }
        }
    }
    Ok(items)
}

fn table(reference: &str, named: &[(&str, &str)]) -> Result<Vec<Item>, String> {
    let table = named.iter().find(|(name, _)| *name == &reference[1..]);
    let (_, text) = table.ok_or_else(|| format!("no table {reference}"))?;
    parse(text, named)
}

fn choice(tokens: &[&str], at: &mut usize, named: &[(&str, &str)]) -> Result<Item, String> {
    let mut options = Vec::new();
    loop {
        *at += 1;
        options.push(sequence(tokens, at, named)?);
        match tokens.get(*at) {
            Some(&"|") => {}
            Some(&")") => break,
            _ => return Err("a choice is not closed".to_owned()),
        }
    }
    *at += 1;
    let required = tokens.get(*at) == Some(&"!");
    if required {
        *at += 1;
    }
    Ok(Item::Choice { options, required })
}

fn field(
    token: &str,
    tokens: &[&str],
    at: &mut usize,
    named: &[(&str, &str)],
) -> Result<Field, String> {
    let (token, versions) = token.split_once('@').unwrap_or((token, ""));
    let (token, kind) = token.split_once(':').unwrap_or((token, "text"));
    let required = token.contains('!');
    let many = token.contains('*');
    let (since, before) = match versions.strip_prefix('<') {
        Some(before) => (0, version(before)?),
        None if versions.is_empty() => (0, u16::MAX),
        None => (version(versions)?, u16::MAX),
    };
    let mut kind = match kind {
        "text" => Kind::Text,
        "bool" => Kind::Boolean,
        "change" => Kind::ChangeType,
        "number" => Kind::Number,
        "digits4" => Kind::Pin,
        "reference" => Kind::Reference,
        "int" => Kind::Integer,
        "uuid" => Kind::Uuid,
        other => {
            let length = other.strip_prefix("text").and_then(|length| length.parse().ok());
            let values = VALUES.iter().find(|(name, _)| *name == other);
            match (length, values) {
                (Some(length), _) => Kind::TextOf(length),
                (None, Some((_, values))) => Kind::OneOf(values),
                (None, None) => return Err(format!("the kind {other:?} is unknown")),
            }
        }
    };
    if tokens.get(*at) == Some(&"{") {
        *at += 1;
        kind = match tokens.get(*at) {
            Some(&"~") => {
                *at += 1;
                Kind::Anything
            }
            _ => Kind::Group(sequence(tokens, at, named)?),
        };
        if tokens.get(*at) != Some(&"}") {
            return Err(format!("the fields of {token} are not closed"));
        }
        *at += 1;
    }
    let name = token.trim_end_matches(['!', '*']).to_owned();
    Ok(Field { name, required, many, since, before, kind })
}

/// Reads `12.5` as `1250`.
pub(crate) fn version(text: &str) -> Result<u16, String> {
    let parsed = text.split_once('.').and_then(|(major, minor)| {
        let (major, minor) = (major.parse::<u16>().ok()?, minor.parse::<u16>().ok()?);
        (major < 100 && minor < 10).then_some(major * 100 + minor * 10)
    });
    parsed.ok_or_else(|| format!("{text:?} is no version"))
}

/// The values of enumerations (AXL schemas 11.5 and 12.5), by the kinds of the notation.
const VALUES: [(&str, &[&str]); 16] = [
    (
        "authentication",
        &[
            "By Authentication String",
            "By Null String",
            "By Existing Certificate (precedence to LSC)",
            "By Existing Certificate (precedence to MIC)",
        ],
    ),
    (
        "autoanswer",
        &["Auto Answer Off", "Auto Answer with Headset", "Auto Answer with Speakerphone"],
    ),
    ("barge", &["Off", "Barge", "CBarge", "Default"]),
    ("capture", &["None", "Batch Processing Mode"]),
    ("certificate", &["No Pending Operation", "Install/Upgrade", "Delete", "Troubleshoot"]),
    ("dnd", &["Ringer Off", "Call Reject", "Use Common Phone Profile Setting"]),
    ("keysize", &["512", "1024", "2048", "3072", "4096"]),
    ("network", &["OnNet", "OffNet", "Use System Default"]),
    (
        "precedence",
        &[
            "Flash Override",
            "Flash",
            "Immediate",
            "Priority",
            "Routine",
            "Default",
            "Executive Override",
        ],
    ),
    ("preemption", &["Disabled", "Forceful", "Default"]),
    ("ring", &["Use System Default", "Disable", "Flash Only", "Ring Once", "Ring", "Beep Only"]),
    ("rollover", &["No Rollover", "Rollover Within Same DN", "Rollover to any line"]),
    ("services", &["Internal", "External URL", "Both", "Default"]),
    ("side", &["Network", "User"]),
    ("status", &["Off", "On", "Default"]),
    ("trust", &["Not Trusted", "Trusted"]),
];

/// The values of `XChangeType` (AXL schema 12.5).
const CHANGE_TYPES: &str =
    "AarGroup AarGroupMatrix AdvertisedPatterns Announcement Annunciator AppServerInfo AppUser
ApplicationDialRules ApplicationServer ApplicationUserCapfProfile AssignedPresenceServers
AssignedPresenceUsers AudioCodecPreferenceList BillingServer BlockedLearnedPatterns CCAProfiles
CallManager CallManagerGroup CallPark CallPickupGroup CalledPartyTracing
CalledPartyTransformationPattern CallerFilterList CallingPartyTransformationPattern
CcdAdvertisingService CcdHostedDN CcdHostedDNGroup CcdRequestingService
CiscoCatalyst600024PortFXSGateway CiscoCatalyst6000E1VoIPGateway CiscoCatalyst6000T1VoIPGatewayPri
CiscoCatalyst6000T1VoIPGatewayT1 CiscoCloudOnboarding CmcInfo CommonDeviceConfig CommonPhoneConfig
ConferenceBridge ConferenceNow CredentialPolicy CredentialPolicyDefault Css CtiRoutePoint
CumaServerSecurityProfile CustomUserField Customer DateTimeGroup Ddi DefaultDeviceProfile
DeviceDefaults DeviceMobility DeviceMobilityGroup DevicePool DeviceProfile DhcpServer DhcpSubnet
DialPlan DialPlanTag DirNumberAliasLookupandSync DirectedCallPark DirectoryLookupDialRules
ElinGroup EmccFeatureConfig EndUserCapfProfile EnterpriseFeatureAccessConfiguration
ExpresswayCConfiguration ExternalCallControlProfile FacInfo FallbackProfile FeatureControlPolicy
FeatureGroupTemplate FixedMohAudioSource Gatekeeper Gateway GatewayEndpointAnalogAccess
GatewayEndpointDigitalAccessBri GatewayEndpointDigitalAccessPri GatewayEndpointDigitalAccessT1
GatewaySccpEndpoints GatewaySubunits GeoLocation GeoLocationFilter GeoLocationPolicy H323Gateway
H323Phone H323Trunk HandoffConfiguration HttpProfile HuntList HuntPilot ImeClient
ImeE164Transformation ImeEnrolledPattern ImeEnrolledPatternGroup ImeExclusionNumber
ImeExclusionNumberGroup ImeFirewall ImeRouteFilterElement ImeRouteFilterGroup ImeServer
ImportedDirectoryUriCatalogs InfrastructureDevice InterClusterServiceProfile
InteractiveVoiceResponse IpPhoneServices IvrUserLocale LbmGroup LbmHubGroup LdapDirectory
LdapFilter LdapSearch LdapSyncCustomField LicensedUser Line LineGroup LocalRouteGroup Location
MediaResourceGroup MediaResourceList MeetMe MessageWaiting MlppDomain MobileSmartClientProfile
MobileVoiceAccess MobilityProfile MohAudioSource MohServer MraServiceDomain Mtp
NetworkAccessProfile Phone PhoneActivationCode PhoneButtonTemplate PhoneNtp PhoneSecurityProfile
PhysicalLocation PresenceGroup PresenceRedundancyGroup ProcessNode ProcessNodeService
RecordingProfile Region RegionMatrix RegistrationDynamic RemoteCluster RemoteDestination
RemoteDestinationProfile ResourcePriorityNamespace ResourcePriorityNamespaceList RouteFilter
RouteGroup RouteList RoutePartition RoutePattern RoutePlan SIPNormalizationScript
SafCcdPurgeBlockLearnedRoutes SafForwarder SafSecurityProfile SdpTransparencyProfile SecureConfig
ServiceParameter ServiceProfile SipDialRules SipProfile SipRealm SipRoutePattern SipTrunk
SipTrunkSecurityProfile SoftKeyTemplate Srst TimePeriod TimeSchedule TodAccess TransPattern
Transcoder TransformationProfile TvsCertificate UcService UnassignedDevice
UnassignedPresenceServers UnassignedPresenceUsers UnitsToGateway UniversalDeviceTemplate
UniversalLineTemplate User UserGroup UserPhoneAssociation UserProfileProvision Vg224 VohServer
VoiceMailPilot VoiceMailPort VoiceMailProfile VpnGateway VpnGroup VpnProfile WLANProfile
WifiHotspot WirelessAccessPointControllers WlanProfileGroup";

const SINGLE: [char; 6] = ['{', '}', '(', ')', '|', '~'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_part_of_the_notation() {
        let items =
            parse("(a!|b c*)! d:number@12.5 e@<12.5{f g{~}} h{$n}", &[("n", "i j")]).unwrap();
        let Item::Choice { options, required: true } = &items[0] else { panic!("{items:?}") };
        assert_eq!(options.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
        let Item::Field(d) = &items[1] else { panic!("{items:?}") };
        assert!(d.exists_in(1250) && d.exists_in(1500) && !d.exists_in(1200));
        let Item::Field(e) = &items[2] else { panic!("{items:?}") };
        assert!(e.exists_in(1200) && !e.exists_in(1250));
        assert!(matches!(&e.kind, Kind::Group(inner) if inner.len() == 2));
        assert_eq!(items.len(), 4);
    }

    #[test]
    fn refuses_what_is_not_closed() {
        for bad in ["a{b", "(a|b", "a}", "a:thing", "a@x", "a{$none}"] {
            assert!(parse(bad, &[]).is_err(), "{bad}");
        }
    }
}
