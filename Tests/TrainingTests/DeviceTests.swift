import Testing
import Torch

@testable import Training

@Suite struct DeviceTests {
  @Test func aDeviceThatIsNotThereIsNamedWithWhatToDo() throws {
    let fault = try #require(Device("cuda:77")?.fault)
    #expect(fault.contains("'cuda:77'") && (fault.contains("LIBTORCH") || fault.contains("the last GPU is")))
    #expect(Device.cpu.fault == nil)
  }

  @Test func recipesNameTheDeviceWhereItIsNotTheProcessor() throws {
    let text = try RecipeLibrary.text(named: "concat-lite")
    let usual = try Recipe(yaml: text, source: "concat-lite")
    #expect(usual.device == .cpu)
    #expect(try !usual.yaml.contains("device"))
    let other = try Recipe(yaml: text, source: "concat-lite", overrides: ["device=cuda:1"])
    #expect(other.device == .cuda(1))
    #expect(try Recipe(yaml: other.yaml, source: "again").device == .cuda(1))
    #expect { try Recipe(yaml: text, source: "concat-lite", overrides: ["device=gpu"]) } throws: {
      "\($0)".contains("no device 'gpu'")
    }
  }
}
