import Testing

@testable import Server

/// The text format 0.0.4 as prometheus.io/docs/instrumenting/exposition_formats describes it.
@Suite struct PrometheusTests {
  /// The page's own examples: escaped label values, and numbers.
  @Test func labelsAndHelpAreEscaped() {
    let registry = PrometheusRegistry()
    let values = registry.gauge("msdos_file_access_time_seconds", "Back\\slash and\nline", labels: ["path", "error"])
    values.set(1.458255915e9, "C:\\DIR\\FILE.TXT", "Cannot find file:\n\"FILE.TXT\"")
    #expect(
      registry.text == """
        # HELP msdos_file_access_time_seconds Back\\\\slash and\\nline
        # TYPE msdos_file_access_time_seconds gauge
        msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1458255915

        """)
  }

  @Test func noLineBreakSlipsThrough() {
    let registry = PrometheusRegistry()
    registry.counter("a", "b", labels: ["c"]).add(1, "\r\nd 1\n")
    #expect(registry.text.unicodeScalars.count { $0 == "\n" } == 3)
  }

  @Test func histogramsAccumulate() {
    let registry = PrometheusRegistry()
    let seconds = registry.histogram("seconds", "Time.", labels: ["route"], bounds: [0.05, 0.1, 1])
    for value in [0.05, 0.07, 0.5, 0.5, 3] { seconds.observe(value, "/a") }
    #expect(
      registry.text == """
        # HELP seconds Time.
        # TYPE seconds histogram
        seconds_bucket{route="/a",le="0.05"} 1
        seconds_bucket{route="/a",le="0.1"} 2
        seconds_bucket{route="/a",le="1"} 4
        seconds_bucket{route="/a",le="+Inf"} 5
        seconds_sum{route="/a"} 4.12
        seconds_count{route="/a"} 5

        """)
  }

  @Test func seriesAreSortedAndNumbersWritten() {
    let registry = PrometheusRegistry()
    let counter = registry.counter("c", "C.", labels: ["l"])
    counter.add(2, "b")
    counter.add(0.5, "a")
    counter.add(1, "b")
    let alone = registry.gauge("g", "G.")
    let lines = registry.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(lines == ["c{l=\"a\"} 0.5", "c{l=\"b\"} 3", "g 0"])
    for (value, text) in [(Double.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (1e20, "1e+20")] {
      alone.set(value)
      #expect(registry.text.hasSuffix("g \(text)\n"))
    }
  }

  @Test func oneSeriesCanStandAlone() {
    let registry = PrometheusRegistry()
    let info = registry.gauge("info", "I.", labels: ["version"])
    info.setAlone(1, "1")
    info.setAlone(1, "2")
    #expect(registry.text.hasSuffix("gauge\ninfo{version=\"2\"} 1\n"))
  }
}
