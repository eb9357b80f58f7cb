extension DeviceModel {
  static let tr181Forced = [
    "RootDataModelVersion", "DeviceInfo.HardwareVersion", "DeviceInfo.SoftwareVersion", "DeviceInfo.ProvisioningCode",
    "ManagementServer.ParameterKey", "ManagementServer.ConnectionRequestURL", "ManagementServer.AliasBasedAddressing",
  ]

  /// A residential gateway after TR-181 issue 2: a part of the standard's model, with several hundred parameters.
  static let tr181Text = """
    root Device
    RootDataModelVersion string r 2.17
    InterfaceStackNumberOfEntries unsignedInt r #InterfaceStack
    DeviceInfo.
      Manufacturer string r Carillon
      ManufacturerOUI string r 00D09E
      ModelName string r CX-181
      Description string r Simulated residential gateway
      ProductClass string r Carillon
      SerialNumber string r $serial
      HardwareVersion string r 2.1
      SoftwareVersion string rf 1.0.0
      AdditionalHardwareVersion string r
      AdditionalSoftwareVersion string r boot=2.4
      ProvisioningCode string wf
      FirstUseDate dateTime r 2026-01-01T00:00:00Z
      UpTime unsignedInt rvd $uptime
      VendorConfigFileNumberOfEntries unsignedInt r #VendorConfigFile
      ProcessorNumberOfEntries unsignedInt r #Processor
    DeviceInfo.MemoryStatus.
      Total unsignedInt r 524288
      Free unsignedInt rvd 262144
    DeviceInfo.ProcessStatus.
      CPUUsage unsignedInt rvd 7
      ProcessNumberOfEntries unsignedInt r 0
    DeviceInfo.VendorConfigFile.{1}.
      Name string r factory.cfg
      Version string r 1
      Date dateTime r 2026-01-01T00:00:00Z
      Description string r Settings of the factory
    DeviceInfo.Processor.{2}.
      Architecture string r arm
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
      HTTPConnectionRequestEnable boolean w 1
      UpgradesManaged boolean w 1
      KickURL string r
      DownloadProgressURL string r
      DefaultActiveNotificationThrottle unsignedInt w 0
      CWMPRetryMinimumWaitInterval unsignedInt w 5
      CWMPRetryIntervalMultiplier unsignedInt w 2000
      UDPConnectionRequestAddress string r
      STUNEnable boolean w 0
      AliasBasedAddressing boolean r 0
      InstanceMode string w InstanceNumber
      AutoCreateInstances boolean w 0
      InstanceWildcardsSupported boolean r 0
      SupportedConnReqMethods string r HTTP
      InformParameterNumberOfEntries unsignedInt r #InformParameter
    ManagementServer.InformParameter.{0+}.
      Enable boolean w 0
      ParameterName string w
      EventList string w
    Time.
      Enable boolean w 1
      Status string r Synchronized
      NTPServer1 string w pool.ntp.org
      NTPServer2 string w
      CurrentLocalTime dateTime rvd $now
      LocalTimeZone string w CET-1CEST,M3.5.0,M10.5.0/3
    UserInterface.
      Enable boolean w 1
      PasswordRequired boolean w 1
      PasswordUserSelectable boolean w 1
      UpgradeAvailable boolean w 0
      CurrentLanguage string w en
      AvailableLanguages string r en,de,fr
    Users.
      UserNumberOfEntries unsignedInt r #User
    Users.User.{1+}.
      Enable boolean w 1
      Username string w user$number
      Password string wh
      RemoteAccessCapable boolean w 0
      Language string w en
    Ethernet.
      InterfaceNumberOfEntries unsignedInt r #Interface
      LinkNumberOfEntries unsignedInt r #Link
    Ethernet.Interface.{5}.
      Enable boolean w 1
      Status string r Up
      Alias string w eth$number
      Name string r eth$number
      LastChange unsignedInt rvd $uptime
      LowerLayers string w
      Upstream boolean r 0
      MACAddress string r $mac
      MaxBitRate int w -1
      CurrentBitRate unsignedInt r 1000
      DuplexMode string w Auto
    Ethernet.Interface.{5}.Stats.
      BytesSent unsignedLong rvd 0
      BytesReceived unsignedLong rvd 0
      PacketsSent unsignedLong rvd 0
      PacketsReceived unsignedLong rvd 0
      ErrorsSent unsignedInt rvd 0
      ErrorsReceived unsignedInt rvd 0
    Ethernet.Link.{1}.
      Enable boolean w 1
      Status string r Up
      Name string r link$number
      MACAddress string r $mac
      LowerLayers string w Device.Ethernet.Interface.1
    WiFi.
      RadioNumberOfEntries unsignedInt r #Radio
      SSIDNumberOfEntries unsignedInt r #SSID
      AccessPointNumberOfEntries unsignedInt r #AccessPoint
    WiFi.Radio.{2}.
      Enable boolean w 1
      Status string r Up
      Alias string w radio$number
      Name string r wl$number
      MaxBitRate unsignedInt r 1200
      SupportedFrequencyBands string r 2.4GHz,5GHz
      OperatingFrequencyBand string w 5GHz
      SupportedStandards string r n,ac,ax
      OperatingStandards string w n,ac,ax
      PossibleChannels string r 1-13,36-64
      Channel unsignedInt w 36
      AutoChannelEnable boolean w 1
      AutoChannelRefreshPeriod unsignedInt w 3600
      OperatingChannelBandwidth string w 80MHz
      GuardInterval string w Auto
      TransmitPower int w 100
      RegulatoryDomain string w DE
      IEEE80211hEnabled boolean w 1
    WiFi.Radio.{2}.Stats.
      BytesSent unsignedLong rvd 0
      BytesReceived unsignedLong rvd 0
      Noise int rvd -92
    WiFi.SSID.{4+}.
      Enable boolean w 1
      Status string r Up
      Alias string w ssid$number
      Name string r wlan$number
      LowerLayers string w Device.WiFi.Radio.1
      BSSID string r $mac
      MACAddress string r $mac
      SSID string w Carillon-$index
    WiFi.AccessPoint.{4+}.
      Enable boolean w 1
      Status string r Enabled
      Alias string w ap$number
      SSIDReference string w
      SSIDAdvertisementEnabled boolean w 1
      RetryLimit unsignedInt w 7
      WMMEnable boolean w 1
      IsolationEnable boolean w 0
      AssociatedDeviceNumberOfEntries unsignedInt rv #AssociatedDevice
    WiFi.AccessPoint.{4+}.Security.
      ModesSupported string r None,WPA2-Personal,WPA3-Personal
      ModeEnabled string w WPA2-Personal
      PreSharedKey hexBinary wh
      KeyPassphrase string wh
      RekeyingInterval unsignedInt w 3600
    WiFi.AccessPoint.{4+}.AssociatedDevice.{1}.
      MACAddress string r $mac
      AuthenticationState boolean r 1
      SignalStrength int rvd -54
      LastDataDownlinkRate unsignedInt rvd 400000
    IP.
      IPv4Enable boolean w 1
      IPv4Status string r Enabled
      IPv6Enable boolean w 1
      IPv6Status string r Enabled
      InterfaceNumberOfEntries unsignedInt r #Interface
    IP.Interface.{2+}.
      Enable boolean w 1
      Status string r Up
      Alias string w ip$number
      Name string r ip$number
      LowerLayers string w Device.Ethernet.Link.1
      Type string r Normal
      MaxMTUSize unsignedInt w 1500
      IPv4AddressNumberOfEntries unsignedInt r #IPv4Address
      IPv6AddressNumberOfEntries unsignedInt r #IPv6Address
    IP.Interface.{2+}.IPv4Address.{1+}.
      Enable boolean w 1
      Status string r Enabled
      IPAddress string w $ip
      SubnetMask string w 255.255.255.0
      AddressingType string r DHCP
    IP.Interface.{2+}.IPv6Address.{1+}.
      Enable boolean w 1
      Status string r Enabled
      IPAddress string w fe80::$index
      Origin string r AutoConfigured
      Prefix string w
    IP.Interface.{2+}.Stats.
      BytesSent unsignedLong rvd 0
      BytesReceived unsignedLong rvd 0
    IP.Diagnostics.IPPing.
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
      MinimumResponseTime unsignedInt r 0
      MaximumResponseTime unsignedInt r 0
    Routing.
      RouterNumberOfEntries unsignedInt r #Router
    Routing.Router.{1}.
      Enable boolean w 1
      Status string r Enabled
      IPv4ForwardingNumberOfEntries unsignedInt r #IPv4Forwarding
    Routing.Router.{1}.IPv4Forwarding.{1+}.
      Enable boolean w 1
      Status string r Enabled
      DestIPAddress string w 0.0.0.0
      DestSubnetMask string w 0.0.0.0
      GatewayIPAddress string w
      Interface string w
      ForwardingMetric int w -1
    NAT.
      InterfaceSettingNumberOfEntries unsignedInt r #InterfaceSetting
      PortMappingNumberOfEntries unsignedInt r #PortMapping
    NAT.InterfaceSetting.{1+}.
      Enable boolean w 1
      Status string r Enabled
      Interface string w Device.IP.Interface.1
    NAT.PortMapping.{0+}.
      Enable boolean w 0
      Status string r Disabled
      Alias string w
      Interface string w
      AllInterfaces boolean w 0
      LeaseDuration unsignedInt w 0
      RemoteHost string w
      ExternalPort unsignedInt w 0
      ExternalPortEndRange unsignedInt w 0
      InternalPort unsignedInt w 0
      Protocol string w TCP
      InternalClient string w
      Description string w
    DHCPv4.Server.
      Enable boolean w 1
      PoolNumberOfEntries unsignedInt r #Pool
    DHCPv4.Server.Pool.{1+}.
      Enable boolean w 1
      Status string r Enabled
      Interface string w Device.IP.Interface.2
      MinAddress string w 192.168.1.100
      MaxAddress string w 192.168.1.199
      SubnetMask string w 255.255.255.0
      DNSServers string w 192.168.1.1
      DomainName string w lan
      IPRouters string w 192.168.1.1
      LeaseTime int w 86400
      StaticAddressNumberOfEntries unsignedInt r #StaticAddress
    DHCPv4.Server.Pool.{1+}.StaticAddress.{0+}.
      Enable boolean w 0
      Chaddr string w
      Yiaddr string w
    DHCPv4.
      ClientNumberOfEntries unsignedInt r #Client
    DHCPv4.Client.{1+}.
      Enable boolean w 1
      Interface string w Device.IP.Interface.1
      Status string r Enabled
      DHCPStatus string r Bound
      IPAddress string r $ip
      SubnetMask string r 255.255.255.0
      DHCPServer string r 10.0.0.1
      LeaseTimeRemaining int rvd 43200
    DNS.Client.
      Enable boolean w 1
      Status string r Enabled
      ServerNumberOfEntries unsignedInt r #Server
    DNS.Client.Server.{2+}.
      Enable boolean w 1
      Status string r Enabled
      DNSServer string w 9.9.9.9
      Interface string w
      Type string r DHCPv4
    Firewall.
      Enable boolean w 1
      Config string w High
      Version string r 1
      LastChange dateTime r 2026-01-01T00:00:00Z
    Hosts.
      HostNumberOfEntries unsignedInt rv #Host
    Hosts.Host.{6}.
      PhysAddress string r $mac
      IPAddress string r 192.168.1.10$number
      AddressSource string r DHCP
      LeaseTimeRemaining int rvd 40000
      HostName string r host$number
      Active boolean rv 1
    InterfaceStack.{3}.
      HigherLayer string r Device.IP.Interface.1
      LowerLayer string r Device.Ethernet.Link.1

    """
}
