import CPESimulator
import Operations

/// The commands and options of `carillon-cpe`.
enum CommandLineTable {
  static let table = CommandTable(
    "carillon-cpe", "Simulates CPEs that speak CWMP (TR-069).", commands: [run, load, verify])

  private static let fleet: [CommandTable.Option] = [
    .init("url", value: "URL", "The ACS (default: $CARILLON_CWMP_URL, else http://127.0.0.1:7547/)."),
    .init("cpes", "n", value: "N", "How many CPEs (default 100)."),
    .init("first", value: "N", "The number of the first CPE (default 1)."),
    .init("model", value: "MODEL", repeats: true, "tr181 or tr098, in turn if both (default both)."),
    .init("bootstrap", value: "FILE", "The bootstrap credential user:password (default: $CARILLON_CWMP_BOOTSTRAP)."),
    .init(
      "password-file", value: "FILE",
      "The CPEs have credentials of their own: their identity and this password; {serial} in it is each one's own."),
    .init("basic", nil, "Send HTTP Basic without being asked."),
    .init("parameters", value: "N", "Parameters in an Inform (default 25)."),
    .init("value-padding", value: "BYTES", "Bytes of values added to each GetParameterValuesResponse (default 0)."),
    .init("connections", "c", value: "C", "Sessions open at once (default 8000; load: 64)."),
    .init("duration", "d", value: "S", "End after so many seconds."),
    .init("sessions", value: "N", "End after so many sessions."),
    .init("loops", value: "N", "Event loops, one thread each (default 1)."),
    .init("seed", value: "N", "The seed of all choices (default 1)."),
    .init("sources", value: "N", "Addresses of 127.0.0.0/8 to send from (default 1; load: 16)."),
    .init("ca", value: "FILE", "Authorities to trust for https, in PEM."),
    .init("insecure", nil, "Trust any certificate."),
    .init("timeout", value: "S", "Seconds to wait for an answer (default 30)."),
    .init("history", value: "FILE", "Append what happens, one JSON object a line."),
    .init("json", nil, "Print the summary as JSON."),
    .init("quiet", "q", "No progress line."),
  ]

  private static let life: [CommandTable.Option] = [
    .init("rate", "r", value: "R", "Boots per second at first (default: all within the interval)."),
    .init("interval", "i", value: "S", "PeriodicInformInterval until the ACS sets another (default 300)."),
    .init("until-provisioned", nil, "End when every CPE has its own credentials and the values expected."),
    .init("expect", value: "PATH=VALUE", repeats: true, "A value that provisioning must set; PATH without root."),
    .init("listen", value: "ADDRESS", "Where connection requests come in (default 127.0.0.1:0; none: off)."),
    .init("callback", value: "IP", "The address in ConnectionRequestURL (default: the one that the CPE sends from)."),
    .init("changed", value: "PART", "The part (0...1) of periodic Informs with a changed value (default 0)."),
    .init("boots", value: "PART", "The part (0...1) of periodic Informs instead of which the CPE boots (default 0)."),
    .init("retry-ms", value: "MS", "m of the retry policy (default 5000)."),
    .init("boot-ms", value: "MS", "How long a reboot takes (default 2000)."),
    .init(
      "misbehave", value: "KIND=PART", repeats: true,
      "A part (0...1) of the CPEs: \(kinds)."),
  ]

  private static let kinds = Misbehaviours.names.map(\.name).joined(separator: ", ")

  private static let run = CommandTable(
    "run", "CPEs that live as devices do: they boot, inform, obey, and try again what failed.",
    options: fleet + life,
    notes: "Example: carillon-cpe run --url http://127.0.0.1:7547/ --cpes 100 --rate 50 --until-provisioned")

  private static let load = CommandTable(
    "load", "Sessions as fast as the ACS takes them, or at a rate.",
    options: fleet + [
      .init("rate", "r", value: "R", "Sessions per second, whatever the ACS does (default: closed loop)."),
      .init("changed", value: "PART", "The part (0...1) of Informs with a changed value (default 0)."),
      .init(
        "event", value: "CODE", repeats: true,
        "An event of each Inform, such as '1 BOOT' (default '2 PERIODIC')."),
      .init("once", nil, "One session of each CPE, then end."),
      .init("retries", nil, "A CPE whose session failed waits and tries again as TR-069 says, in another's turn."),
      .init("warm-up", value: "S", "Seconds that do not count (default 0)."),
    ],
    notes: "Example: carillon-cpe load --cpes 5000 --basic --password-file FILE --duration 20 --json")

  private static let verify = CommandTable(
    "verify", "Compares a history with what the server knows, and names each difference.",
    options: [
      .init("history", value: "FILE", "The history that run --history wrote."),
      .init("api", value: "URL", "The server's API, without /api/v1 (default: $CARILLON_API_URL)."),
      .init("token-file", value: "FILE", "The file with the API's token (default: $CARILLON_API_TOKEN itself)."),
      .init("json", nil, "Print the differences as JSON."),
    ])
}
