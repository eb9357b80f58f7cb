extension DeviceModel {
  static let tr098Forced = [
    "DeviceSummary", "DeviceInfo.SpecVersion", "DeviceInfo.HardwareVersion", "DeviceInfo.SoftwareVersion",
    "DeviceInfo.ProvisioningCode", "ManagementServer.ParameterKey", "ManagementServer.ConnectionRequestURL",
    "ManagementServer.AliasBasedAddressing",
    "WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.ExternalIPAddress",
  ]

  /// A residential gateway after TR-098: a part of the standard's model, with several hundred parameters.
  static let tr098Text = """
    root InternetGatewayDevice
    DeviceSummary string r InternetGatewayDevice:1.4[](Baseline:1, EthernetLAN:1, WiFiLAN:1, EthernetWAN:1)
    LANDeviceNumberOfEntries unsignedInt r #LANDevice
    WANDeviceNumberOfEntries unsignedInt r #WANDevice
    DeviceInfo.
      Manufacturer string r Carillon
      ManufacturerOUI string r 00D09E
      ModelName string r CX-98
      Description string r Simulated residential gateway
      ProductClass string r Carillon
      SerialNumber string r $serial
      HardwareVersion string r 1.3
      SoftwareVersion string rf 1.0.0
      ModemFirmwareVersion string r 7.7
      EnabledOptions string r
      AdditionalHardwareVersion string r
      AdditionalSoftwareVersion string r
      SpecVersion string r 1.0
      ProvisioningCode string wf
      UpTime unsignedInt rvd $uptime
      FirstUseDate dateTime r 2026-01-01T00:00:00Z
      DeviceLog string rvd
      VendorConfigFileNumberOfEntries unsignedInt r #VendorConfigFile
    DeviceInfo.VendorConfigFile.{1}.
      Name string r factory.cfg
      Version string r 1
      Date dateTime r 2026-01-01T00:00:00Z
      Description string r Settings of the factory
    ManagementServer.
      EnableCWMP boolean w 1
      URL string w $acs
      Username string w $user
      Password string wh $secret
      PeriodicInformEnable boolean w 1
      PeriodicInformInterval unsignedInt w $interval
      PeriodicInformTime dateTime w 0001-01-01T00:00:00Z
      ParameterKey string r
      ConnectionRequestURL string rf $callback
      ConnectionRequestUsername string w $identity
      ConnectionRequestPassword string wh
      UpgradesManaged boolean w 1
      KickURL string r
      DownloadProgressURL string r
      DefaultActiveNotificationThrottle unsignedInt w 0
      CWMPRetryMinimumWaitInterval unsignedInt w 5
      CWMPRetryIntervalMultiplier unsignedInt w 2000
      UDPConnectionRequestAddress string r
      STUNEnable boolean w 0
      AliasBasedAddressing boolean r 0
    Time.
      Enable boolean w 1
      Status string r Synchronized
      NTPServer1 string w pool.ntp.org
      NTPServer2 string w
      CurrentLocalTime dateTime rvd $now
      LocalTimeZone string w +01:00
      LocalTimeZoneName string w CET
      DaylightSavingsUsed boolean w 1
    UserInterface.
      PasswordRequired boolean w 1
      PasswordUserSelectable boolean w 1
      UpgradeAvailable boolean w 0
      CurrentLanguage string w en
      AvailableLanguages string r en,de,fr
    Layer3Forwarding.
      DefaultConnectionService string w InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANIPConnection.1
      ForwardNumberOfEntries unsignedInt r #Forwarding
    Layer3Forwarding.Forwarding.{0+}.
      Enable boolean w 0
      Status string r Disabled
      DestIPAddress string w
      DestSubnetMask string w
      GatewayIPAddress string w
      Interface string w
      ForwardingMetric int w -1
    IPPingDiagnostics.
      DiagnosticsState string w None
      Interface string w
      Host string w
      NumberOfRepetitions unsignedInt w 3
      Timeout unsignedInt w 1000
      DataBlockSize unsignedInt w 64
      DSCP unsignedInt w 0
      SuccessCount unsignedInt r 0
      FailureCount unsignedInt r 0
      AverageResponseTime unsignedInt r 0
    LANDevice.{1}.
      LANEthernetInterfaceNumberOfEntries unsignedInt r #LANEthernetInterfaceConfig
      LANUSBInterfaceNumberOfEntries unsignedInt r 0
      LANWLANConfigurationNumberOfEntries unsignedInt r #WLANConfiguration
    LANDevice.{1}.LANHostConfigManagement.
      MACAddress string r $mac
      DHCPServerConfigurable boolean w 1
      DHCPServerEnable boolean w 1
      DHCPRelay boolean r 0
      MinAddress string w 192.168.1.100
      MaxAddress string w 192.168.1.199
      ReservedAddresses string w
      SubnetMask string w 255.255.255.0
      DNSServers string w 192.168.1.1
      DomainName string w lan
      IPRouters string w 192.168.1.1
      DHCPLeaseTime int w 86400
      IPInterfaceNumberOfEntries unsignedInt r #IPInterface
    LANDevice.{1}.LANHostConfigManagement.IPInterface.{1}.
      Enable boolean w 1
      IPInterfaceIPAddress string w 192.168.1.1
      IPInterfaceSubnetMask string w 255.255.255.0
      IPInterfaceAddressingType string w Static
    LANDevice.{1}.LANEthernetInterfaceConfig.{4}.
      Enable boolean w 1
      Status string r Up
      MACAddress string r $mac
      MaxBitRate string w Auto
      DuplexMode string w Auto
    LANDevice.{1}.LANEthernetInterfaceConfig.{4}.Stats.
      BytesSent unsignedInt rvd 0
      BytesReceived unsignedInt rvd 0
      PacketsSent unsignedInt rvd 0
      PacketsReceived unsignedInt rvd 0
    LANDevice.{1}.WLANConfiguration.{4+}.
      Enable boolean w 1
      Status string r Up
      BSSID string r $mac
      MaxBitRate string w Auto
      Channel unsignedInt w 6
      AutoChannelEnable boolean w 1
      SSID string w Carillon-$index
      BeaconType string w 11i
      MACAddressControlEnabled boolean w 0
      Standard string r n
      WEPKeyIndex unsignedInt w 1
      KeyPassphrase string wh
      WEPEncryptionLevel string r Disabled,40-bit,104-bit
      BasicEncryptionModes string w None
      BasicAuthenticationMode string w None
      WPAEncryptionModes string w AESEncryption
      WPAAuthenticationMode string w PSKAuthentication
      IEEE11iEncryptionModes string w AESEncryption
      IEEE11iAuthenticationMode string w PSKAuthentication
      PossibleChannels string r 1-13
      BasicDataTransmitRates string w 1,2,5.5,11
      OperationalDataTransmitRates string w 1,2,5.5,6,9,11,12,18,24,36,48,54
      SSIDAdvertisementEnabled boolean w 1
      RadioEnabled boolean w 1
      TransmitPower unsignedInt w 100
      WMMEnable boolean w 1
      TotalBytesSent unsignedInt rvd 0
      TotalBytesReceived unsignedInt rvd 0
      TotalAssociations unsignedInt rvd 2
    LANDevice.{1}.WLANConfiguration.{4+}.PreSharedKey.{1}.
      PreSharedKey string wh
      KeyPassphrase string wh
    LANDevice.{1}.Hosts.
      HostNumberOfEntries unsignedInt rv #Host
    LANDevice.{1}.Hosts.Host.{6}.
      IPAddress string r 192.168.1.10$number
      AddressSource string r DHCP
      LeaseTimeRemaining int rvd 40000
      MACAddress string r $mac
      HostName string r host$number
      InterfaceType string r Ethernet
      Active boolean rv 1
    WANDevice.{1}.
      WANConnectionNumberOfEntries unsignedInt r #WANConnectionDevice
    WANDevice.{1}.WANCommonInterfaceConfig.
      EnabledForInternet boolean w 1
      WANAccessType string r Ethernet
      Layer1UpstreamMaxBitRate unsignedInt r 1000000000
      Layer1DownstreamMaxBitRate unsignedInt r 1000000000
      PhysicalLinkStatus string r Up
      TotalBytesSent unsignedInt rvd 0
      TotalBytesReceived unsignedInt rvd 0
    WANDevice.{1}.WANEthernetInterfaceConfig.
      Enable boolean w 1
      Status string r Up
      MACAddress string r $mac
      MaxBitRate string w Auto
      DuplexMode string w Auto
    WANDevice.{1}.WANConnectionDevice.{1+}.
      WANIPConnectionNumberOfEntries unsignedInt r #WANIPConnection
      WANPPPConnectionNumberOfEntries unsignedInt r #WANPPPConnection
    WANDevice.{1}.WANConnectionDevice.{1+}.WANIPConnection.{1+}.
      Enable boolean w 1
      ConnectionStatus string r Connected
      PossibleConnectionTypes string r IP_Routed,IP_Bridged
      ConnectionType string w IP_Routed
      Name string w Internet
      Uptime unsignedInt rvd $uptime
      LastConnectionError string r ERROR_NONE
      RSIPAvailable boolean r 0
      NATEnabled boolean w 1
      AddressingType string w DHCP
      ExternalIPAddress string wf $ip
      SubnetMask string w 255.255.255.0
      DefaultGateway string w 10.0.0.1
      DNSEnabled boolean w 1
      DNSServers string w 9.9.9.9
      MaxMTUSize unsignedInt w 1500
      MACAddress string w $mac
      ConnectionTrigger string w AlwaysOn
      PortMappingNumberOfEntries unsignedInt r 0
    WANDevice.{1}.WANConnectionDevice.{1+}.WANPPPConnection.{0+}.
      Enable boolean w 0
      ConnectionStatus string r Unconfigured
      ConnectionType string w IP_Routed
      Name string w
      Username string w
      Password string wh
      PPPAuthenticationProtocol string r CHAP
      ExternalIPAddress string r
      NATEnabled boolean w 1
      MaxMRUSize unsignedInt w 1492
      PPPoEServiceName string w

    """
}
