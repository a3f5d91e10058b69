import MemeData
import Metrics

/// The messages of an event file; field numbers are those of TensorFlow's `event.proto` and what it names.
enum Event {
  /// One thing to show: a tag with a number, a text or a curve.
  struct Value {
    let message: ProtobufWriter

    /// A number, drawn against the steps under this tag.
    static func scalar(_ tag: String, _ value: Double) -> Value {
      Value(
        message: ProtobufWriter {
          $0.add(1, tag)
          $0.add(2, Float(value))
        })
    }

    /// A text, which TensorBoard shows as Markdown.
    static func text(_ tag: String, _ text: String) -> Value {
      let tensor = ProtobufWriter {
        $0.add(1, Int64(7))  // DT_STRING
        $0.add(2, shape([1]))
        $0.add(8, text)
      }
      return Value(message: plugged(tag, tensor, plugin: "text", content: ProtobufWriter()))
    }

    /// How precision and recall go with the threshold, for TensorBoard's `pr_curves`.
    ///
    /// - Parameters:
    ///   - truth: whether each meme carries the label. [N]
    ///   - probabilities: that it does. [N]
    ///   - thresholdCount: how many thresholds from 0 to 1, both included.
    static func precisionRecall(
      _ tag: String, truth: [Bool], probabilities: [Double], thresholdCount: Int = 101
    ) -> Value {
      let thresholds = (0..<thresholdCount).map { Double($0) / Double(thresholdCount - 1) }
      let counts = thresholds.map { threshold in
        ConfusionCounts(truth: truth, predicted: probabilities.map { $0 >= threshold })
      }
      let rows: [(ConfusionCounts) -> Double] = [
        { Double($0.truePositives) }, { Double($0.falsePositives) }, { Double($0.trueNegatives) },
        { Double($0.falseNegatives) }, \.precision, \.recall,
      ]
      let tensor = ProtobufWriter {
        $0.add(1, Int64(1))  // DT_FLOAT
        $0.add(2, shape([rows.count, thresholdCount]))
        $0.add(5, packed: rows.flatMap { row in counts.map { Float(row($0)) } })
      }
      let content = ProtobufWriter { $0.add(2, Int64(thresholdCount)) }
      return Value(message: plugged(tag, tensor, plugin: "pr_curves", content: content))
    }

    /// A tensor that one of TensorBoard's plugins shows, with what that plugin is told.
    private static func plugged(
      _ tag: String, _ tensor: ProtobufWriter, plugin: String, content: ProtobufWriter
    ) -> ProtobufWriter {
      let data = ProtobufWriter {
        $0.add(1, plugin)
        if !content.bytes.isEmpty { $0.add(2, content) }
      }
      return ProtobufWriter {
        $0.add(1, tag)
        $0.add(8, tensor)
        $0.add(9, ProtobufWriter { $0.add(1, data) })
      }
    }

    private static func shape(_ sizes: [Int]) -> ProtobufWriter {
      ProtobufWriter { shape in
        for size in sizes { shape.add(2, ProtobufWriter { $0.add(1, Int64(size)) }) }
      }
    }
  }

  /// The first event of a file: which version of the format follows.
  static func version(time: Double) -> ProtobufWriter {
    ProtobufWriter {
      $0.add(1, time)
      $0.add(3, "brain.Event:2")
    }
  }

  static func values(_ values: [Value], step: Int, time: Double) -> ProtobufWriter {
    ProtobufWriter { event in
      event.add(1, time)
      if step != 0 { event.add(2, Int64(step)) }  // 0 is what a field left out means
      event.add(5, ProtobufWriter { summary in for value in values { summary.add(1, value.message) } })
    }
  }

  /// What is read back of an event: where it belongs.
  struct Heading {
    private(set) var step = 0
    private(set) var tags: [String] = []

    /// - Returns: `nil` for a message that is none.
    init?(_ bytes: [UInt8]) {
      do {
        var event = ProtobufReader(bytes, bytes.indices)
        while let field = try event.next() {
          switch (field.number, field.value) {
          case (2, .integer(let value)): step = Int(Int64(bitPattern: value))
          case (5, .bytes(let range)):
            var summary = ProtobufReader(bytes, range)
            while case (1, .bytes(let range))? = try summary.next() {
              var value = ProtobufReader(bytes, range)
              while let field = try value.next() {
                if case (1, .bytes(let range)) = field { tags.append(String(decoding: bytes[range], as: UTF8.self)) }
              }
            }
          default: break
          }
        }
      } catch {
        return nil
      }
    }
  }
}
