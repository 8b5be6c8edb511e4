//! The field orders of AXL 11.5 to 15.0 and of RisPort70, as the published schemas give them.
//!
//! 14.0 and 15.0 equal 12.5 for everything here, and 12.0 is taken to equal 11.5.

/// Requests of AXL: operation, whether it writes, and the children of its element.
pub(super) const AXL: &[(&str, bool, &str)] = &[
    ("addAppUser", true, "appUser!{userid! $AppUser}"),
    ("addCommonPhoneConfig", true, "commonPhoneConfig!{$XCommonPhoneConfig}"),
    ("addLine", true, "line!{pattern! description usage! routePartitionName $Line}"),
    (
        "addPhone",
        true,
        "phone!{name!:text128 description:text128 product! model class! protocol! protocolSide!:side callingSearchSpaceName
devicePoolName! $Phone}",
    ),
    (
        "addUser",
        true,
        "user!{firstName displayName middleName lastName! emMaxLoginTime:int@12.5 userid! $User}",
    ),
    ("applyCommonPhoneConfig", true, NAME_OR_UUID),
    ("applyPhone", true, NAME_OR_UUID),
    ("doAuthenticateUser", false, "userid! (password!|pin!:digits4)!"),
    ("doChangeDNDStatus", true, "(userID!|uuid!:uuid)! dndStatus!:bool"),
    ("doDeviceReset", true, "deviceName! (isHardReset!:bool|deviceResetType!)!"),
    ("executeSQLQuery", false, "sql!"),
    ("executeSQLUpdate", true, "sql!"),
    ("getAppUser", false, "(userid!|uuid!:uuid)! returnedTags{$RAppUser}"),
    ("getCCMVersion", false, "processNodeName"),
    ("getCommonPhoneConfig", false, "(name!|uuid!:uuid)! returnedTags{$RCommonPhoneConfig}"),
    ("getCredentialPolicy", false, "(name!|uuid!:uuid)! returnedTags{$RCredentialPolicy}"),
    ("getDevicePool", false, "(name!|uuid!:uuid)! returnedTags{$RDevicePool}"),
    ("getEnterprisePhoneConfig", false, ""),
    ("getLine", false, "(uuid!:uuid|pattern! routePartitionName)! returnedTags{$RLine}"),
    ("getPhone", false, "(name!|uuid!:uuid)! returnedTags{$RPhone}"),
    (
        "getServiceParameter",
        false,
        "(uuid!:uuid|processNodeName! name! service!)! returnedTags{$RServiceParameter}",
    ),
    ("getUser", false, "(userid!|uuid!:uuid)! returnedTags{$RUser}"),
    (
        "listAppUser",
        false,
        "searchCriteria!{userid} returnedTags!{$LAppUser} skip:number first:number",
    ),
    ("listChange", false, "startChangeId:number objectList{object*:change}"),
    (
        "listCommonPhoneConfig",
        false,
        "searchCriteria!{name} returnedTags!{$LCommonPhoneConfig} skip:number first:number",
    ),
    (
        "listDevicePool",
        false,
        "searchCriteria!{name callManagerGroupName regionName} returnedTags!{$LDevicePool} skip:number first:number",
    ),
    (
        "listLine",
        false,
        "searchCriteria!{pattern description usage routePartitionName} returnedTags!{$LLine} skip:number first:number",
    ),
    (
        "listPhone",
        false,
        "searchCriteria!{name description protocol callingSearchSpaceName devicePoolName securityProfileName} returnedTags!{$LPhone} skip:number first:number",
    ),
    (
        "listProcessNode",
        false,
        "searchCriteria!{name description processNodeRole} returnedTags!{$LProcessNode} skip:number first:number",
    ),
    (
        "listRegistrationDynamic",
        false,
        "searchCriteria!{device} returnedTags!{device:reference lastKnownIpAddress lastKnownUcm lastKnownConfigVersion
locationDetails endpointConnection portOrSsid lastSeen risStatus@12.5} skip:number first:number",
    ),
    (
        "listUser",
        false,
        "searchCriteria!{firstName lastName userid department customerName@12.5} returnedTags!{$LUser} skip:number first:number",
    ),
    ("removeAppUser", true, "(userid!|uuid!:uuid)!"),
    ("removeCommonPhoneConfig", true, NAME_OR_UUID),
    ("removeLine", true, "(uuid!:uuid|pattern! routePartitionName)!"),
    ("removePhone", true, NAME_OR_UUID),
    ("removeUser", true, "(userid!|uuid!:uuid)!"),
    ("resetCommonPhoneConfig", true, NAME_OR_UUID),
    ("resetPhone", true, NAME_OR_UUID),
    ("restartPhone", true, NAME_OR_UUID),
    (
        "updateAppUser",
        true,
        "(uuid!:uuid|userid!)! newUserid $AppUser",
    ),
    (
        "updateCommonPhoneConfig",
        true,
        "(name!:text100|uuid!:uuid)! newName:text50 description:text128 unlockPwd:text50 dndOption:dnd dndAlertingType:ring
backgroundImage:bool phonePersonalization phoneServiceDisplay sshUserId:text50 sshPwd
vendorConfig{~} alwaysUsePrimeLine alwaysUsePrimeLineForVoiceMessage vpnGroupName vpnProfileName
featureControlPolicy wifiHotspotProfile",
    ),
    (
        "updateLine",
        true,
        "(uuid!:uuid|pattern! routePartitionName)! newPattern description newRoutePartitionName $Line",
    ),
    (
        "updatePhone",
        true,
        "(name!:text100|uuid!:uuid)! newName:text128 description:text128 callingSearchSpaceName devicePoolName $Phone",
    ),
    (
        "updateServiceParameter",
        true,
        "(uuid!:uuid|processNodeName! name! service!)! value",
    ),
    (
        "updateUser",
        true,
        "(uuid!:uuid|userid!)! firstName displayName middleName lastName emMaxLoginTime:int@12.5 newUserid $User",
    ),
];

/// Requests of RisPort70: operation and the children of its element.
pub(super) const RISPORT: &[(&str, &str)] =
    &[("selectCmDevice", SELECT), ("selectCmDeviceExt", SELECT), ("selectCtiItem", SELECT_CTI)];

/// A request that only names what it is about.
const NAME_OR_UUID: &str = "(name!:text100|uuid!:uuid)!";

const SELECT: &str = "StateInfo{~} CmSelectionCriteria!{MaxReturnedDevices:number DeviceClass
Model:number Status NodeName SelectBy SelectItems{item*{Item!}} Protocol DownloadStatus}";

const SELECT_CTI: &str = "StateInfo{~} CtiSelectionCriteria!{MaxReturnedItems:number CtiMgrClass Status
NodeName SelectAppBy AppItems{item*{AppItem}} DevNames{item*{DevName}} DirNumbers{item*{DirNumber}}}";

pub(super) const NAMED: &[(&str, &str)] = &[
    // What follows in `XPhone` and in an update behind the fields that differ.
    ("Phone", "commonDeviceConfigName
commonPhoneConfigName networkLocation:network locationName mediaResourceListName networkHoldMohAudioSourceId
userHoldMohAudioSourceId automatedAlternateRoutingCssName aarNeighborhoodName loadInformation
vendorConfig{~} versionStamp:text128 traceFlag:bool mlppDomainId:text128 mlppIndicationStatus:status preemption:preemption
useTrustedRelayPoint:status retryVideoCallAsAudio:bool securityProfileName sipProfileName
cgpnTransformationCssName useDevicePoolCgpnTransformCss:bool geoLocationName geoLocationFilterName
sendGeoLocation:bool (removeLines{line*{$PhoneLine}} addLines{line*{$PhoneLine}}|
lines{line*{$PhoneLine} lineIdentifier*{~}}) phoneTemplateName speeddials{speeddial*{dirn:text255 label index:int}}
busyLampFields{busyLampField*{blfDest blfDirn routePartition
label associatedBlfSdFeatures{feature*} index}} primaryPhoneName ringSettingIdleBlfAudibleAlert:status ringSettingBusyBlfAudibleAlert:status
blfDirectedCallParks{~} addOnModules{~} userLocale networkLocale idleTimeout:int authenticationUrl
directoryUrl idleUrl informationUrl messagesUrl proxyServerUrl servicesUrl services{~}
softkeyTemplateName defaultProfileName enableExtensionMobility:bool singleButtonBarge:barge
joinAcrossLines:status builtInBridgeStatus:status callInfoPrivacyStatus:status hlogStatus:status ownerUserName
ignorePresentationIndicators:bool packetCaptureMode:capture packetCaptureDuration:int
subscribeCallingSearchSpaceName rerouteCallingSearchSpaceName allowCtiControlFlag:bool
presenceGroupName unattendedPort:bool requireDtmfReception:bool rfc2833Disabled:bool
certificateOperation:certificate authenticationMode:authentication keySize:keysize keyOrder ecKeySize authenticationString:text128
upgradeFinishTime deviceMobilityMode:status remoteDevice:bool dndOption:dnd dndRingSetting:ring dndStatus:bool
isActive:bool mobilityUserIdName phoneSuite phoneServiceDisplay:services isProtected:bool mtpRequired:bool
mtpPreferedCodec dialRulesName sshUserId:text50 sshPwd:text255 digestUser:text255 outboundCallRollover:rollover
hotlineDevice:bool secureInformationUrl:text255 secureDirectoryUrl:text255 secureMessageUrl:text255 secureServicesUrl:text255
secureAuthenticationUrl:text255 secureIdleUrl:text255 alwaysUsePrimeLine:status alwaysUsePrimeLineForVoiceMessage:status
featureControlPolicy deviceTrustMode:trust earlyOfferSupportForVoiceCall:bool
requireThirdPartyRegistration:bool blockIncomingCallsWhenRoaming:bool homeNetworkId
AllowPresentationSharingUsingBfcp:bool
confidentialAccess{confidentialAccessMode! confidentialAccessLevel!:int} requireOffPremiseLocation:bool
allowiXApplicableMedia:bool cgpnIngressDN useDevicePoolCgpnIngressDN:bool msisdn:text128
enableCallRoutingToRdWhenNoneIsActive:bool wifiHotspotProfile wirelessLanProfileGroup elinGroup
enableActivationID:bool@12.5 mraServiceDomain@12.5 allowMraMode:bool@12.5"),
    ("User", "password pin mailid department manager userLocale associatedDevices{device*:text50}
primaryExtension{pattern:text255 routePartitionName:text50} associatedPc
associatedGroups{userGroup*{name:text100 userRoles{userRole*:text100}}} enableCti:bool digestCredentials
phoneProfiles{profileName*} defaultProfile presenceGroupName subscribeCallingSearchSpaceName
enableMobility:bool enableMobileVoiceAccess:bool maxDeskPickupWaitTime:int remoteDestinationLimit:int
passwordCredentials{pwdCredPolicyName pwdCredUserCantChange:bool pwdCredUserMustChange:bool
pwdCredDoesNotExpire:bool pwdCredTimeChanged pwdCredTimeAdminLockout
pwdCredLockedByAdministrator:bool pwdResetHackCount:bool} pinCredentials{pinCredPolicyName
pinCredUserCantChange:bool pinCredUserMustChange:bool pinCredDoesNotExpire:bool
pinCredTimeChanged:bool pinCredTimeAdminLockout pinCredLockedByAdministrator:bool
pinResetHackCount:bool} enableEmcc:bool ctiControlledDeviceProfiles{profileName*}
patternPrecedence:precedence numericUserId mlppPassword customUserFields{~} homeCluster:bool
imAndPresenceEnable:bool serviceProfile lineAppearanceAssociationForPresences{~} directoryUri
telephoneNumber title mobileNumber homeNumber pagerNumber
(removeExtensionsInfo{~} addExtensionsInfo{~}|extensionsInfo{~}) selfService:text50 userProfile calendarPresence:bool
ldapDirectoryName userIdentity nameDialing ipccExtension ipccRoutePartition@12.5
convertUserAccount accountType@<12.5 authenticationType@<12.5 enableUserToHostConferenceNow:bool
attendeesAccessCode zeroHop:bool customerName@12.5
(removeAssociatedHeadsets{~} addAssociatedHeadsets{~}|associatedHeadsets{~})"),
    ("AppUser", "password passwordCredentials{pwdCredPolicyName
pwdCredUserCantChange:bool pwdCredUserMustChange:bool pwdCredDoesNotExpire:bool
pwdCredTimeChanged pwdCredTimeAdminLockout pwdCredLockedByAdministrator:bool
pwdResetHackCount:bool} digestCredentials presenceGroupName acceptPresenceSubscription:bool
acceptOutOfDialogRefer:bool acceptUnsolicitedNotification:bool allowReplaceHeader:bool
associatedDevices{device*:text50} associatedGroups{userGroup*{name:text100 userRoles{userRole*:text100}}}
ctiControlledDeviceProfiles{deviceProfile*:text50}"),
    (
        "PhoneLine",
        "index:int label:text50 display:text50 dirn{pattern routePartitionName} ringSetting:ring consecutiveRingSetting:ring
ringSettingIdlePickupAlert:ring ringSettingActivePickupAlert:ring displayAscii:text50 e164Mask:text255 mwlPolicy maxNumCalls:int
busyTrigger:int callInfoDisplay{callerName callerNumber redirectedNumber dialedNumber}
recordingProfileName monitoringCssName recordingFlag audibleMwi speedDial partitionUsage
associatedEndusers{enduser*{userId}} missedCallLogging recordingMediaSource",
    ),
    (
        "Line",
        "aarNeighborhoodName aarDestinationMask:text128 aarKeepCallHistory:bool aarVoiceMailEnabled:bool
callForwardAll{forwardToVoiceMail:bool callingSearchSpaceName
secondaryCallingSearchSpaceName destination:text50} callForwardBusy{forwardToVoiceMail:bool callingSearchSpaceName destination:text50} callForwardBusyInt{forwardToVoiceMail:bool callingSearchSpaceName destination:text50} callForwardNoAnswer{forwardToVoiceMail:bool callingSearchSpaceName destination:text50 duration:int}
callForwardNoAnswerInt{forwardToVoiceMail:bool callingSearchSpaceName destination:text50 duration:int} callForwardNoCoverage{forwardToVoiceMail:bool callingSearchSpaceName destination:text50} callForwardNoCoverageInt{forwardToVoiceMail:bool callingSearchSpaceName destination:text50}
callForwardOnFailure{forwardToVoiceMail:bool callingSearchSpaceName destination:text50} callForwardAlternateParty{~} callForwardNotRegistered{forwardToVoiceMail:bool callingSearchSpaceName destination:text50}
callForwardNotRegisteredInt{forwardToVoiceMail:bool callingSearchSpaceName destination:text50}
callPickupGroupName autoAnswer:autoanswer networkHoldMohAudioSourceId userHoldMohAudioSourceId
callingIdPresentationWhenDiverted@12.5 alertingName:text50 asciiAlertingName:text32 presenceGroupName
shareLineAppearanceCssName voiceMailProfileName patternPrecedence:precedence releaseClause hrDuration:int
hrInterval:int cfaCssPolicy defaultActivatedDeviceName parkMonForwardNoRetrieveDn:text50
parkMonForwardNoRetrieveIntDn:text50 parkMonForwardNoRetrieveVmEnabled:bool
parkMonForwardNoRetrieveIntVmEnabled:bool parkMonForwardNoRetrieveCssName
parkMonForwardNoRetrieveIntCssName parkMonReversionTimer:int partyEntranceTone:status
directoryURIs{~} allowCtiControlFlag:bool rejectAnonymousCall:bool patternUrgency:bool
confidentialAccess{~} externalCallControlProfile enterpriseAltNum{~} e164AltNum{~} pstnFailover
callControlAgentProfile useEnterpriseAltNum:bool useE164AltNum:bool active:bool
externalPresentationInfo@12.5{~}",
    ),
    (
        "RLine",
        "pattern description usage routePartitionName
aarNeighborhoodName aarDestinationMask aarKeepCallHistory aarVoiceMailEnabled
callForwardAll{forwardToVoiceMail callingSearchSpaceName
secondaryCallingSearchSpaceName destination} callForwardBusy{forwardToVoiceMail callingSearchSpaceName destination} callForwardBusyInt{forwardToVoiceMail callingSearchSpaceName destination} callForwardNoAnswer{forwardToVoiceMail callingSearchSpaceName destination duration}
callForwardNoAnswerInt{forwardToVoiceMail callingSearchSpaceName destination duration} callForwardNoCoverage{forwardToVoiceMail callingSearchSpaceName destination} callForwardNoCoverageInt{forwardToVoiceMail callingSearchSpaceName destination}
callForwardOnFailure{forwardToVoiceMail callingSearchSpaceName destination} callForwardAlternateParty{~} callForwardNotRegistered{forwardToVoiceMail callingSearchSpaceName destination}
callForwardNotRegisteredInt{forwardToVoiceMail callingSearchSpaceName destination}
callPickupGroupName autoAnswer networkHoldMohAudioSourceId userHoldMohAudioSourceId
callingIdPresentationWhenDiverted@12.5 alertingName asciiAlertingName presenceGroupName
shareLineAppearanceCssName voiceMailProfileName patternPrecedence releaseClause hrDuration
hrInterval cfaCssPolicy defaultActivatedDeviceName parkMonForwardNoRetrieveDn
parkMonForwardNoRetrieveIntDn parkMonForwardNoRetrieveVmEnabled
parkMonForwardNoRetrieveIntVmEnabled parkMonForwardNoRetrieveCssName
parkMonForwardNoRetrieveIntCssName parkMonReversionTimer partyEntranceTone
directoryURIs{~} allowCtiControlFlag rejectAnonymousCall patternUrgency
confidentialAccess{~} externalCallControlProfile enterpriseAltNum{~} e164AltNum{~} pstnFailover
callControlAgentProfile associatedDevices{device*} useEnterpriseAltNum useE164AltNum
active externalPresentationInfo@12.5{~}",
    ),
    (
        "LLine",
        "pattern description usage routePartitionName
aarNeighborhoodName aarDestinationMask aarKeepCallHistory aarVoiceMailEnabled
callPickupGroupName autoAnswer networkHoldMohAudioSourceId userHoldMohAudioSourceId
callingIdPresentationWhenDiverted@12.5 alertingName asciiAlertingName presenceGroupName
shareLineAppearanceCssName voiceMailProfileName patternPrecedence releaseClause hrDuration
hrInterval cfaCssPolicy defaultActivatedDeviceName parkMonForwardNoRetrieveDn
parkMonForwardNoRetrieveIntDn parkMonForwardNoRetrieveVmEnabled
parkMonForwardNoRetrieveIntVmEnabled parkMonForwardNoRetrieveCssName
parkMonForwardNoRetrieveIntCssName parkMonReversionTimer partyEntranceTone
allowCtiControlFlag rejectAnonymousCall confidentialAccess{~} externalCallControlProfile
enterpriseAltNum{~} e164AltNum{~} pstnFailover associatedDevices@<12.5{device*}",
    ),
    (
        "LPhone",
        "name description product model class protocol protocolSide callingSearchSpaceName devicePoolName
commonDeviceConfigName commonPhoneConfigName networkLocation locationName mediaResourceListName
networkHoldMohAudioSourceId userHoldMohAudioSourceId automatedAlternateRoutingCssName
aarNeighborhoodName loadInformation traceFlag mlppIndicationStatus preemption
useTrustedRelayPoint retryVideoCallAsAudio securityProfileName sipProfileName
cgpnTransformationCssName useDevicePoolCgpnTransformCss geoLocationName geoLocationFilterName
sendGeoLocation numberOfButtons phoneTemplateName primaryPhoneName
ringSettingIdleBlfAudibleAlert ringSettingBusyBlfAudibleAlert userLocale networkLocale
idleTimeout authenticationUrl directoryUrl idleUrl informationUrl messagesUrl proxyServerUrl
servicesUrl softkeyTemplateName loginUserId defaultProfileName enableExtensionMobility
currentProfileName loginTime loginDuration currentConfig{userHoldMohAudioSourceId
phoneTemplateName mlppDomainId mlppIndicationStatus preemption softkeyTemplateName
ignorePresentationIndicators singleButtonBarge joinAcrossLines callInfoPrivacyStatus dndStatus
dndRingSetting dndOption alwaysUsePrimeLine alwaysUsePrimeLineForVoiceMessage
emccCallingSearchSpaceName deviceName model product deviceProtocol class addressMode
allowAutoConfig remoteSrstOption remoteSrstIp remoteSrstPort remoteSipSrstIp remoteSipSrstPort
geolocationInfo remoteLocationName} singleButtonBarge joinAcrossLines builtInBridgeStatus
callInfoPrivacyStatus hlogStatus ownerUserName ignorePresentationIndicators packetCaptureMode
packetCaptureDuration subscribeCallingSearchSpaceName rerouteCallingSearchSpaceName
allowCtiControlFlag presenceGroupName unattendedPort requireDtmfReception rfc2833Disabled
certificateOperation authenticationMode keySize keyOrder ecKeySize authenticationString
certificateStatus upgradeFinishTime deviceMobilityMode roamingDevicePoolName remoteDevice
dndOption dndRingSetting dndStatus isActive isDualMode mobilityUserIdName phoneSuite
phoneServiceDisplay isProtected mtpRequired mtpPreferedCodec dialRulesName sshUserId digestUser
outboundCallRollover hotlineDevice secureInformationUrl secureDirectoryUrl secureMessageUrl
secureServicesUrl secureAuthenticationUrl secureIdleUrl alwaysUsePrimeLine
alwaysUsePrimeLineForVoiceMessage featureControlPolicy deviceTrustMode
earlyOfferSupportForVoiceCall requireThirdPartyRegistration blockIncomingCallsWhenRoaming
homeNetworkId AllowPresentationSharingUsingBfcp confidentialAccess{confidentialAccessMode
confidentialAccessLevel} requireOffPremiseLocation allowiXApplicableMedia
enableCallRoutingToRdWhenNoneIsActive enableActivationID@12.5 mraServiceDomain@12.5
allowMraMode@12.5",
    ),
    (
        "RPhone",
        "name description product model class protocol protocolSide callingSearchSpaceName devicePoolName
commonDeviceConfigName commonPhoneConfigName networkLocation locationName mediaResourceListName
networkHoldMohAudioSourceId userHoldMohAudioSourceId automatedAlternateRoutingCssName
aarNeighborhoodName loadInformation vendorConfig{~} versionStamp traceFlag mlppDomainId
mlppIndicationStatus preemption useTrustedRelayPoint retryVideoCallAsAudio securityProfileName
sipProfileName cgpnTransformationCssName useDevicePoolCgpnTransformCss geoLocationName
geoLocationFilterName sendGeoLocation lines{line*{$PhoneLine} lineIdentifier*{~}} numberOfButtons
phoneTemplateName speeddials{speeddial*{dirn label index}} busyLampFields{busyLampField*{blfDest blfDirn routePartition
label associatedBlfSdFeatures{feature*} index}} primaryPhoneName
ringSettingIdleBlfAudibleAlert ringSettingBusyBlfAudibleAlert
blfDirectedCallParks{blfDirectedCallPark*{~}} addOnModules{addOnModule*{~}} userLocale
networkLocale idleTimeout authenticationUrl directoryUrl idleUrl informationUrl messagesUrl
proxyServerUrl servicesUrl services{service*{~}} softkeyTemplateName loginUserId
defaultProfileName enableExtensionMobility currentProfileName loginTime loginDuration
currentConfig{userHoldMohAudioSourceId phoneTemplateName mlppDomainId mlppIndicationStatus
preemption softkeyTemplateName ignorePresentationIndicators singleButtonBarge joinAcrossLines
callInfoPrivacyStatus dndStatus dndRingSetting dndOption alwaysUsePrimeLine
alwaysUsePrimeLineForVoiceMessage emccCallingSearchSpaceName deviceName model product
deviceProtocol class addressMode allowAutoConfig remoteSrstOption remoteSrstIp remoteSrstPort
remoteSipSrstIp remoteSipSrstPort geolocationInfo remoteLocationName} singleButtonBarge
joinAcrossLines builtInBridgeStatus callInfoPrivacyStatus hlogStatus ownerUserName
ignorePresentationIndicators packetCaptureMode packetCaptureDuration
subscribeCallingSearchSpaceName rerouteCallingSearchSpaceName allowCtiControlFlag
presenceGroupName unattendedPort requireDtmfReception rfc2833Disabled certificateOperation
authenticationMode keySize keyOrder ecKeySize authenticationString certificateStatus
upgradeFinishTime deviceMobilityMode roamingDevicePoolName remoteDevice dndOption dndRingSetting
dndStatus isActive isDualMode mobilityUserIdName phoneSuite phoneServiceDisplay isProtected
mtpRequired mtpPreferedCodec dialRulesName sshUserId sshPwd digestUser outboundCallRollover
hotlineDevice secureInformationUrl secureDirectoryUrl secureMessageUrl secureServicesUrl
secureAuthenticationUrl secureIdleUrl alwaysUsePrimeLine alwaysUsePrimeLineForVoiceMessage
featureControlPolicy deviceTrustMode earlyOfferSupportForVoiceCall requireThirdPartyRegistration
blockIncomingCallsWhenRoaming homeNetworkId AllowPresentationSharingUsingBfcp
confidentialAccess{confidentialAccessMode confidentialAccessLevel} requireOffPremiseLocation
allowiXApplicableMedia cgpnIngressDN useDevicePoolCgpnIngressDN msisdn
enableCallRoutingToRdWhenNoneIsActive wifiHotspotProfile wirelessLanProfileGroup elinGroup
enableActivationID@12.5 activationIDStatus@12.5 mraServiceDomain@12.5 allowMraMode@12.5",
    ),
    (
        "LCommonPhoneConfig",
        "name description dndOption dndAlertingType backgroundImage phonePersonalization
phoneServiceDisplay sshUserId alwaysUsePrimeLine alwaysUsePrimeLineForVoiceMessage vpnGroupName
vpnProfileName featureControlPolicy",
    ),
    (
        "RCredentialPolicy",
        "name failedLogon resetFailedLogonAttempts lockoutDuration credChangeDuration credExpiresAfter
minCredLength prevCredStoredNum inactiveDaysAllowed expiryWarningDays trivialCredCheck
minCharsToChange",
    ),
    (
        "RCommonPhoneConfig",
        "name description unlockPwd dndOption dndAlertingType backgroundImage phonePersonalization
phoneServiceDisplay sshUserId sshPwd vendorConfig{~} alwaysUsePrimeLine
alwaysUsePrimeLineForVoiceMessage vpnGroupName vpnProfileName featureControlPolicy
wifiHotspotProfile",
    ),
    (
        "XCommonPhoneConfig",
        "name!:text50 description:text128 unlockPwd:text50 dndOption:dnd dndAlertingType:ring backgroundImage:bool
phonePersonalization phoneServiceDisplay sshUserId:text50 sshPwd vendorConfig{~} alwaysUsePrimeLine
alwaysUsePrimeLineForVoiceMessage vpnGroupName vpnProfileName featureControlPolicy
wifiHotspotProfile",
    ),
    (
        "DevicePool",
        "name autoSearchSpaceName dateTimeSettingName callManagerGroupName mediaResourceListName
regionName networkLocale srstName connectionMonitorDuration automatedAlternateRoutingCssName
aarNeighborhoodName locationName mobilityCssName physicalLocationName deviceMobilityGroupName
revertPriority singleButtonBarge joinAcrossLines cgpnTransformationCssName
cdpnTransformationCssName localRouteGroupName geoLocationName geoLocationFilterName
callingPartyNationalPrefix callingPartyInternationalPrefix callingPartyUnknownPrefix
callingPartySubscriberPrefix adjunctCallingSearchSpace callingPartyNationalStripDigits
callingPartyInternationalStripDigits callingPartyUnknownStripDigits
callingPartySubscriberStripDigits callingPartyNationalTransformationCssName
callingPartyInternationalTransformationCssName callingPartyUnknownTransformationCssName
callingPartySubscriberTransformationCssName calledPartyNationalPrefix
calledPartyInternationalPrefix calledPartyUnknownPrefix calledPartySubscriberPrefix
calledPartyNationalStripDigits calledPartyInternationalStripDigits calledPartyUnknownStripDigits
calledPartySubscriberStripDigits calledPartyNationalTransformationCssName
calledPartyInternationalTransformationCssName calledPartyUnknownTransformationCssName
calledPartySubscriberTransformationCssName imeEnrolledPatternGroupName",
    ),
    ("LDevicePool", "$DevicePool localRouteGroup*{name value} mraServiceDomain@12.5"),
    (
        "RDevicePool",
        "$DevicePool cntdPnTransformationCssName localRouteGroup*{name value}
redirectingPartyTransformationCSS callingPartyTransformationCSS wirelessLanProfileGroup elinGroup
mraServiceDomain@12.5",
    ),
    (
        "LProcessNode",
        "name description mac ipv6Name nodeUsage lbmHubGroup processNodeRole",
    ),
    (
        "LUser",
        "firstName displayName@<12.5 middleName lastName emMaxLoginTime@12.5 userid mailid department
manager userLocale primaryExtension{pattern routePartitionName} associatedPc enableCti
presenceGroupName@<12.5 subscribeCallingSearchSpaceName enableMobility enableMobileVoiceAccess
maxDeskPickupWaitTime remoteDestinationLimit status enableEmcc patternPrecedence numericUserId
mlppPassword homeCluster imAndPresenceEnable serviceProfile directoryUri telephoneNumber title
mobileNumber homeNumber pagerNumber selfService@<12.5 calendarPresence ldapDirectoryName@<12.5
userIdentity accountType@<12.5 authenticationType@<12.5 enableUserToHostConferenceNow@<12.5
attendeesAccessCode@<12.5 customerName@12.5",
    ),
    (
        "RUser",
        "firstName displayName middleName lastName emMaxLoginTime@12.5 userid password pin mailid
department manager userLocale associatedDevices{device*} primaryExtension{pattern
routePartitionName} associatedPc associatedGroups{userGroup*{name userRoles{userRole*}}}
enableCti digestCredentials phoneProfiles{profileName*} defaultProfile presenceGroupName
subscribeCallingSearchSpaceName enableMobility enableMobileVoiceAccess maxDeskPickupWaitTime
remoteDestinationLimit associatedRemoteDestinationProfiles{remoteDestinationProfile*}
passwordCredentials{pwdCredPolicyName pwdCredUserCantChange pwdCredUserMustChange
pwdCredDoesNotExpire pwdCredTimeChanged pwdCredTimeAdminLockout pwdCredLockedByAdministrator
pwdResetHackCount} pinCredentials{pinCredPolicyName pinCredUserCantChange pinCredUserMustChange
pinCredDoesNotExpire pinCredTimeChanged pinCredTimeAdminLockout pinCredLockedByAdministrator
pinResetHackCount} associatedTodAccess{todAccess*} status enableEmcc
associatedCapfProfiles{capfProfileInstanceId*} ctiControlledDeviceProfiles{profileName*}
patternPrecedence numericUserId mlppPassword customUserFields{customUserField*{~}} homeCluster
imAndPresenceEnable serviceProfile
lineAppearanceAssociationForPresences{lineAppearanceAssociationForPresence*{~}} directoryUri
telephoneNumber title mobileNumber homeNumber pagerNumber extensionsInfo{extension*{~}}
selfService userProfile calendarPresence ldapDirectoryName userIdentity nameDialing
ipccExtension ipccRoutePartition@12.5 convertUserAccount accountType@<12.5
authenticationType@<12.5 enableUserToHostConferenceNow attendeesAccessCode zeroHop
customerName@12.5 associatedHeadsets{headset*}",
    ),
    (
        "LAppUser",
        "userid presenceGroupName acceptPresenceSubscription acceptOutOfDialogRefer
acceptUnsolicitedNotification allowReplaceHeader isStandard",
    ),
    (
        "RAppUser",
        "userid password passwordCredentials{pwdCredPolicyName pwdCredUserCantChange
pwdCredUserMustChange pwdCredDoesNotExpire pwdCredTimeChanged pwdCredTimeAdminLockout
pwdCredLockedByAdministrator pwdResetHackCount} digestCredentials presenceGroupName
acceptPresenceSubscription acceptOutOfDialogRefer acceptUnsolicitedNotification
allowReplaceHeader isStandard associatedDevices{device*} associatedGroups{userGroup*{name
userRoles{userRole*}}} associatedCapfProfiles{capfProfileInstanceId*}
ctiControlledDeviceProfiles{deviceProfile*}",
    ),
    (
        "RServiceParameter",
        "processNodeName name service value valueType",
    ),
];
