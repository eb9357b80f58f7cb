/// What travels before one Sync, and how far the server's answers to it have come. A reference, for it changes with
/// every answer.
final class Batch {
  enum Step {
    /// A statement is prepared, for a call of job `job`.
    case prepare(PreparedStatement, job: Int)
    /// The next call of job `job`.
    case call(Statement, job: Int)
  }

  let jobs: [Job]
  /// What was sent, in order; the server answers each.
  var steps: [Step] = []
  private(set) var answered = 0
  /// The job that failed, nil if the commit itself did, and why.
  private(set) var failure: (job: Int?, error: PostgreSQLError)?

  init(_ jobs: [Job]) { self.jobs = jobs }

  /// The text to run by the simple protocol, if that is what this is.
  var script: String? {
    if case .script(let sql)? = jobs.first?.work { return sql }
    return nil
  }

  /// The name of the statement whose answer comes next.
  var nextStatement: String {
    guard answered < steps.count else { return "" }
    switch steps[answered] {
    case .prepare(let prepared, _): return prepared.statement.name
    case .call(let statement, _): return statement.name
    }
  }

  /// The next step succeeded.
  func succeeded(_ result: QueryResult) {
    guard answered < steps.count else { return }
    if case .call(_, let job) = steps[answered] { jobs[job].results.append(Rows(result: result)) }
    answered += 1
  }

  /// The next step failed, or if there is none the commit.
  func failed(_ error: PostgreSQLError) {
    guard answered < steps.count else {
      if failure == nil { failure = (jobs.count == 1 ? 0 : nil, error) }
      return
    }
    switch steps[answered] {
    case .prepare(let prepared, let job):
      prepared.isKnown = false
      if failure == nil { failure = (job, error) }
    case .call(_, let job):
      if failure == nil { failure = (job, error) }
    }
    answered += 1
  }

  /// The next step was passed over by the server because an earlier one failed.
  func passedOver() {
    guard answered < steps.count else { return }
    if case .prepare(let prepared, _) = steps[answered] { prepared.isKnown = false }
    answered += 1
  }

  /// What to tell whom once the Sync is answered. `rerun` are the jobs that a neighbour's failure undid.
  func outcome() -> (done: [(Job, Result<[Rows], PostgreSQLError>)], rerun: [Job]) {
    guard let failure else { return (jobs.map { ($0, .success($0.results)) }, []) }
    var done: [(Job, Result<[Rows], PostgreSQLError>)] = []
    var rerun: [Job] = []
    for (index, job) in jobs.enumerated() {
      job.results = []
      if index != failure.job {
        job.alone = true
        rerun.append(job)
      } else if failure.error.sqlState == "26000", !job.wasUnprepared {
        job.wasUnprepared = true
        job.alone = true
        rerun.append(job)
      } else {
        done.append((job, .failure(failure.error)))
      }
    }
    return (done, rerun)
  }
}

/// A statement as one connection knows it, for one list of parameter types.
final class PreparedStatement {
  let statement: Statement
  /// The name that the server knows it by.
  let name: [CChar]
  /// The parameters' types as declared; 0 was left to the server.
  let types: [UInt32]
  /// Whether the server has it, as far as we know: set when it is sent, taken back when that failed.
  var isKnown = false

  init(_ statement: Statement, name: String, types: [UInt32]) {
    self.statement = statement
    self.name = Array(name.utf8CString)
    self.types = types
  }

  /// Whether `parameters` can be sent to it: NULL fits everywhere, all else only its own type.
  func accepts(_ parameters: [PostgreSQLValue]) -> Bool {
    guard parameters.count == types.count else { return false }
    for (index, parameter) in parameters.enumerated() {
      let oid = parameter.oid
      if oid != 0 && oid != types[index] { return false }
    }
    return true
  }
}
