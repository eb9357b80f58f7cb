/// The known name that a misspelt one probably meant.
public enum Suggestion {
  /// The nearest of the known names by edit distance; `nil` where none is near.
  public static func nearest(to name: String, in known: some Sequence<String>) -> String? {
    let allowed = max(1, min(3, name.utf8.count / 3))
    var best: (name: String, distance: Int)?
    for candidate in known {
      let distance = distance(Array(name.lowercased().utf8), Array(candidate.lowercased().utf8))
      if distance <= allowed, distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// `; did you mean 'x'?`, or, where none is near and there are few, `; known: a, b, c`, to end an error with.
  public static func hint(for name: String, known: some Sequence<String>) -> String {
    if let nearest = nearest(to: name, in: known) { return "; did you mean '\(nearest)'?" }
    let names = known.sorted()
    return names.isEmpty || names.count > 16 ? "" : "; known: \(names.joined(separator: ", "))"
  }

  /// Levenshtein's distance, with two neighbours exchanged counted as one step.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    guard left.count <= 64, right.count <= 64 else { return Int.max }
    var rows = [Array(0...right.count)]
    for (row, character) in left.enumerated() {
      var line = [row + 1]
      for (column, other) in right.enumerated() {
        var steps = min(line[column] + 1, rows[row][column + 1] + 1, rows[row][column] + (character == other ? 0 : 1))
        if row > 0, column > 0, character == right[column - 1], left[row - 1] == other {
          steps = min(steps, rows[row - 1][column - 1] + 1)
        }
        line.append(steps)
      }
      rows.append(line)
    }
    return rows[left.count][right.count]
  }
}
