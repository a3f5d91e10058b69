import Testing

@testable import Server

/// Forms as browsers send them: WHATWG URL, section 5.
@Suite struct URLEncodedFormTests {
  @Test func fieldsAreDecoded() throws {
    let form = try URLEncodedForm("a=1+2&b=%E2%82%AC%3D%26&a=&c&&d=x=y&=z&%C3%A9=%2b".utf8)
    #expect(form.all("a") == ["1 2", ""] && form["a"] == "1 2")
    #expect(form["b"] == "€=&" && form["c"] == "" && form["d"] == "x=y" && form[""] == "z" && form["é"] == "+")
    #expect(form["e"] == nil && form.all("e") == [])
    #expect(try URLEncodedForm("".utf8)["a"] == nil)
  }

  @Test(arguments: ["a=%", "a=%4", "a=%zz", "a=%+1", "%", "a=%FF", "a=%C3"])
  func damageIsTold(_ text: String) {
    #expect(throws: FormatError.self) { try URLEncodedForm(text.utf8) }
  }

  @Test func tooManyFieldsAreRefused() {
    #expect(throws: FormatError.self) { try URLEncodedForm(String(repeating: "a&", count: 1001).utf8) }
  }

  @Test(arguments: ["", "plain", "a b+c&d=e%f", "é€\n\"<>;,"])
  func whatIsEncodedIsReadAgain(_ text: String) throws {
    #expect(try URLEncodedForm("x=\(URLEncodedForm.encoded(text))".utf8)["x"] == text)
  }
}
