import CWMP

/// How sessions are led: shared by all CPEs of a loop.
struct SessionPlan {
  let head: PostHead
  let templates: [ObjectIdentifier: InformTemplate]
  let parser = EnvelopeParser(side: .cpe)
  let writer = CPEEnvelopeWriter()
  /// Authorization without being asked: Basic.
  var sendsBasicAtOnce = false
  /// Takes an InformResponse on sight instead of parsing it, to save CPU in benchmarks.
  var trustsInformResponses = false
  /// Up to how long a CPE that answers late waits.
  var lateMilliseconds = 5_000

  init(acs: ACSAddress, models: [DeviceModel], informParameters: Int) {
    head = PostHead(acs)
    var templates: [ObjectIdentifier: InformTemplate] = [:]
    for model in models {
      templates[ObjectIdentifier(model)] = InformTemplate(model: model, parameterCount: informParameters)
    }
    self.templates = templates
  }
}
