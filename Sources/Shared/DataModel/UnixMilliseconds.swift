/// A moment: milliseconds since 1970-01-01T00:00:00Z by the database's clock (docs/architecture.md, "Clocks").
///
/// An alias and no type: moments cross the worker, PostgreSQL and the twin as they are.
public typealias UnixMilliseconds = Int64
