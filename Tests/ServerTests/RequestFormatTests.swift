import Encoders
import Foundation
import Testing
import Training

@testable import Server

/// What the formats refuse before they have read all of it.
@Suite struct RequestFormatTests {
  private let limits = RequestLimits(memes: 2, textBytes: 4)
  private let model = ModelFacts(
    name: "run", version: "1", tasks: [TinyRun.harmful], categories: CategoryMapping(usualFor: [TinyRun.harmful]))

  private func refusal(of json: String, by format: any RequestFormat.Type) -> APIError? {
    let body = RequestBodyContent(bytes: Array(json.utf8), contentType: "application/json")
    do throws(APIError) {
      _ = try format.understand(body, for: model, limits: limits)
      return nil
    } catch {
      return error
    }
  }

  /// The client learns which picture it was, and nothing of the server's files.
  @Test func aPictureThatTheDetectorHasNotSeenIsTheClientsFault() {
    let file = URL(fileURLWithPath: "/secret/regions.safetensors")
    let error = APIError(EncoderError.noRegionsOfPicture(file, name: "image"), parameter: "image")
    #expect(error.status.code == 400 && error.code == "unknown_picture" && error.parameter == "image")
    #expect(!error.message.contains("secret"))
  }

  /// A fault behind the last element that is allowed is not what is told: nobody has looked at it.
  @Test func listsAreReadNoFurtherThanTheyMayGo() {
    let memes = refusal(of: #"{"memes":[{"text":"a"},{"text":"b"},{"text":"c"},7]}"#, by: PredictFormat.self)
    #expect(memes?.status.code == 413 && memes?.message == "4 memes; one request may bring 2")
    let texts = refusal(of: #"{"input":["a","b","c",7]}"#, by: ModerationsFormat.self)
    #expect(texts?.status.code == 413 && texts?.message == "4 texts; one request may bring 2")
    #expect(texts?.parameter == "input")
    let part = #"{"type":"text","text":""}"#
    let list = Array(repeating: part, count: 7).joined(separator: ",")
    let parts = refusal(of: #"{"input":[\#(list),7]}"#, by: ModerationsFormat.self)
    #expect(parts?.status.code == 413 && parts?.message == "a text has more than 4 bytes")
  }

  @Test func whatIsWithinTheLimitsIsUnderstoodAndFaultsInItAreTold() {
    #expect(refusal(of: #"{"memes":[{"text":"a"},{"text":"b"}]}"#, by: PredictFormat.self) == nil)
    #expect(refusal(of: #"{"memes":[{"text":"a"},7,7]}"#, by: PredictFormat.self)?.parameter == "memes[1]")
    #expect(refusal(of: #"{"input":["a","b"]}"#, by: ModerationsFormat.self) == nil)
    let parts = Array(repeating: #"{"type":"text","text":""}"#, count: 5).joined(separator: ",")
    #expect(refusal(of: #"{"input":[\#(parts)]}"#, by: ModerationsFormat.self) == nil, "four line breaks")
  }
}
