import Testing

@testable import Metrics

/// Against values that Krippendorff published ("Computing Krippendorff's Alpha-Reliability", 2011), to their three digits.
@Suite struct KrippendorffAlphaTests {
  /// Turns one line an observer into one list a unit; `.` is no value.
  private func units(_ lines: String...) -> [[Character]] {
    let rows = lines.map { $0.filter { $0 != " " } }
    return Array(rows[0]).indices.map { unit in rows.map { Array($0)[unit] }.filter { $0 != "." } }
  }

  private func rounded(_ alpha: KrippendorffAlpha) -> Double? { alpha.value.map { ($0 * 1000).rounded() / 1000 } }

  @Test func binaryDataOfTwoObservers() {  // section A: Meg and Owen
    let alpha = KrippendorffAlpha(units("0100000010", "1110010000"))
    #expect(rounded(alpha) == 0.095)
    #expect(alpha.units == 10 && alpha.values == 20)
  }

  @Test func nominalDataOfTwoObservers() {  // section B: Ben and Gerry
    #expect(rounded(KrippendorffAlpha(units("aabbdcccedda", "babbbcccedddd"))) == 0.692)
  }

  @Test func nominalDataOfFourObserversWithGaps() {  // section C
    let alpha = KrippendorffAlpha(units("123321412...", "1233224125.3", ".33323422 51.", "123324412 51."))
    #expect(rounded(alpha) == 0.743)
    #expect(alpha.units == 11 && alpha.values == 40)
  }

  @Test func threeObserversWithManyGaps() {  // the example of Wikipedia's article
    let alpha = KrippendorffAlpha(units(".....3412113 3.3", "1.2133 43.......", "..2134 4.2113 3.4"))
    #expect(rounded(alpha) == 0.691)
  }

  @Test func whereThereIsNothingToCompareThereIsNoValue() {
    #expect(KrippendorffAlpha([[String]]()).value == nil)
    #expect(KrippendorffAlpha([["a"], ["b"]]).value == nil)
    #expect(KrippendorffAlpha([["a", "a"], ["a", "a"]]).value == nil)
    #expect(KrippendorffAlpha([["a", "a"], ["b", "b"]]).value == 1)
  }
}
