/// A message of another kind than the test asks for.
struct Unexpected: Error {}
