import Operations

/// The command line as a table, from which parsing, help and completion are made.
enum Commands {
  private typealias Option = CommandTable.Option

  static let table = CommandTable(
    "carillonctl", "Operate a Carillon ACS by its REST API.",
    options: [Option("json", nil, "Print JSON, for scripts.")],
    commands: friendly + [devices, tasks, policies, firmware, campaigns, log] + [
      CommandTable("health", "Tell whether the API is well."),
      CommandTable(
        "completion", "Print a script that completes commands.",
        commands: [CommandTable("bash", "For bash: source <(carillonctl completion bash)")]),
    ],
    notes: """
      A DEVICE is its id or its identity, such as 00D09E-Router-0042.

      CARILLON_API_URL (http://127.0.0.1:8080 unless set) and CARILLON_API_TOKEN say where and
      who; else ~/.config/carillonctl does, with lines 'url: …' and 'token: …' and mode 0600.

      Exit codes: 0 done, 1 refused or the task failed, 64 misuse, 69 the API cannot be
      reached, 75 the task that was waited for is not over yet, 78 no token.
      """)

  // MARK: - Options

  private static let limit = Option("limit", value: "N", "At most so many; 100 unless given, 0 for all.")

  private static let waiting = [
    Option("wait", "w", "Wait for the result."),
    Option("timeout", value: "SECONDS", "How long to wait; 60 unless given."),
  ]

  private static let task =
    waiting + [
      Option("priority", value: "N", "Higher goes first; 0 unless given."),
      Option("deadline", value: "SECONDS", "Give it up after so long; one day unless given."),
      Option("key", value: "KEY", "Idempotency key: the same again is the same task."),
      Option("on-doubt", choices: ["fail", "retry"], "What to do when nobody knows whether it was done."),
    ]

  private static let search = [
    Option("oui", value: "OUI", "Of this OUI."),
    Option("product-class", value: "TEXT", "Of this product class."),
    Option("software-version", value: "TEXT", "Of this software version."),
    Option("tag", value: "TAG", repeats: true, "With this tag; more than one: with all."),
  ]

  // MARK: - Friendly forms

  private static let friendly = [
    CommandTable("get", "Read parameters or whole objects.", options: task, operands: "DEVICE PATH…"),
    CommandTable(
      "set", "Set parameters, all or none.", options: task, operands: "DEVICE PATH=VALUE…",
      notes: """
        A value's type is what the device told; PATH:unsignedInt=VALUE names one. PATH=@FILE takes the value
        from a file, PATH=@- from standard input, so that a secret does not stand on the command line.
        """),
    CommandTable("add", "Make an instance of a table.", options: task, operands: "DEVICE PATH."),
    CommandTable("delete", "Remove an instance.", options: task, operands: "DEVICE PATH.N."),
    CommandTable("names", "List what is below a path.", options: task, operands: "DEVICE [PATH]"),
    CommandTable("reboot", "Restart a device.", options: task, operands: "DEVICE"),
    CommandTable("factory-reset", "Reset a device to what left the factory.", options: task, operands: "DEVICE"),
    CommandTable(
      "download", "Have a device fetch a file.",
      options: task + [
        Option("file-type", value: "TYPE", "'1 Firmware Upgrade Image' unless given."),
        Option("software-version", value: "TEXT", "The version that shows that the image was taken."),
        Option("file-size", value: "BYTES", "The file's size, where it is known."),
        Option("username", value: "NAME", "What the device says there."),
        Option("password-file", value: "FILE", "A file with what the device says there."),
      ], operands: "DEVICE URL"),
  ]

  // MARK: - Resources

  private static let devices = CommandTable(
    "devices", "Devices and what is known of them.",
    commands: [
      CommandTable(
        "list", "List and search.",
        options: search + [
          Option("q", value: "PREFIX", "Whose identity or serial number begins so."),
          Option("manufacturer", value: "TEXT", "Of this manufacturer."),
          Option("seen-after", value: "TIME", "Seen since, such as 2026-11-23T07:00:00Z."),
          Option("seen-before", value: "TIME", "Not seen since."),
          limit,
        ]),
      CommandTable("show", "One device.", operands: "DEVICE"),
      CommandTable("parameters", "What is known of its parameters.", operands: "DEVICE [PATH]"),
      CommandTable(
        "tag", "Replace its tags; with --add or --remove, change some.",
        options: [Option("add", nil, "Keep the others."), Option("remove", nil, "Take these away.")],
        operands: "DEVICE TAG…"),
      CommandTable("held", "Devices that are held for coming with the bootstrap credential again.", options: [limit]),
      CommandTable(
        "release", "Let a held device come with the bootstrap credential.",
        options: [Option("for", value: "SECONDS", "For so long; an hour unless given.")], operands: "DEVICE"),
      CommandTable("forget", "Forget a device that is not at work.", operands: "DEVICE"),
    ])

  private static let tasks = CommandTable(
    "tasks", "What devices are to do.",
    commands: [
      CommandTable(
        "create", "Queue an RPC; ARGUMENTS is a JSON object, or - for standard input.", options: task,
        operands: "DEVICE METHOD [ARGUMENTS]"),
      CommandTable(
        "list", "The newest tasks, of a device or of all.",
        options: [
          Option("state", value: "STATE,…", "Only these; 'live' and 'finished' stand for several."),
          Option("method", value: "METHOD", "Only of this RPC."), limit,
        ], operands: "[DEVICE]"),
      CommandTable("show", "One task.", operands: "TASK"),
      CommandTable("wait", "Wait until a task is over.", options: [waiting[1]], operands: "TASK"),
      CommandTable("cancel", "Call off a queued task.", operands: "TASK"),
      CommandTable("redrive", "Queue a task that did not succeed anew.", options: waiting, operands: "TASK"),
    ])

  private static let policies = CommandTable(
    "policies", "What must hold on which devices.",
    commands: [
      CommandTable("list", "All policies."),
      CommandTable("show", "A policy's document.", operands: "NAME"),
      CommandTable(
        "put", "Store the policy in a file; - for standard input.",
        options: [Option("dry-run", nil, "Only check it.")], operands: "FILE"),
      CommandTable("versions", "A policy's versions.", operands: "NAME"),
      CommandTable("enable", "Put it in force.", operands: "NAME"),
      CommandTable("disable", "Take it out of force and keep it.", operands: "NAME"),
      CommandTable("delete", "Delete it.", operands: "NAME"),
    ])

  private static let firmware = CommandTable(
    "firmware", "Images that devices can be brought.",
    commands: [
      CommandTable("list", "All images."),
      CommandTable(
        "add", "Register a file of the directory that the gateway serves.",
        options: [
          Option("file", value: "PATH", "Its path below that directory."),
          Option("software-version", value: "TEXT", "What a device reports that runs it."),
          Option("vendor", value: "TEXT", "The manufacturer whose devices it is for."),
          Option("model", value: "TEXT", repeats: true, "A product class that it is for."),
        ], operands: "NAME"),
      CommandTable("delete", "Forget an image; the file stays.", operands: "NAME"),
    ])

  private static let campaigns = CommandTable(
    "campaigns", "Firmware for many devices, at a pace.",
    commands: [
      CommandTable("list", "The newest campaigns.", options: [limit]),
      CommandTable(
        "create", "Bring an image to devices.",
        options: [
          Option("image", value: "NAME", "The image.")
        ] + search + [
          Option("rate", value: "N", "Downloads begun a minute; 60 unless given."),
          Option("concurrency", value: "N", "Downloads at once; 100 unless given."),
          Option("paused", nil, "Only plan; begin with resume."),
        ], operands: "NAME"),
      CommandTable("show", "One campaign, with counts.", operands: "CAMPAIGN"),
      CommandTable(
        "devices", "Its devices.", options: [Option("state", value: "STATE,…", "Only these."), limit],
        operands: "CAMPAIGN"),
      CommandTable("pause", "Begin no more downloads.", operands: "CAMPAIGN"),
      CommandTable("resume", "Go on.", operands: "CAMPAIGN"),
      CommandTable("cancel", "Call off what has not been sent.", operands: "CAMPAIGN"),
    ])

  private static let log = CommandTable(
    "log", "What is on the event log.",
    commands: [
      CommandTable(
        "cat", "Print records with what CPEs and the ACS said, without secrets.",
        options: [
          Option(
            "topic", choices: ["messages", "directives", "dead-letters", "device-events", "task-events"],
            "What CPEs said, unless given."),
          Option("device", "d", value: "DEVICE", "Only of this device."),
          Option("session", value: "ID", "Only of this session."),
          Option("part", value: "N", "Only this partition; all unless given."),
          Option("offset", value: "N", "Begin there; at the oldest unless given."),
          Option("last", value: "N", "Begin so many records before each partition's end."),
          limit,
          Option("brief", nil, "A line a record, without bodies."),
        ]),
      CommandTable("parts", "The log's partitions, and how far workers are behind with each."),
    ])
}
